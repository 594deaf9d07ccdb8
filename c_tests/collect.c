/* collect.c - a host that is linked with RocksDB loads the library and collects a real database, in
 * every way that the C API offers.
 *
 * Usage: collect LIBRARY DIRECTORY SONAME_OF_ROCKSDB */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

#include "api.h"
#include "check.h"
#include "db.h"
#include "rocks_gc_rocksdb_c.h"

static const char* soname;

/* ---------------------------------------------------------------- the ways */

/* Where RocksDB's library lies, as the loader names it. */
static const char* rocksdb_path(void) {
  Dl_info info;
  void* open_address = dlsym(RTLD_DEFAULT, "rocksdb_open");
  REQUIRE(open_address != NULL && dladdr(open_address, &info) != 0);
  return info.dli_fname;
}

static void bind_symbols(rgc_t* gc) {
  rgc_symbol_t symbols[RGC_ROCKSDB_SYMBOLS];
  size_t n = rgc_rocksdb_symbols(symbols);
  CHECK_EQ(n, RGC_ROCKSDB_SYMBOLS);
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, n, errptr));
  /* The same RocksDB by another way is the same binding. */
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr));
}

static void bind_handle(rgc_t* gc) {
  void* handle = dlopen(rocksdb_path(), RTLD_LAZY | RTLD_NOLOAD);
  REQUIRE(handle != NULL);
  SUCCEEDS(api.rgc_bind_rocksdb_library(gc, handle, NULL, errptr));
}

static void bind_program(rgc_t* gc) { SUCCEEDS(api.rgc_bind_rocksdb_library(gc, dlopen(NULL, RTLD_LAZY), NULL, errptr)); }
static void bind_path(rgc_t* gc) { SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, rocksdb_path(), errptr)); }
static void bind_soname(rgc_t* gc) { SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, soname, errptr)); }
static void bind_search(rgc_t* gc) { SUCCEEDS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr)); }

/* The library makes the factory. */
static rocksdb_compactionfilterfactory_t* made_by_the_library(rgc_t* gc, int kind) {
  rocksdb_compactionfilterfactory_t* factory = NULL;
  SUCCEEDS(factory = api.rgc_rocksdb_filter_factory(gc, kind, errptr));
  REQUIRE(factory != NULL);
  return factory;
}

/* The host makes it, from the raw callbacks. */
static rocksdb_compactionfilterfactory_t* of_raw_callbacks(rgc_t* gc, int kind) {
  void* state = NULL;
  SUCCEEDS(state = api.rgc_factory_state(gc, kind, errptr));
  REQUIRE(state != NULL);
  return rocksdb_compactionfilterfactory_create(state, api.rgc_factory_destructor, api.rgc_factory_create_filter, api.rgc_factory_name);
}

/* The host has a factory of its own, which makes single filters. Needs no binding. */
static rocksdb_compactionfilter_t* host_filter(void* gc, rocksdb_compactionfiltercontext_t* context) {
  rgc_compaction_t compaction = {.struct_size = sizeof compaction, .is_bottommost = -1, .start_level = -1, .output_level = -1};
  compaction.is_full = rocksdb_compactionfiltercontext_is_full_compaction(context);
  compaction.is_manual = rocksdb_compactionfiltercontext_is_manual_compaction(context);
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, RGC_KIND_RAW, &compaction, errptr));
  if (run == NULL) return NULL;
  return rocksdb_compactionfilter_create(run, api.rgc_filter_destructor, api.rgc_filter_callback, api.rgc_filter_name);
}

static void keep_state(void* state) { (void)state; }

static const char* host_name(void* state) {
  (void)state;
  return "host.factory";
}

static rocksdb_compactionfilterfactory_t* of_the_host(rgc_t* gc, int kind) {
  (void)kind;
  return rocksdb_compactionfilterfactory_create(gc, keep_state, host_filter, host_name);
}

struct way {
  const char* name;
  void (*bind)(rgc_t* gc);
  rocksdb_compactionfilterfactory_t* (*make)(rgc_t* gc, int kind);
};
static const struct way ways[] = {
    {"symbols", bind_symbols, made_by_the_library}, {"handle", bind_handle, made_by_the_library},
    {"program", bind_program, made_by_the_library}, {"path", bind_path, made_by_the_library},
    {"soname", bind_soname, made_by_the_library},   {"search", bind_search, made_by_the_library},
    {"callbacks", bind_symbols, of_raw_callbacks},  {"filter", NULL, of_the_host},
};

/* ---------------------------------------------------------------- the data */

/* Keyspaces 1 and 2 are at keyspace level, 3 follows the global safe point, 4 was never named. */
enum { KEYSPACES = 5, ROWS = 50 };
static const uint64_t versions[] = {10, 20, 30, 40, 50};
enum { VERSIONS = sizeof versions / sizeof *versions };

static const char* row_name(size_t row) {
  static char name[32];
  snprintf(name, sizeof name, row % 2 == 0 ? "%zu" : "a longer row, %zu", row);
  return name;
}

/* Each timestamp has its own file, so that no row lies in one file alone. Beside RawKV there are
 * keys that are none. */
static void fill(struct db* db) {
  for (size_t v = 0; v < VERSIONS; ++v) {
    for (uint32_t keyspace = 0; keyspace < KEYSPACES; ++keyspace) {
      for (size_t row = 0; row < ROWS; ++row) db_put(db, raw_key(keyspace, row_name(row), versions[v]), BYTES("value\0"));
    }
    db_put(db, mode_key('x', 1, "txn", versions[v]), BYTES("value\0"));
    db_put(db, stored_key(BYTES("t_table"), versions[v]), BYTES("value\0"));
    db_put(db, (struct key){8 + v, "no key of TiKV"}, BYTES("value\0"));
    db_flush(db);
  }
}

