/* rocksdb.c - binding, factories and RocksDB's callbacks, with four functions made here in place of
 * RocksDB's. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "parts.h"

struct rocksdb_compactionfilter_t {
  void* state;
  void (*destructor)(void*);
  unsigned char (*filter)(void*, int, const char*, size_t, const char*, size_t, char**, size_t*, unsigned char*);
  const char* (*name)(void*);
};

struct rocksdb_compactionfilterfactory_t {
  void* state;
  void (*destructor)(void*);
  struct rocksdb_compactionfilter_t* (*create)(void*, struct rocksdb_compactionfiltercontext_t*);
  const char* (*name)(void*);
};

struct rocksdb_compactionfiltercontext_t {
  unsigned char is_full;
  unsigned char is_manual;
};

static int made; /* filters and factories that live */

static struct rocksdb_compactionfilter_t* make_filter(void* state, void (*destructor)(void*),
                                                      unsigned char (*filter)(void*, int, const char*, size_t, const char*, size_t,
                                                                              char**, size_t*, unsigned char*),
                                                      const char* (*name)(void*)) {
  struct rocksdb_compactionfilter_t* made_filter = malloc(sizeof *made_filter);
  REQUIRE(made_filter != NULL);
  *made_filter = (struct rocksdb_compactionfilter_t){state, destructor, filter, name};
  ++made;
  return made_filter;
}

static struct rocksdb_compactionfilterfactory_t* make_factory(
    void* state, void (*destructor)(void*),
    struct rocksdb_compactionfilter_t* (*create)(void*, struct rocksdb_compactionfiltercontext_t*), const char* (*name)(void*)) {
  struct rocksdb_compactionfilterfactory_t* factory = malloc(sizeof *factory);
  REQUIRE(factory != NULL);
  *factory = (struct rocksdb_compactionfilterfactory_t){state, destructor, create, name};
  ++made;
  return factory;
}

static unsigned char is_full(struct rocksdb_compactionfiltercontext_t* context) { return context->is_full; }
static unsigned char is_manual(struct rocksdb_compactionfiltercontext_t* context) { return context->is_manual; }

static void end_filter(struct rocksdb_compactionfilter_t* filter) {
  filter->destructor(filter->state);
  free(filter);
  --made;
}

static void end_factory(struct rocksdb_compactionfilterfactory_t* factory) {
  factory->destructor(factory->state);
  free(factory);
  --made;
}

typedef void (*any)(void);
static const rgc_symbol_t symbols[] = {
    {"rocksdb_open", NULL},
    {"rocksdb_compactionfiltercontext_is_manual_compaction", (any)is_manual},
    {"rocksdb_compactionfiltercontext_is_full_compaction", (any)is_full},
    {"something_else", (any)end_filter},
    {"rocksdb_compactionfilterfactory_create", (any)make_factory},
    {"rocksdb_compactionfilter_create", (any)make_filter},
};
enum { SYMBOLS = sizeof symbols / sizeof *symbols };

