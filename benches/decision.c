/* Decisions through rgc_filter_callback, for callgrind to count: see benches/decision.sh.
 *     decision LIBRARY same_row|new_row|far_row N
 * Stored keys of 45 bytes (data prefix z, 24 bytes of user key with mode and keyspace before it),
 * values of 6.
 *   same_row: N versions of one row at or above the safe point: kept.
 *   new_row:  N rows, each with one live version below the safe point: kept, after a check of the
 *             whole encoding.
 *   far_row:  the same, but each row differs from its predecessor right behind the keyspace. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rocks_gc.h"

enum { KEY_LEN = 45, TIMESTAMP_LEN = 8, SAFE_POINT = 1 << 30 };

static void* need(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == NULL) {
    fprintf(stderr, "%s: %s\n", name, dlerror());
    exit(1);
  }
  return found;
}
#define LOAD(name) __typeof__(name)* name##_ = (__typeof__(name)*)need(library, #name)

static void put_timestamp(char* key, uint64_t ts) {
  for (int i = 0; i < TIMESTAMP_LEN; i++) {
    key[KEY_LEN - 1 - i] = (char)~(ts >> (8 * i));
  }
}

int main(int argc, char** argv) {
  void* library = argc == 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (library == NULL) {
    fprintf(stderr, "usage: decision LIBRARY same_row|new_row|far_row N: %s\n", argc == 4 ? dlerror() : "");
    return 1;
  }
  int same_row = strcmp(argv[2], "same_row") == 0;
  int far_row = strcmp(argv[2], "far_row") == 0;
  uint64_t n = strtoull(argv[3], NULL, 10);
  LOAD(rgc_options_create);
  LOAD(rgc_options_set);
  LOAD(rgc_create);
  LOAD(rgc_set_keyspace_gc_type);
  LOAD(rgc_advance_keyspace_safe_point);
  LOAD(rgc_encode_key);
  LOAD(rgc_filter_create);
  LOAD(rgc_filter_callback);
  LOAD(rgc_filter_destroy);
  LOAD(rgc_stats);

  rgc_options_t* options = rgc_options_create_();
  rgc_options_set_(options, "data_prefix", "z", NULL);
  rgc_t* gc = rgc_create_(options, NULL);
  rgc_set_keyspace_gc_type_(gc, 1, RGC_GC_KEYSPACE_LEVEL, NULL);
  rgc_advance_keyspace_safe_point_(gc, 1, SAFE_POINT, NULL);
  rgc_filter_t* filter = rgc_filter_create_(gc, RGC_KIND_RAW, NULL, NULL);

  char user_key[25];
  snprintf(user_key, sizeof user_key, "user-%019d", 0);
  size_t len = 0;
  char* key = rgc_encode_key_(gc, RGC_MODE_RAW, 1, user_key, 24, SAFE_POINT, &len, NULL);
  if (filter == NULL || len != KEY_LEN) {
    fprintf(stderr, "no filter, or a key of %zu bytes\n", len);
    return 1;
  }
  const char* value = "value";
  uint64_t removed = 0;
  for (uint64_t i = 0; i < n; i++) {
    if (same_row) {
      put_timestamp(key, SAFE_POINT + n - i);
    } else {
      /* The row's number: behind z, mode and keyspace; or in the third group of 9. */
      char* number = far_row ? key + 1 + 4 : key + 1 + 18;
      for (int j = 0; j < 4; j++) {
        number[j] = (char)(i >> (8 * (3 - j)));
      }
      put_timestamp(key, SAFE_POINT - 1);
    }
    unsigned char changed = 0;
    removed += rgc_filter_callback_(filter, 0, key, KEY_LEN, value, 6, NULL, NULL, &changed);
  }
  rgc_filter_destroy_(filter);
  rgc_stats_t stats = {.struct_size = sizeof stats};
  rgc_stats_(gc, &stats);
  if (removed != 0 || stats.kept != n || stats.runs_closed + stats.unparsed_keys + stats.unparsed_values != 0) {
    fprintf(stderr, "not what was to be measured: removed %llu, kept %llu\n", (unsigned long long)removed, (unsigned long long)stats.kept);
    return 1;
  }
  return 0;
}