/* Of a row: the newest stays, and of the others what is not below the safe point. */
static void check_left(struct db* db, const uint64_t safe_points[KEYSPACES], const char* way, int line) {
  size_t expected = 3 * VERSIONS;
  size_t wrong = 0;
  for (uint32_t keyspace = 0; keyspace < KEYSPACES; ++keyspace) {
    for (size_t row = 0; row < ROWS; ++row) {
      for (size_t v = 0; v < VERSIONS; ++v) {
        int stays = v + 1 == VERSIONS || versions[v] >= safe_points[keyspace];
        expected += (size_t)stays;
        wrong += db_has(db, raw_key(keyspace, row_name(row), versions[v])) != stays;
      }
    }
  }
  check_equal(wrong, 0, __FILE__, line, way);
  check_equal(db_count(db), expected, __FILE__, line, way);
}

/* ---------------------------------------------------------------- what happens */

static void collect(const struct way* way, const char* directory) {
  rgc_t* gc = NULL;
  SUCCEEDS(gc = api.rgc_create(NULL, errptr));
  if (way->bind != NULL) way->bind(gc);
  static const uint32_t own[] = {1, 2};
  SUCCEEDS(api.rgc_set_keyspace_gc_types(gc, own, 2, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_GLOBAL, errptr));
  struct db db = db_open(directory, way->make(gc, RGC_KIND_RAW));
  fill(&db);

  uint64_t safe_points[KEYSPACES] = {0};
  db_compact(&db);
  check_left(&db, safe_points, way->name, __LINE__);

  static const uint64_t first[] = {25, 1};
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, own, first, 2, errptr), 2));
  safe_points[1] = 25;
  safe_points[2] = 1;
  db_compact(&db);
  check_left(&db, safe_points, way->name, __LINE__);

  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 40), 1);
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 1, 1000, errptr), 1));
  safe_points[1] = 1000;
  safe_points[3] = 40;
  db_compact(&db);
  check_left(&db, safe_points, way->name, __LINE__);

  rgc_stats_t stats = {.struct_size = sizeof stats};
  api.rgc_stats(gc, &stats);
  CHECK(stats.runs_started > 0 && stats.filters_not_needed > 0 && stats.kept_unknown_keyspace > 0);
  CHECK_EQ(stats.removed, ROWS * (2 + 2 + 3));
  CHECK_EQ(stats.runs_closed, 0);
  /* The host's own factory has the handle in its state; the library's hold a reference. */
  if (way->make != of_the_host) api.rgc_destroy(gc);
  db_close(&db);
  if (way->make == of_the_host) api.rgc_destroy(gc);
}

static void ttl(const char* directory) {
  rgc_t* gc = NULL;
  SUCCEEDS(gc = api.rgc_create(NULL, errptr));
  bind_symbols(gc);
  struct db db = db_open(directory, made_by_the_library(gc, RGC_KIND_TTL_V1));
  static const struct key expired = {7, "expired"}, lives = {5, "lives"}, ever = {4, "ever"}, damaged = {7, "damaged"};
  db_put(&db, expired, BYTES("v\0\0\0\0\x60\0\0\0"));
  db_put(&db, lives, BYTES("v\0\0\0\xff\0\0\0\0"));
  db_put(&db, ever, BYTES("v\0\0\0\0\0\0\0\0"));
  db_put(&db, damaged, BYTES("v"));
  db_flush(&db);
  db_compact(&db);
  CHECK(!db_has(&db, expired) && db_has(&db, lives) && db_has(&db, ever) && db_has(&db, damaged));
  CHECK_EQ(db_count(&db), 3);
  db_close(&db);
  api.rgc_destroy(gc);
}

static char log_text[1 << 14];

static void log_to_text(void* state, int level, const char* message) {
  (void)state;
  size_t used = strlen(log_text);
  snprintf(log_text + used, sizeof log_text - used, "%d %s\n", level, message);
}

/* Why is nothing collected? Because nobody named a keyspace: the counter and the log say so. */
static void unnamed(const char* directory) {
  rgc_t* gc = NULL;
  SUCCEEDS(gc = api.rgc_create(NULL, errptr));
  bind_symbols(gc);
  struct db db = db_open(directory, made_by_the_library(gc, RGC_KIND_RAW));
  fill(&db);
  api.rgc_set_logger(log_to_text, NULL, RGC_LOG_WARN);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 1000), 1);
  db_compact(&db);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  static const uint64_t none[KEYSPACES] = {0};
  check_left(&db, none, "unnamed", __LINE__);
  rgc_stats_t stats = {.struct_size = sizeof stats};
  api.rgc_stats(gc, &stats);
  CHECK(stats.kept_unknown_keyspace >= KEYSPACES * ROWS * VERSIONS);
  CHECK_EQ(stats.removed, 0);
  CHECK_CONTAINS(log_text, "never registered");
  CHECK_CONTAINS(log_text, "rgc_set_keyspace_gc_type");
  db_close(&db);
  api.rgc_destroy(gc);
}

int main(int argc, char** argv) {
  REQUIRE(argc == 4);
  alarm(240);
  api_load(argv[1]);
  soname = argv[3];
  char directory[4096];
  for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
    snprintf(directory, sizeof directory, "%s/%s", argv[2], ways[i].name);
    collect(&ways[i], directory);
  }
  snprintf(directory, sizeof directory, "%s/ttl", argv[2]);
  ttl(directory);
  snprintf(directory, sizeof directory, "%s/unnamed", argv[2]);
  unnamed(directory);
  return check_summary("collect") == 0 ? 0 : 1;
}