static void binding(void) {
  rgc_t* gc = gc_with("");
  /* Unbound: no factory, though its state may be had. */
  FAILS(CHECK(api.rgc_rocksdb_filter_factory(gc, RGC_KIND_RAW, errptr) == NULL), "Invalid argument", "rgc_bind_rocksdb_symbols");

  FAILS(api.rgc_bind_rocksdb_symbols(gc, NULL, 0, errptr), "Not found", "rocksdb_compactionfilter_create",
        "rocksdb_compactionfilterfactory_create", "rocksdb_compactionfiltercontext_is_full_compaction",
        "rocksdb_compactionfiltercontext_is_manual_compaction");
  FAILS(api.rgc_bind_rocksdb_symbols(gc, NULL, 4, errptr), "Invalid argument", "symbols");
  FAILS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS - 1, errptr), "Not found", "rocksdb_compactionfilter_create");
  rgc_symbol_t lacking[SYMBOLS];
  memcpy(lacking, symbols, sizeof symbols);
  lacking[2].address = NULL;
  FAILS(api.rgc_bind_rocksdb_symbols(gc, lacking, SYMBOLS, errptr), "Not found", "rocksdb_compactionfiltercontext_is_full_compaction");
  lacking[2].name = NULL;
  FAILS(api.rgc_bind_rocksdb_symbols(gc, lacking, SYMBOLS, errptr), "Invalid argument", " 2", "NULL");
  FAILS(api.rgc_bind_rocksdb_symbols(NULL, symbols, SYMBOLS, errptr), "Invalid argument", "NULL");

  /* This program has no RocksDB, not even in its executable. */
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, NULL, errptr), "Not found", "-rdynamic", "rgc_bind_rocksdb_symbols");
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, "/no/such/librocksdb.so", errptr), "Not found", "/no/such/librocksdb.so");
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, "", errptr), "Not found");
  FAILS(api.rgc_bind_rocksdb_library(gc, NULL, "\xff", errptr), "Invalid argument");
  void* program = dlopen(NULL, RTLD_LAZY);
  REQUIRE(program != NULL);
  FAILS(api.rgc_bind_rocksdb_library(gc, program, NULL, errptr), "Not found", "rocksdb_compactionfilter_create");
  FAILS(api.rgc_bind_rocksdb_library(gc, program, "librocksdb.so", errptr), "Invalid argument", "handle", "path");
  FAILS(api.rgc_bind_rocksdb_library(NULL, NULL, NULL, errptr), "Invalid argument", "NULL");
  dlclose(program);
  CHECK(api.rgc_rocksdb_filter_factory(gc, RGC_KIND_RAW, NULL) == NULL);

  /* After all these refusals it can still be bound: to one RocksDB. */
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  rgc_symbol_t other[SYMBOLS];
  memcpy(other, symbols, sizeof symbols);
  other[2].address = (any)is_manual;
  FAILS(api.rgc_bind_rocksdb_symbols(gc, other, SYMBOLS, errptr), "Invalid argument", "another RocksDB");
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  api.rgc_destroy(gc);
}

static int filter(struct rocksdb_compactionfilter_t* run, struct key key, const char* value, size_t value_len) {
  char* new_value = "untouched";
  size_t new_value_len = 77;
  unsigned char value_changed = 77;
  int verdict = run->filter(run->state, 0, key.data, key.len, value, value_len, &new_value, &new_value_len, &value_changed);
  CHECK_EQ(value_changed, 0);
  CHECK(new_value_len == 77 && strcmp(new_value, "untouched") == 0);
  return verdict;
}

static void factories(void) {
  rgc_t* gc = gc_with("");
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  FAILS(CHECK(api.rgc_rocksdb_filter_factory(gc, 99, errptr) == NULL), "Invalid argument", "99");
  FAILS(CHECK(api.rgc_rocksdb_filter_factory(NULL, RGC_KIND_RAW, errptr) == NULL), "Invalid argument", "NULL");
  FAILS(CHECK(api.rgc_factory_state(gc, 99, errptr) == NULL), "Invalid argument", "99");
  FAILS(CHECK(api.rgc_factory_state(NULL, RGC_KIND_RAW, errptr) == NULL), "Invalid argument", "NULL");
  CHECK_EQ(made, 0);

  struct rocksdb_compactionfilterfactory_t* factory = NULL;
  SUCCEEDS(factory = api.rgc_rocksdb_filter_factory(gc, RGC_KIND_RAW, errptr));
  REQUIRE(factory != NULL);
  CHECK(strcmp(factory->name(factory->state), "rocks_gc.default") == 0);
  struct rocksdb_compactionfiltercontext_t full = {1, 1};
  struct rocksdb_compactionfiltercontext_t partial = {0, 0};
  /* Nothing to do: no filter. */
  CHECK(factory->create(factory->state, &full) == NULL);
  CHECK_EQ(stats_of(gc).filters_not_needed, 1);

  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 80, errptr));
  struct rocksdb_compactionfilter_t* run = factory->create(factory->state, &full);
  struct rocksdb_compactionfilter_t* other = factory->create(factory->state, &partial);
  REQUIRE(run != NULL && other != NULL && run->state != other->state);
  CHECK(strcmp(run->name(run->state), "rocks_gc.filter") == 0);
  CHECK_EQ(filter(run, raw_key(1, "a", 70), BYTES("v\0")), 0);
  CHECK_EQ(filter(run, raw_key(1, "a", 60), BYTES("v\0")), 1);
  /* The host destroys its objects in another order than it made them; both factories keep the last
   * safe points. */
  api.rgc_destroy(gc);
  CHECK_EQ(filter(run, raw_key(1, "b", 70), BYTES("v\0")), 0);
  CHECK_EQ(filter(run, raw_key(1, "b", 60), BYTES("v\0")), 1);
  struct rocksdb_compactionfilter_t* later = factory->create(factory->state, &partial);
  REQUIRE(later != NULL);
  end_factory(factory);
  end_filter(run);
  CHECK_EQ(filter(later, raw_key(1, "a", 70), BYTES("v\0")), 0);
  CHECK_EQ(filter(later, raw_key(1, "a", 60), BYTES("v\0")), 1);
  end_filter(later);
  end_filter(other);
  CHECK_EQ(made, 0);
}

