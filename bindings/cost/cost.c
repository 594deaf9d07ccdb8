/* cost.c - a C host on any librocksdb: writes 1,000,000 versions, or compacts them with rocks-gc.
 *
 * Usage: cost write|compact LIBROCKS_GC LIBROCKSDB DB
 * "compact" prints the CPU seconds of the compaction. The hosts in the other languages do the same
 * with what "write" has written. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "rocks_gc.h"

enum { ROWS = 50000, VERSIONS = 20, KEYSPACE = 7 };

static void* rocksdb;
static void* rgc;

static void* find(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return found;
}

/* FUNCTION(library, result, name, types): a pointer to the function. */
#define FUNCTION(library, result, name, ...) ((result(*)(__VA_ARGS__))(uintptr_t)find(library, #name))
#define DB(result, name, ...) FUNCTION(rocksdb, result, rocksdb_##name, __VA_ARGS__)
#define GC(result, name, ...) FUNCTION(rgc, result, rgc_##name, __VA_ARGS__)

static void check(const char* error) {
  if (error == NULL) return;
  fprintf(stderr, "%s\n", error);
  exit(1);
}

static void write_versions(rgc_t* gc, void* db) {
  void* options = DB(void*, writeoptions_create, void)();
  void (*put)(void*, void*, const char*, size_t, const char*, size_t, char**) =
      DB(void, put, void*, void*, const char*, size_t, const char*, size_t, char**);
  char* (*encode)(const rgc_t*, int, uint32_t, const char*, size_t, uint64_t, size_t*, char**) =
      GC(char*, encode_key, const rgc_t*, int, uint32_t, const char*, size_t, uint64_t, size_t*, char**);
  char value[101];
  memset(value, 'v', sizeof value);
  value[sizeof value - 1] = 0; /* the byte of flags */
  DB(void, writeoptions_disable_WAL, void*, int)(options, 1);
  for (uint64_t ts = 1; ts <= VERSIONS; ++ts) {
    for (unsigned row = 0; row < ROWS; ++row) {
      char user_key[16], *error = NULL;
      size_t len;
      const int user_len = snprintf(user_key, sizeof user_key, "row %06u", row);
      char* key = encode(gc, RGC_MODE_RAW, KEYSPACE, user_key, (size_t)user_len, ts, &len, &error);
      check(error);
      put(db, options, key, len, value, sizeof value, &error);
      check(error);
      GC(void, free, void*)(key);
    }
  }
  char* error = NULL;
  DB(void, flush, void*, void*, char**)(db, DB(void*, flushoptions_create, void)(), &error);
  check(error);
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  rocksdb = dlopen(argv[3], RTLD_NOW | RTLD_LOCAL);
  rgc = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
  if (rocksdb == NULL || rgc == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  const int writes = strcmp(argv[1], "write") == 0;
  char* error = NULL;
  rgc_t* gc = GC(rgc_t*, create, const void*, char**)(NULL, &error);
  check(error);
  GC(void, set_keyspace_gc_type, rgc_t*, uint32_t, int, char**)(gc, KEYSPACE, RGC_GC_KEYSPACE_LEVEL, &error);
  check(error);
  if (!writes) {
    GC(unsigned char, advance_keyspace_safe_point, rgc_t*, uint32_t, uint64_t, char**)(gc, KEYSPACE, VERSIONS + 1, &error);
    check(error);
  }
  GC(void, bind_rocksdb_library, rgc_t*, void*, const char*, char**)(gc, rocksdb, NULL, &error);
  check(error);
  void* factory = GC(void*, rocksdb_filter_factory, rgc_t*, int, char**)(gc, RGC_KIND_RAW, &error);
  check(error);
  void* options = DB(void*, options_create, void)();
  DB(void, options_set_create_if_missing, void*, unsigned char)(options, 1);
  DB(void, options_set_disable_auto_compactions, void*, int)(options, 1);
  DB(void, options_set_compaction_filter_factory, void*, void*)(options, factory);
  void* db = DB(void*, open, void*, const char*, char**)(options, argv[4], &error);
  check(error);
  if (writes) {
    write_versions(gc, db);
  } else {
    const double before = cpu_seconds();
    DB(void, compact_range, void*, const char*, size_t, const char*, size_t)(db, NULL, 0, NULL, 0);
    printf("%.6f\n", cpu_seconds() - before);
  }
  DB(void, close, void*)(db);
  DB(void, options_destroy, void*)(options);
  return GC(unsigned char, destroy, rgc_t*)(gc) == 1 ? 0 : 1;
}
