/* demo.c - a C host that loads librocks_gc.so at run time and lets it collect a real RocksDB.
 *
 *     demo LIBRARY [THOUSANDS OF VERSIONS]
 *
 * It writes a day of RawKV versions of six keyspaces, moves their safe points, compacts, and waits
 * until the worker has finished the dead rows. It shows what was removed, what stayed, and that
 * every reader finds what it found before. Then it destroys a keyspace. It ends with "demo: ok", or
 * with the error and exit code 1. */
#define _XOPEN_SOURCE 700
#include <dlfcn.h>
#include <ftw.h>
#include <rocks_gc_rocksdb_c.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

struct rgc_functions rgc;
struct demo demo;
static volatile sig_atomic_t interrupted;

enum { DRAIN_MILLISECONDS = 60000 };

/* ---------------------------------------------------------------- ends */

static int remove_entry(const char* path, const struct stat* status, int type, struct FTW* place) {
  (void)status, (void)type, (void)place;
  return remove(path);
}

/* Gives everything back, in the order of the manual: the store, the database, its options (and
 * with them the factory), the library's.
 * Not by atexit: by then RocksDB has lost some of its static data. */
static void clean_up(void) {
  if (demo.iterator) rocksdb_iter_destroy(demo.iterator);
  if (demo.gc && !rgc.detach(demo.gc)) {
    fprintf(stderr, "demo: rgc_detach was refused: the database stays open\n");
    return;
  }
  if (demo.db) rocksdb_close(demo.db);
  if (demo.options) rocksdb_options_destroy(demo.options);
  if (demo.write_options) rocksdb_writeoptions_destroy(demo.write_options);
  if (demo.flush_options) rocksdb_flushoptions_destroy(demo.flush_options);
  if (demo.compact_options) rocksdb_compactoptions_destroy(demo.compact_options);
  if (demo.read_options) rocksdb_readoptions_destroy(demo.read_options);
  if (demo.batch) rocksdb_writebatch_destroy(demo.batch);
  if (demo.gc && !rgc.destroy(demo.gc)) fprintf(stderr, "demo: rgc_destroy was refused\n");
  if (demo.gc_options) rgc.options_destroy(demo.gc_options);
  free_looks(before);
  free_looks(after);
  if (demo.directory[0]) nftw(demo.directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  if (demo.library) dlclose(demo.library);
}

void fail(const char* what, const char* why) {
  fflush(stdout);
  fprintf(stderr, "demo: %s: %s\n", what, why);
  clean_up();
  exit(1);
}

static void on_signal(int signal) {
  (void)signal;
  interrupted = 1;
}

void stop_if_interrupted(void) {
  if (interrupted) fail("stopped", "by a signal");
}

/* ---------------------------------------------------------------- begins */

static void find(const char* name, void* function, size_t size) {
  void* address = dlsym(demo.library, name);
  if (!address) fail(name, "the library lacks it");
  memcpy(function, &address, size); /* C has no cast from data to functions */
}

static void load_library(const char* path) {
  demo.library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!demo.library) fail("dlopen", dlerror());
#define FIND(function) find("rgc_" #function, &rgc.function, sizeof rgc.function);
  RGC_FUNCTIONS(FIND)
  if (rgc.abi_version() != RGC_ABI_VERSION) fail(path, "is of another ABI version than the header");
}

static void print_warning(void* state, int level, const char* message) {
  (void)state, (void)level;
  printf("rocks_gc warns: %s\n", message);
}

static uint64_t stopped_clock(void* state) {
  (void)state;
  return NOW;
}

static void create_gc(void) {
  rgc_symbol_t symbols[RGC_ROCKSDB_SYMBOLS];
  if (!rgc.set_logger(print_warning, NULL, RGC_LOG_WARN)) fail("rgc_set_logger", "refused");
  demo.gc_options = rgc.options_create();
  RGC(rgc.options_set(demo.gc_options, "data_prefix", "z", &err));
  RGC(demo.gc = rgc.create(demo.gc_options, &err));
  if (!rgc.set_clock(demo.gc, stopped_clock, NULL)) fail("rgc_set_clock", "refused");
  RGC(rgc.bind_rocksdb_symbols(demo.gc, symbols, rgc_rocksdb_symbols(symbols), &err));
}

static void create_directory(void) {
  const char* parent = getenv("TMPDIR");
  char path[sizeof demo.directory];
  int len = snprintf(path, sizeof path, "%s/rocks_gc_demo_XXXXXX", parent && *parent ? parent : "/tmp");
  if (len >= (int)sizeof path || !mkdtemp(path)) fail("mkdtemp", path);
  strcpy(demo.directory, path);
}

/* The DB compacts only when the demo asks, so that there is something to see, and does not
 * compress, so that sizes compare. */