static uint64_t counted_clock(void* count) {
  ++*(int*)count;
  return 1000;
}

static void transactions(void) {
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  struct rocksdb_compactionfilterfactory_t* factory = NULL;
  SUCCEEDS(factory = api.rgc_rocksdb_filter_factory(gc, RGC_KIND_TXN, errptr));
  REQUIRE(factory != NULL);
  CHECK(strcmp(factory->name(factory->state), "rocks_gc.write") == 0);
  struct rocksdb_compactionfiltercontext_t full = {1, 0};
  struct rocksdb_compactionfilter_t* run = factory->create(factory->state, &full);
  REQUIRE(run != NULL);
  CHECK_EQ(filter(run, raw_key(1, "a", 70), BYTES("R\5")), 0);
  CHECK_EQ(filter(run, mode_key('x', 1, "a", 80), BYTES("P\5v\1a")), 0);
  CHECK_EQ(filter(run, mode_key('x', 1, "a", 79), BYTES("P\4v\1a")), 1);
  CHECK_EQ(filter(run, mode_key('x', 1, "a", 78), BYTES("P\3")), 0);
  CHECK_EQ(filter(run, mode_key('x', 1, "b", 80), BYTES("R\5")), 1);
  end_filter(run);
  end_factory(factory);
  CHECK_EQ(made, 0);
  CHECK_EQ(stats_of(gc).removed, 2);

  void* state = NULL;
  SUCCEEDS(state = api.rgc_factory_state(gc, RGC_KIND_TXN, errptr));
  CHECK(strcmp(api.rgc_factory_name(state), "rocks_gc.write") == 0);
  api.rgc_factory_destructor(state);
  api.rgc_destroy(gc);
}

/* After rgc_destroy the clock is called no more, and runs that begin know no time. */
static void time_after_the_context(void) {
  int count = 0;
  rgc_t* gc = gc_with("");
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  api.rgc_set_clock(gc, counted_clock, &count);
  struct rocksdb_compactionfilterfactory_t* factory = NULL;
  SUCCEEDS(factory = api.rgc_rocksdb_filter_factory(gc, RGC_KIND_TTL_V1, errptr));
  REQUIRE(factory != NULL);
  CHECK(strcmp(factory->name(factory->state), "rocks_gc.ttl_v1") == 0);
  struct rocksdb_compactionfilter_t* before = factory->create(factory->state, NULL);
  REQUIRE(before != NULL);
  CHECK_EQ(count, 1);
  api.rgc_destroy(gc);
  struct rocksdb_compactionfilter_t* after = factory->create(factory->state, NULL);
  REQUIRE(after != NULL);
  CHECK_EQ(count, 1);
  CHECK_EQ(filter(before, raw_key(1, "a", 1), BYTES("\0\0\0\0\0\0\0\1")), 1);
  CHECK_EQ(filter(after, raw_key(1, "a", 1), BYTES("\0\0\0\0\0\0\0\1")), 0);
  end_filter(before);
  end_filter(after);
  end_factory(factory);
  CHECK_EQ(made, 0);
}

