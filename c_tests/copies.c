/* copies.c - a host that is not linked with RocksDB loads one at run time, and then another: which
 * one the library binds, and which it refuses.
 *
 * Usage: copies LIBRARY ROCKSDB OTHER_ROCKSDB INCOMPLETE SAME_NAMES NODE
 * INCOMPLETE has only some of the functions. SAME_NAMES has two functions of the same names, which
 * are not RocksDB's, and so has NODE, which looks like Node.js. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/wait.h>
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

static void* load_as(const char* path, int scope) {
  void* handle = dlopen(path, RTLD_NOW | scope);
  if (handle == NULL) fprintf(stderr, "%s\n", dlerror());
  REQUIRE(handle != NULL);
  return handle;
}

static void* load(const char* path) { return load_as(path, RTLD_LOCAL); }

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

/* A library that is not RocksDB is in the global scope, before RocksDB. */
static void check_same_names(const char* rocksdb, const char* same_names, const char* node) {
  void* names = load_as(same_names, RTLD_GLOBAL);
  rgc_t* gc = create();
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr), "Not found", same_names, "rocksdb_compactionfilter_create");
  void* real = load_as(rocksdb, RTLD_GLOBAL);
  void* process = dlopen(NULL, RTLD_NOW);
  REQUIRE(process != NULL && dlsym(process, "rocksdb_write") == dlsym(names, "rocksdb_write"));
  FAILS(api.rgc_bind_rocksdb_library(gc, process, NULL, errptr), "Not supported", same_names, "rocksdb_write", "by the path");
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr));
  /* It is the same binding. */
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, real, NULL, errptr));
  check_bound(gc, real);
  void* as_node = load_as(node, RTLD_GLOBAL);
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr), "Not supported", "Node.js", "rocksdb_write");
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, rocksdb, errptr));
  dlclose(as_node);
  dlclose(names);
  api.rgc_destroy(gc);
}

int main(int argc, char** argv) {
  REQUIRE(argc == 7);
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
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr), "Not found", incomplete, "-rdynamic");
  dlclose(some);
  api.rgc_destroy(gc);

  /* In a process of its own, because it makes RocksDB global. */
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    check_same_names(rocksdb, argv[5], argv[6]);
    _exit(check_summary("same names") == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);

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
  dlclose(second);
  return check_summary("copies") == 0 ? 0 : 1;
}
