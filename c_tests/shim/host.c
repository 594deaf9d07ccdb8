/* host.c - a C host that uses the C++ adaptor through the install shim.
 *
 * Usage: host LIBRARY DIRECTORY OTHER_ABI INCOMPLETE
 *          collects, and checks what the shim refuses
 *        host LIBRARY VERSIONS
 *          its shim was compiled with another RocksDB's headers, and refuses everything */
#include "host.h"

#include <dlfcn.h>
#include <unistd.h>

const uint64_t versions[VERSIONS] = {10, 20, 30, 40, 50};
const char* library;
static const char* directory;

/* ---------------------------------------------------------------- what the parts share */

rgc_t* context(void) {
  rgc_options_t* options = api.rgc_options_create();
  SUCCEEDS(api.rgc_options_set(options, "remove_mode", "skip", errptr));
  rgc_t* gc = NULL;
  SUCCEEDS(gc = api.rgc_create(options, errptr));
  api.rgc_options_destroy(options);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  return gc;
}

void advance(rgc_t* gc, uint64_t ts) { SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 1, ts, errptr), 1)); }

rgc_stats_t stats_of(rgc_t* gc) {
  rgc_stats_t stats = {.struct_size = sizeof stats};
  api.rgc_stats(gc, &stats);
  return stats;
}

rocksdb_options_t* new_options(void) {
  rocksdb_options_t* options = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(options, 1);
  rocksdb_options_set_create_missing_column_families(options, 1);
  rocksdb_options_set_error_if_exists(options, 1);
  rocksdb_options_set_disable_auto_compactions(options, 1);
  return options;
}

const char* path_of(const char* name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

void must(char* error) {
  if (error != NULL) fprintf(stderr, "RocksDB: %s\n", error);
  REQUIRE(error == NULL);
}

struct db open_with(rocksdb_options_t* options, const char* name) {
  char* error = NULL;
  struct db db = {rocksdb_open(options, path_of(name), &error), options, rocksdb_writeoptions_create()};
  must(error);
  return db;
}

const char* row_name(size_t row) {
  static char name[32];
  snprintf(name, sizeof name, "row %zu", row);
  return name;
}

void fill(struct db* db) {
  for (size_t v = 0; v < VERSIONS; ++v) {
    for (size_t row = 0; row < ROWS; ++row) db_put(db, raw_key(1, row_name(row), versions[v]), BYTES("value\0"));
    db_flush(db);
  }
}

void collects(rgc_t* gc, rocksdb_options_t* options, const char* name) {
  struct db db = open_with(options, name);
  fill(&db);
  db_compact(&db);
  CHECK_EQ(db_count(&db), ROWS * VERSIONS);

  advance(gc, 45);
  db_compact(&db);
  CHECK_EQ(db_count(&db), ROWS);
  CHECK(db_has(&db, raw_key(1, row_name(0), 50)));
  /* RocksDB's C API has no skip: there each version that went would count as removed. */
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.skipped, ROWS);
  CHECK_EQ(stats.removed, 0);
  CHECK_EQ(stats.runs_closed, 0);

  advance(gc, 55);
  api.rgc_destroy(gc);
  db_put(&db, raw_key(1, row_name(0), 60), BYTES("value\0"));
  db_flush(&db);
  db_compact(&db);
  CHECK_EQ(db_count(&db), ROWS);
  CHECK(db_has(&db, raw_key(1, row_name(0), 60)) && !db_has(&db, raw_key(1, row_name(0), 50)));
  db_close(&db);
}

/* ---------------------------------------------------------------- what happens */

static void one_family(void) {
  rgc_t* gc = context();
  rocksdb_options_t* options = new_options();
  SUCCEEDS(rgc_shim_install(library, gc, RGC_KIND_RAW, options, options, errptr));
  collects(gc, options, "one_family");
}

/* This part is last, because it cannot be undone: from here on the library's functions are global
 * symbols of the process. */
static void in_process(void) {
  REQUIRE(dlopen(library, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD) != NULL);
  rgc_t* gc = context();
  rocksdb_options_t* options = new_options();
  SUCCEEDS(rgc_shim_install(NULL, gc, RGC_KIND_RAW, options, options, errptr));
  collects(gc, options, "in_process");
}

int main(int argc, char** argv) {
  REQUIRE(argc == 3 || argc == 5);
  alarm(240);
  library = argv[1];
  api_load(library);
  if (argc == 3) {
    other_versions(argv[2]);
  } else {
    directory = argv[2];
    one_family();
    two_families();
    bad_arguments(argv[3], argv[4]);
    factory_of_the_host();
    comparator_of_the_host();
    plain_tables();
    in_process();
  }
  return check_summary("shim") == 0 ? 0 : 1;
}