/* The callbacks themselves, as a host calls them that makes its own factory or filter. */
static void raw_callbacks(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  rgc_t* gc = gc_at_80("");
  void* state = NULL;
  SUCCEEDS(state = api.rgc_factory_state(gc, RGC_KIND_RAW, errptr));
  REQUIRE(state != NULL);
  CHECK(strcmp(api.rgc_factory_name(state), "rocks_gc.default") == 0);
  struct rocksdb_compactionfiltercontext_t full = {1, 0};
  api.rgc_set_logger(remember, &log, RGC_LOG_ERROR);
  CHECK(api.rgc_factory_create_filter(state, &full) == NULL);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  CHECK_EQ(log.lines, 1);
  CHECK_CONTAINS(log.text, "bound");
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  struct rocksdb_compactionfilter_t* run = api.rgc_factory_create_filter(state, &full);
  REQUIRE(run != NULL);
  end_filter(run);
  run = api.rgc_factory_create_filter(state, NULL);
  REQUIRE(run != NULL);
  end_filter(run);
  api.rgc_factory_destructor(state);

  SUCCEEDS(state = api.rgc_factory_state(gc, RGC_KIND_DROPPED_ONLY, errptr));
  CHECK(strncmp(api.rgc_factory_name(state), "rocks_gc.", 9) == 0 && strcmp(api.rgc_factory_name(state), "rocks_gc.default") != 0);
  CHECK(api.rgc_factory_create_filter(state, &full) == NULL);
  api.rgc_factory_destructor(state);

  rgc_filter_t* own = run_of(gc, RGC_KIND_RAW);
  CHECK(strcmp(api.rgc_filter_name(own), "rocks_gc.filter") == 0);
  struct key key = raw_key(1, "a", 70);
  struct key older = raw_key(1, "a", 60);
  CHECK_EQ(api.rgc_filter_callback(own, 0, key.data, key.len, BYTES("\0"), NULL, NULL, NULL), 0);
  CHECK_EQ(api.rgc_filter_callback(own, 0, older.data, older.len, BYTES("\0"), NULL, NULL, NULL), 1);
  CHECK_EQ(api.rgc_filter_callback(own, 0, NULL, 5, BYTES("\0"), NULL, NULL, NULL), 0);
  CHECK_EQ(api.rgc_filter_callback(own, 0, older.data, older.len, NULL, 5, NULL, NULL, NULL), 0);
  CHECK_EQ(api.rgc_filter_callback(NULL, 0, key.data, key.len, BYTES("\0"), NULL, NULL, NULL), 0);
  api.rgc_filter_destructor(own);

  api.rgc_filter_destructor(NULL);
  api.rgc_factory_destructor(NULL);
  CHECK(api.rgc_factory_create_filter(NULL, &full) == NULL);
  api.rgc_factory_name(NULL);
  api.rgc_filter_name(NULL);
  api.rgc_destroy(gc);
  CHECK_EQ(made, 0);
}

/* A full compaction writes the last level. For any other the filter does not know. Either way it
 * leaves a dead row for a later filter. */
static void levels(void) {
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  void* state = NULL;
  SUCCEEDS(state = api.rgc_factory_state(gc, RGC_KIND_RAW, errptr));
  for (unsigned char full = 0; full < 2; ++full) {
    struct rocksdb_compactionfiltercontext_t context = {full, 0};
    struct rocksdb_compactionfilter_t* run = api.rgc_factory_create_filter(state, &context);
    REQUIRE(run != NULL);
    CHECK_EQ(filter(run, raw_key(1, "a", 70), BYTES("\2")), 0);
    end_filter(run);
    CHECK_EQ(stats_of(gc).rows_deferred, full + 1);
  }
  api.rgc_factory_destructor(state);
  api.rgc_destroy(gc);
}

void test_rocksdb(void) {
  binding();
  factories();
  transactions();
  time_after_the_context();
  raw_callbacks();
  levels();
}