static void open_database(void) {
  create_directory();
  demo.options = rocksdb_options_create();
  rocksdb_options_set_create_if_missing(demo.options, 1);
  rocksdb_options_set_disable_auto_compactions(demo.options, 1);
  rocksdb_options_set_level_compaction_dynamic_level_bytes(demo.options, 1);
  rocksdb_options_set_compression(demo.options, rocksdb_no_compression);
  rocksdb_options_set_write_buffer_size(demo.options, (size_t)512 << 20);
  rocksdb_options_set_target_file_size_base(demo.options, (uint64_t)2 << 20); /* so that there are files to drop */
  rocksdb_compactionfilterfactory_t* factory;
  RGC(factory = rgc.rocksdb_filter_factory(demo.gc, RGC_KIND_RAW, &err));
  rocksdb_options_set_compaction_filter_factory(demo.options, factory);
  demo.write_options = rocksdb_writeoptions_create();
  rocksdb_writeoptions_disable_WAL(demo.write_options, 1);
  demo.flush_options = rocksdb_flushoptions_create();
  demo.read_options = rocksdb_readoptions_create();
  demo.compact_options = rocksdb_compactoptions_create();
  rocksdb_compactoptions_set_bottommost_level_compaction(demo.compact_options, 3); /* once through everything, not twice */
  demo.batch = rocksdb_writebatch_create();
  ROCKSDB(demo.db = rocksdb_open(demo.options, demo.directory, &err));
  rgc_column_family_t families[] = {{.struct_size = sizeof families[0], .role = RGC_CF_DEFAULT, .name = "default"}};
  RGC(rgc.attach_rocksdb(demo.gc, demo.db, families, 1, &err));
}

/* ---------------------------------------------------------------- works */

double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void compact(void) {
  rocksdb_compact_range_opt(demo.db, demo.compact_options, NULL, 0, NULL, 0);
  stop_if_interrupted();
}

/* The demo compacts half a day to the last level before it sets a safe point; the other half stays
 * above it. */
static void write_a_day(void) {
  double start = seconds();
  write_hours(HOURS - 1, HOURS / 2);
  compact();
  write_hours(HOURS / 2 - 1, 0);
  double took = seconds() - start;
  look_at_all(before);
  uint64_t versions = 0, rows = 0;
  for (int i = 0; i < KEYSPACES; i++) versions += before[i].versions, rows += before[i].rows;
  printf("wrote %s versions of %s rows in %.1f s; files: ", number(versions), number(rows), took);
  if (print_levels() < 2) fail("levels", "there should be at least two before the collection");
}

static void name_keyspaces(void) {
  RGC(rgc.set_keyspace_gc_type(demo.gc, keyspaces[ORDERS].id, RGC_GC_KEYSPACE_LEVEL, &err));
  RGC(rgc.set_keyspace_gc_type(demo.gc, keyspaces[REPORTS].id, RGC_GC_KEYSPACE_LEVEL, &err));
  RGC(rgc.set_keyspace_gc_type(demo.gc, keyspaces[USERS].id, RGC_GC_GLOBAL, &err));
  RGC(rgc.set_keyspace_gc_type(demo.gc, keyspaces[SESSIONS].id, RGC_GC_GLOBAL, &err));
  RGC(rgc.set_keyspace_gc_type(demo.gc, keyspaces[ARCHIVE].id, RGC_GC_GLOBAL, &err));
  RGC(rgc.pause_keyspace(demo.gc, keyspaces[ARCHIVE].id, &err));
}

static void advance_safe_points(void) {
  if (!rgc.advance_global_safe_point(demo.gc, planned_safe_point(&keyspaces[USERS]))) fail("global safe point", "refused");
  RGC(rgc.advance_keyspace_safe_point(demo.gc, keyspaces[ORDERS].id, planned_safe_point(&keyspaces[ORDERS]), &err));
  RGC(rgc.advance_keyspace_safe_point(demo.gc, keyspaces[REPORTS].id, planned_safe_point(&keyspaces[REPORTS]), &err));
}

static void collect(void) {
  name_keyspaces();
  advance_safe_points();
  double start = seconds();
  compact();
  double compacted = seconds();
  size_t pending;
  RGC(pending = rgc.worker_drain(demo.gc, DRAIN_MILLISECONDS, &err));
  if (pending > 0) fail("rgc_worker_drain", "the worker is not done with the dead rows");
  double drained = seconds();
  compact(); /* what the worker deleted */
  printf("collected in %.1f s, dead rows deleted in %.1f s, compacted again in %.1f s; files: ", compacted - start, drained - compacted,
         seconds() - drained);
  print_levels();
  look_at_all(after);
}

int main(int argc, char** argv) {
  char* end = NULL;
  unsigned long thousands = argc > 2 ? strtoul(argv[2], &end, 10) : DEFAULT_THOUSANDS;
  if (argc < 2 || argc > 3 || (end && *end) || thousands < 1 || thousands > 1000000) {
    fprintf(stderr, "usage: %s LIBRARY [THOUSANDS OF VERSIONS, %d if not given]\n", argv[0], DEFAULT_THOUSANDS);
    return 2;
  }
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  load_library(argv[1]);
  create_gc();
  open_database();
  print_versions();
  plan_data(thousands);
  write_a_day();
  collect();
  print_table();
  print_why();
  int mistakes = count_mistakes() + destroy(&keyspaces[SCRATCH]);
  if (mistakes > 0) fail("the result", "is not what the rule says");
  clean_up();
  puts("demo: ok");
  return 0;
}
