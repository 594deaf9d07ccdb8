/* refused.c - what the shim does not take. Each call is made twice, once with errptr NULL. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "host.h"

#define REFUSED(path, gc, kind, db_options, options, ...) FAILS(rgc_shim_install(path, gc, kind, db_options, options, errptr), __VA_ARGS__)

/* Options that stay as good as new. */
void bad_arguments(const char* other_abi, const char* incomplete) {
  rgc_t* gc = context();
  rocksdb_options_t* options = new_options();
  REFUSED("/no/librocks_gc.so", gc, RGC_KIND_RAW, options, options, "Not found", "/no/librocks_gc.so");
  /* The library was loaded RTLD_LOCAL. */
  REFUSED(NULL, gc, RGC_KIND_RAW, options, options, "Not found", "rgc_abi_version", "give the path");
  /* Another copy would not know gc, so none is loaded here. */
  REFUSED(other_abi, gc, RGC_KIND_RAW, options, options, "Not found", other_abi, "not loaded");
  CHECK(dlopen(other_abi, RTLD_NOW) != NULL && dlopen(incomplete, RTLD_NOW) != NULL);
  REFUSED("libc.so.6", gc, RGC_KIND_RAW, options, options, "Not supported", "libc.so.6 is not librocks_gc");
  REFUSED(other_abi, gc, RGC_KIND_RAW, options, options, "Not supported", other_abi, "ABI version 99");
  REFUSED(incomplete, gc, RGC_KIND_RAW, options, options, "Not supported", incomplete, "lacks rgc_metrics;");
  REFUSED(library, NULL, RGC_KIND_RAW, options, options, "Invalid argument", "gc is NULL");
  REFUSED(library, gc, RGC_KIND_RAW, NULL, options, "Invalid argument", "NULL");
  REFUSED(library, gc, RGC_KIND_RAW, options, NULL, "Invalid argument", "NULL");
  REFUSED(library, gc, 99, options, options, "Invalid argument", "99");
  /* The kind is said once. */
  char* error = NULL;
  rgc_shim_install(library, gc, 99, options, options, &error);
  CHECK(error != NULL && strncmp(error, "Invalid argument: kind 99", 25) == 0);
  api.rgc_free(error);

  const char* families[] = {"default", NULL};
#define NO_FILTER(path, gc, db_options, names, n, ...) \
  FAILS(CHECK(rgc_shim_wal_filter(path, gc, db_options, names, n, errptr) == NULL), __VA_ARGS__)
  NO_FILTER("/no/librocks_gc.so", gc, options, families, 1, "Not found", "/no/librocks_gc.so");
  NO_FILTER(library, NULL, options, families, 1, "Invalid argument", "gc is NULL");
  NO_FILTER(library, gc, NULL, families, 1, "Invalid argument", "db_options is NULL");
  NO_FILTER(library, gc, options, NULL, 1, "Invalid argument", "no family");
  NO_FILTER(library, gc, options, families, 0, "Invalid argument", "no family");
  NO_FILTER(library, gc, options, families, 2, "Invalid argument", "families[1] is NULL");
  void* filter = NULL;
  SUCCEEDS(filter = rgc_shim_wal_filter(library, gc, options, families, 1, errptr));
  CHECK(filter != NULL);
  NO_FILTER(library, gc, options, families, 1, "Invalid argument", "rocks_gc.wal_filter");
  rgc_shim_wal_filter_destroy(filter, options);
  rgc_shim_wal_filter_destroy(NULL, options);
  SUCCEEDS(filter = rgc_shim_wal_filter(library, gc, options, families, 1, errptr));
  rgc_shim_wal_filter_destroy(filter, options);

  /* By its SONAME, though it was loaded by its path. */
  SUCCEEDS(rgc_shim_install("librocks_gc.so.1", gc, RGC_KIND_RAW, options, options, errptr));
  REFUSED(library, gc, RGC_KIND_TXN, options, options, "Invalid argument", "rocks_gc.default");
  collects(gc, options, "after_errors");
}

void other_versions(const char* versions_of_rocksdb) {
  rgc_t* gc = context();
  rocksdb_options_t* options = new_options();
  REFUSED(library, gc, RGC_KIND_RAW, options, options, "Not supported", versions_of_rocksdb, "own headers");
  REFUSED("/no/librocks_gc.so", NULL, 99, NULL, NULL, "Not supported", versions_of_rocksdb);
  rocksdb_options_destroy(options);
  api.rgc_destroy(gc);
}

/* |---------------------------------------------------------------- options that the host has
 * filled */

static size_t asked; /* how many filters its factory was asked for */
static size_t gone;  /* how many objects of its own were destroyed */

static rocksdb_compactionfilter_t* host_filter(void* state, rocksdb_compactionfiltercontext_t* run) {
  (void)state, (void)run;
  ++asked;
  return NULL;
}

static const char* host_name(void* state) { return state; }

static void host_gone(void* state) {
  (void)state;
  ++gone;
}

/* It stays where it is. */
void factory_of_the_host(void) {
  rgc_t* gc = context();
  advance(gc, 45);
  static char name[] = "host.factory";
  rocksdb_options_t* options = new_options();
  rocksdb_options_set_compaction_filter_factory(options, rocksdb_compactionfilterfactory_create(name, host_gone, host_filter, host_name));
  REFUSED(library, gc, RGC_KIND_RAW, options, options, "Invalid argument", name);
  struct db db = open_with(options, "factory");
  fill(&db);
  db_compact(&db);
  CHECK(asked > 0);
  CHECK_EQ(gone, 0);
  CHECK_EQ(db_count(&db), ROWS * VERSIONS);
  CHECK_EQ(stats_of(gc).runs_started, 0);
  db_close(&db);
  CHECK_EQ(gone, 1);
  api.rgc_destroy(gc);
}

static int backwards(void* state, const char* a, size_t a_len, const char* b, size_t b_len) {
  (void)state;
  int order = memcmp(b, a, a_len < b_len ? a_len : b_len);
  return order != 0 ? order : (b_len > a_len) - (b_len < a_len);
}

void comparator_of_the_host(void) {
  rgc_t* gc = context();
  static char name[] = "host.comparator";
  rocksdb_comparator_t* comparator = rocksdb_comparator_create(name, host_gone, backwards, host_name);
  rocksdb_options_t* options = new_options();
  rocksdb_options_set_comparator(options, comparator);
  REFUSED(library, gc, RGC_KIND_RAW, options, options, "Invalid argument", name);
  rocksdb_options_destroy(options);
  rocksdb_comparator_destroy(comparator);
  api.rgc_destroy(gc);
}

void plain_tables(void) {
  rgc_t* gc = context();
  rocksdb_options_t* defaults = new_options();
  rocksdb_options_t* options = new_options();
  /* rocksdb_options_set_plain_table_factory is another function in each version. */
  char* error = NULL;
  rocksdb_get_options_from_string(defaults, "table_factory=PlainTable", options, &error);
  must(error);
  REFUSED(library, gc, RGC_KIND_RAW, options, options, "Not supported", "plain tables");
  rocksdb_options_destroy(options);
  rocksdb_options_destroy(defaults);
  api.rgc_destroy(gc);
}
