/* Safe points of stored keys, for callgrind to count (see benches/decision.sh) and for a clock:
 *     safe_point LIBRARY KEYSPACES N
 * Each keyspace has a safe point of its own. N calls of rgc_safe_point_for_key, for keys of 45
 * bytes of one keyspace after the other, then as many of rgc_keyspace_safe_point. Prints the CPU
 * time of a call: the least and the median of 31 rounds. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rocks_gc.h"

enum { KEY_LEN = 45, ROUNDS = 31 };

static void* need(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == NULL) {
    fprintf(stderr, "%s: %s\n", name, dlerror());
    exit(1);
  }
  return found;
}
#define LOAD(name) __typeof__(name)* name##_ = (__typeof__(name)*)need(library, #name)

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static int compare(const void* one, const void* other) {
  double difference = *(const double*)one - *(const double*)other;
  return (difference > 0) - (difference < 0);
}

static void print(const char* call, uint64_t keyspaces, double* times) {
  qsort(times, ROUNDS, sizeof *times, compare);
  printf("%-23s %6llu keyspaces: %5.1f ns a call, median %5.1f\n", call, (unsigned long long)keyspaces, times[0], times[ROUNDS / 2]);
}

int main(int argc, char** argv) {
  void* library = argc == 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (library == NULL) {
    fprintf(stderr, "usage: safe_point LIBRARY KEYSPACES N: %s\n", argc == 4 ? dlerror() : "");
    return 1;
  }
  uint64_t keyspaces = strtoull(argv[2], NULL, 10);
  uint64_t n = strtoull(argv[3], NULL, 10);
  LOAD(rgc_options_create);
  LOAD(rgc_options_set);
  LOAD(rgc_create);
  LOAD(rgc_set_keyspace_gc_type);
  LOAD(rgc_advance_keyspace_safe_point);
  LOAD(rgc_encode_key);
  LOAD(rgc_safe_point_for_key);
  LOAD(rgc_keyspace_safe_point);

  rgc_options_t* options = rgc_options_create_();
  rgc_options_set_(options, "data_prefix", "z", NULL);
  rgc_t* gc = rgc_create_(options, NULL);
  char* keys = malloc(keyspaces * KEY_LEN);
  for (uint32_t id = 0; id < keyspaces; id++) {
    rgc_set_keyspace_gc_type_(gc, id, RGC_GC_KEYSPACE_LEVEL, NULL);
    rgc_advance_keyspace_safe_point_(gc, id, 1 + id, NULL);
    char user_key[25];
    snprintf(user_key, sizeof user_key, "user-%019u", id);
    size_t len = 0;
    char* key = rgc_encode_key_(gc, RGC_MODE_RAW, id, user_key, 24, 100, &len, NULL);
    if (key == NULL || len != KEY_LEN) {
      fprintf(stderr, "a key of %zu bytes\n", len);
      return 1;
    }
    memcpy(keys + KEY_LEN * (size_t)id, key, KEY_LEN);
  }

  double by_key[ROUNDS], by_id[ROUNDS];
  uint64_t sum = 0, expected = 0;
  for (int round = 0; round < ROUNDS; round++) {
    double begin = now();
    for (uint64_t i = 0, id = 0; i < n; i++, id = id + 1 < keyspaces ? id + 1 : 0) {
      sum += rgc_safe_point_for_key_(gc, keys + KEY_LEN * id, KEY_LEN);
    }
    double middle = now();
    for (uint64_t i = 0, id = 0; i < n; i++, id = id + 1 < keyspaces ? id + 1 : 0) {
      sum += rgc_keyspace_safe_point_(gc, (uint32_t)id);
      expected += 2 * (1 + id);
    }
    by_key[round] = (middle - begin) / (double)n;
    by_id[round] = (now() - middle) / (double)n;
  }
  if (sum != expected) {
    fprintf(stderr, "not what was to be measured: the safe points are wrong\n");
    return 1;
  }
  print("rgc_safe_point_for_key", keyspaces, by_key);
  print("rgc_keyspace_safe_point", keyspaces, by_id);
  return 0;
}
