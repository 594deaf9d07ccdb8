/* copies.c - a host that is not linked with RocksDB loads one at run time, and then another: which
 * one the library binds, and which it refuses.
 *
 * Usage: copies LIBRARY ROCKSDB OTHER_ROCKSDB INCOMPLETE
 * INCOMPLETE has only some of the functions. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

#include "api.h"
#include "check.h"

static rgc_t* create(void) {
  rgc_t* gc = NULL;
  SUCCEEDS(gc = api.rgc_create(NULL, errptr));
  REQUIRE(gc != NULL);
  return gc;
}

static int is_loaded(const char* path) {
  void* handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  if (handle != NULL) dlclose(handle);
  return handle != NULL;
}

static void* load(const char* path) {
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) fprintf(stderr, "%s\n", dlerror());
  REQUIRE(handle != NULL);
  return handle;
}

/* Bound, the library makes factories. */
static void check_bound(rgc_t* gc, void* rocksdb) {
  void* address = dlsym(rocksdb, "rocksdb_compactionfilterfactory_destroy");
  void (*destroy)(struct rocksdb_compactionfilterfactory_t*);
  REQUIRE(address != NULL);
  memcpy(&destroy, &address, sizeof destroy);
  struct rocksdb_compactionfilterfactory_t* factory = NULL;
  SUCCEEDS(factory = api.rgc_rocksdb_filter_factory(gc, RGC_KIND_RAW, errptr));
  REQUIRE(factory != NULL);
  destroy(factory);
}

int main(int argc, char** argv) {
  REQUIRE(argc == 5);
  alarm(120);
  api_load(argv[1]);
  const char* rocksdb = argv[2];
  const char* another = argv[3];
  const char* incomplete = argv[4];

  /* It is there to be loaded, but the library loads nothing. */
  rgc_t* gc = create();
  REQUIRE(!is_loaded(rocksdb));
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, rocksdb, errptr), "Not found", rocksdb, "not loaded");
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr), "Not found", "no RocksDB", "-rdynamic");
  CHECK(!is_loaded(rocksdb));

  /* Some functions only: those that are missing are named. */
  void* some = load(incomplete);
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, incomplete, errptr), "Not found", "rocksdb_compactionfilter_create",
        "rocksdb_compactionfiltercontext_is_full_compaction");
  FAILS(api.rgc_bind_rocksdb_library(gc, some, NULL, errptr), "Not found", "rocksdb_compactionfilter_create");
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr), "Not found", "rocksdb_compactionfilter_create");
  dlclose(some);
  api.rgc_destroy(gc);

  /* One RocksDB, RTLD_LOCAL: the library finds it by handle and by path. By search it finds it once
   * the host has closed the incomplete one: a search keeps no other library loaded. */
  void* first = load(rocksdb);
  gc = create();
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, first, NULL, errptr));
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, rocksdb, errptr));
  FAILS(api.rgc_bind_rocksdb_library(gc, first, rocksdb, errptr), "Invalid argument", "handle", "path");
  CHECK(!is_loaded(incomplete));
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr));
  check_bound(gc, first);

  /* Two: searching cannot know which; saying it can. A context stays with its own. */
  void* second = load(another);
  REQUIRE(dlsym(first, "rocksdb_compactionfilter_create") != dlsym(second, "rocksdb_compactionfilter_create"));
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr), "Not supported", rocksdb, another);
  /* What is bound by its handle stays, also when its host closes it. */
  rgc_t* pinned = create();
  SUCCEEDS(api.rgc_bind_rocksdb_library(pinned, second, NULL, errptr));
  dlclose(second);
  CHECK(is_loaded(another));
  second = load(another);
  check_bound(pinned, second);
  api.rgc_destroy(pinned);
  FAILS(api.rgc_bind_rocksdb_library(gc, second, NULL, errptr), "Invalid argument", "another RocksDB");
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, another, errptr), "Invalid argument", "another RocksDB");
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, first, NULL, errptr));
  check_bound(gc, first);
  rgc_t* other = create();
  FAILS(api.rgc_bind_rocksdb_library(other, NULL, NULL, errptr), "Not supported", rocksdb, another);
  SUCCEEDS(api.rgc_bind_rocksdb_library(other, NULL, another, errptr));
  check_bound(other, second);
  api.rgc_destroy(other);
  api.rgc_destroy(gc);
  return check_summary("copies") == 0 ? 0 : 1;
}
