/* attach.c - taking a store and giving it back. */
#include "attached.h"
#include "parts.h"

/* Makes an engine of the library's own size, to spoil. */
static rgc_engine_t functions(void) { return mem_functions; }

static void refused(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  FAILS(api.rgc_attach_engine(NULL, &mem_functions, engine, families, 2, errptr), "Invalid argument");
  FAILS(api.rgc_attach_engine(gc, NULL, engine, families, 2, errptr), "Invalid argument");
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, NULL, 2, errptr), "Invalid argument");
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, families, 0, errptr), "Invalid argument");
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, NULL, 0, errptr), "Invalid argument");

  /* Every function but the destructor must be there. */
  for (size_t at = offsetof(rgc_engine_t, get); at < offsetof(rgc_engine_t, destructor); at += sizeof(void (*)(void))) {
    rgc_engine_t spoilt = functions();
    memset((char*)&spoilt + at, 0, sizeof(void (*)(void)));
    FAILS(api.rgc_attach_engine(gc, &spoilt, engine, families, 2, errptr), "Invalid argument");
  }
  static const char* const names[] = {"get", "write", "iterate", "next", "iterator_destroy", "delete_files", "compact", "flush", "files",
                                      "write_stalled"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    rgc_engine_t spoilt = functions();
    memset((char*)&spoilt + offsetof(rgc_engine_t, get) + i * sizeof(void (*)(void)), 0, sizeof(void (*)(void)));
    FAILS(api.rgc_attach_engine(gc, &spoilt, engine, families, 2, errptr), "Invalid argument", names[i]);
  }
  static const size_t sizes[] = {0, 1, sizeof(size_t), offsetof(rgc_engine_t, get_durable) - 1};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    rgc_engine_t spoilt = functions();
    spoilt.struct_size = sizes[i];
    FAILS(api.rgc_attach_engine(gc, &spoilt, engine, families, 2, errptr), "Invalid argument");
    rgc_column_family_t family = families[0];
    family.struct_size = sizes[i] < sizeof family ? sizes[i] : sizeof family - 1;
    FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, &family, 1, errptr), "Invalid argument");
  }
  /* Nothing was called, nothing is attached. */
  for (int function = 0; function < FUNCTIONS; ++function) CHECK_EQ(engine->calls[function], 0);
  FAILS(api.rgc_worker_drain(gc, 0, errptr), "Invalid argument");
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  api.rgc_detach(gc);
  api.rgc_destroy(gc);
  CHECK_EQ(engine->calls[DESTRUCTOR], 0);
  engine_free(engine);
}

static void refused_families(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  static const int unknown[] = {-1, 5, 77, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; ++i) {
    rgc_column_family_t two[] = {families[0], families[3]};
    two[1].role = unknown[i];
    char number[16];
    snprintf(number, sizeof number, "%d", unknown[i]);
    FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, two, 2, errptr), "Invalid argument", number);
  }
  /* Of these roles there is one family. */
  static const int single[] = {RGC_CF_DEFAULT, RGC_CF_WRITE, RGC_CF_LEDGER};
  for (size_t i = 0; i < 3; ++i) {
    rgc_column_family_t three[] = {families[0], families[1], families[3]};
    three[1].role = three[2].role = single[i];
    FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, three, 3, errptr), "Invalid argument");
  }
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, families + 1, 1, errptr), "Invalid argument");
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, families + 1, 4, errptr), "Invalid argument");
  rgc_column_family_t twice[] = {families[0], families[2], families[3]};
  twice[2].name = "lock";
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, twice, 3, errptr), "Invalid argument", "lock");
  twice[2].name = NULL;
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, twice, 3, errptr), "Invalid argument");
  twice[2].name = "raft";
  int handle = 0;
  twice[1].handle = twice[2].handle = (struct rocksdb_column_family_handle_t*)&handle;
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, twice, 3, errptr), "Invalid argument");
  for (int function = 0; function < FUNCTIONS; ++function) CHECK_EQ(engine->calls[function], 0);
  api.rgc_destroy(gc);
  CHECK_EQ(engine->calls[DESTRUCTOR], 0);
  engine_free(engine);
}

/* What grows at the end is taken; names are copied. */
static void taken(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  struct {
    rgc_engine_t known;
    char more[32];
  } large;
  memset(&large, 0xee, sizeof large);
  large.known = functions();
  large.known.struct_size = sizeof large;
  struct {
    rgc_column_family_t known;
    char more[16];
  } wide[3];
  memset(wide, 0xee, sizeof wide);
  char name[] = "default";
  wide[0].known = families[0];
  wide[0].known.name = name;
  wide[1].known = families[2];
  wide[2].known = families[2];
  wide[2].known.name = "another lock";
  for (size_t i = 0; i < 3; ++i) wide[i].known.struct_size = sizeof *wide;
  SUCCEEDS(api.rgc_attach_engine(gc, &large.known, engine, &wide[0].known, 3, errptr));
  memset(&large, 0, sizeof large);
  memset(name, 'x', sizeof name - 1);
  memset(wide, 0, sizeof wide);
  drain(gc);
  SUCCEEDS(api.rgc_collect(gc, "default", NULL, 0, NULL, 0, 0, NULL, errptr));
  SUCCEEDS(api.rgc_collect(gc, "another lock", NULL, 0, NULL, 0, 0, NULL, errptr));
  FAILS(api.rgc_collect(gc, "xxxxxxx", NULL, 0, NULL, 0, 0, NULL, errptr), "Not found", "xxxxxxx");
  api.rgc_detach(gc);
  CHECK_EQ(engine->calls[DESTRUCTOR], 1);

  /* Without a destructor, and a family of any role alone. */
  rgc_engine_t bare = functions();
  bare.destructor = NULL;
  static const size_t alone[] = {CF_DEFAULT, CF_LOCK, CF_RAFT, CF_LEDGER};
  for (size_t i = 0; i < 4; ++i) {
    SUCCEEDS(api.rgc_attach_engine(gc, &bare, engine, &families[alone[i]], 1, errptr));
    api.rgc_detach(gc);
  }
  CHECK_EQ(engine->calls[DESTRUCTOR], 1);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* One store per context; it comes and goes as often as the host wants. */
static void again(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* first = engine_new();
  struct mem_engine* second = engine_new();
  attach(gc, first, 5);
  CHECK_EQ(mem_count_all(first->store, CF_DEFAULT) + ledger_records(first, CF_LEDGER), 0);
  char* error = CHECK_GARBAGE;
  api.rgc_attach_engine(gc, &mem_functions, second, families, 5, &error);
  REQUIRE(error != NULL && error != CHECK_GARBAGE);
  CHECK_CONTAINS(error, "attach");
  api.rgc_free(error);
  api.rgc_attach_engine(gc, &mem_functions, first, families, 5, NULL);
  for (int function = 0; function < FUNCTIONS; ++function) CHECK_EQ(second->calls[function], 0);
  CHECK_EQ(first->calls[DESTRUCTOR], 0);
  drain(gc);
  api.rgc_detach(gc);
  CHECK_EQ(first->calls[DESTRUCTOR], 1);
  api.rgc_detach(gc);
  api.rgc_detach(NULL);
  CHECK_EQ(first->calls[DESTRUCTOR], 1);
  attach(gc, second, 5);
  /* Two contexts, two stores. */
  rgc_t* other = gc_at_80("");
  attach(other, first, 1);
  api.rgc_destroy(other);
  CHECK_EQ(first->calls[DESTRUCTOR], 2);
  CHECK_EQ(second->calls[DESTRUCTOR], 0);
  /* The end of a context gives its store back; a factory and a run may live on. */
  void* factory = NULL;
  SUCCEEDS(factory = api.rgc_factory_state(gc, RGC_KIND_RAW, errptr));
  api.rgc_destroy(gc);
  CHECK_EQ(second->calls[DESTRUCTOR], 1);
  size_t before = engine_calls(second, ITERATE);
  mem_put(second->store, CF_DEFAULT, raw_key(1, "a", 70), BYTES("\2"));
  run_over(gc, second, CF_DEFAULT, RGC_KIND_RAW);
  CHECK_EQ(engine_calls(second, ITERATE), before);
  api.rgc_factory_destructor(factory);
  CHECK_EQ(second->calls[DESTRUCTOR], 1);
  engine_free(first);
  engine_free(second);
}

/* Whatever the engine answers while it is attached, it is attached or it is not. */
static void engines_that_fail(void) {
  rgc_t* gc = gc_at_80("");
  for (int how = WITH_TEXT; how <= GARBAGE; ++how) {
    for (long n = 0;; ++n) {
      REQUIRE(n < 100);
      struct mem_engine* engine = engine_new();
      engine_fail(engine, ANY, how, n);
      char* error = CHECK_GARBAGE;
      api.rgc_attach_engine(gc, &mem_functions, engine, families, 5, &error);
      CHECK((error == NULL) == (engine->failed == 0));
      if (error != NULL && how == WITH_TEXT) CHECK_CONTAINS(error, NO_SPACE);
      if (error != NULL) CHECK(strstr(error, ": ") != NULL);
      api.rgc_free(error);
      size_t failed = engine->failed;
      if (failed != 0) {
        FAILS(api.rgc_worker_drain(gc, 0, errptr), "Invalid argument");
        CHECK_EQ(engine->calls[DESTRUCTOR], 0);
      }
      api.rgc_detach(gc);
      CHECK_EQ(engine->calls[DESTRUCTOR], failed == 0);
      engine_free(engine);
      if (failed == 0) break;
    }
  }
  api.rgc_destroy(gc);
}

/* A factory that goes, also the last one, ends no store. */
static void goes_on(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  void* factory = NULL;
  SUCCEEDS(factory = api.rgc_factory_state(gc, RGC_KIND_RAW, errptr));
  attach(gc, engine, 2);
  api.rgc_factory_destructor(factory);
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "a", 70), BYTES("\2"));
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT), 0);
  api.rgc_detach(gc);
  api.rgc_destroy(gc);
  CHECK_EQ(engine->calls[DESTRUCTOR], 1);
  engine_free(engine);
}

/* Filters of the write family alone would leave what is destroyed in the default family's files. */
static void warned(void) {
  static struct log log;
  static const int kinds[] = {RGC_KIND_TXN, RGC_KIND_RAW, RGC_KIND_DROPPED_ONLY};
  for (size_t i = 0; i < 3; ++i) {
    memset(&log, 0, sizeof log);
    rgc_t* gc = gc_at_80("");
    struct mem_engine* engine = engine_new();
    void* factory = NULL;
    void* other = NULL;
    SUCCEEDS(factory = api.rgc_factory_state(gc, RGC_KIND_TXN, errptr));
    if (i > 0) SUCCEEDS(other = api.rgc_factory_state(gc, kinds[i], errptr));
    api.rgc_set_logger(remember, &log, RGC_LOG_WARN);
    attach(gc, engine, 2);
    api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
    CHECK_EQ(log.lines, i == 0);
    api.rgc_detach(gc);
    api.rgc_factory_destructor(factory);
    api.rgc_factory_destructor(other);
    api.rgc_destroy(gc);
    engine_free(engine);
  }
}

/* A store is no RocksDB, and RocksDB must be bound. */
static void rocksdb(void) {
  rgc_t* gc = gc_at_80("");
  int db = 0;
  FAILS(api.rgc_attach_rocksdb(gc, NULL, families, 1, errptr), "Invalid argument");
  FAILS(api.rgc_attach_rocksdb(NULL, (struct rocksdb_t*)&db, families, 1, errptr), "Invalid argument");
  char* error = CHECK_GARBAGE;
  api.rgc_attach_rocksdb(gc, (struct rocksdb_t*)&db, families, 1, &error);
  REQUIRE(error != NULL && error != CHECK_GARBAGE);
  CHECK_CONTAINS(error, "bound");
  api.rgc_free(error);
  api.rgc_attach_rocksdb(gc, (struct rocksdb_t*)&db, families, 1, NULL);
  api.rgc_destroy(gc);
}

/* Without a store everything that needs one is an error, or nothing. */
static void without(void) {
  rgc_t* gc = gc_at_80("");
  struct key a = raw_key(1, "a", 1);
  struct key b = raw_key(1, "b", 1);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  CHECK_EQ(api.rgc_worker_pending(NULL), 0);
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  CHECK_EQ(api.rgc_destroyed_count(NULL), 0);
  rgc_t* contexts[] = {gc, NULL};
  for (size_t i = 0; i < 2; ++i) {
    rgc_t* it = contexts[i];
    FAILS(CHECK_EQ(api.rgc_worker_drain(it, 1000000, errptr), 0), "Invalid argument");
    FAILS(api.rgc_collect(it, NULL, NULL, 0, NULL, 0, 0, NULL, errptr), "Invalid argument");
    FAILS(api.rgc_destroy_range(it, a.data, a.len, b.data, b.len, 0, NULL, errptr), "Invalid argument");
    FAILS(api.rgc_destroy_keyspace(it, 1, 0, NULL, errptr), "Invalid argument");
    FAILS(CHECK_EQ(api.rgc_recheck_destroyed(it, 1, NULL, errptr), 0), "Invalid argument");
    FAILS(api.rgc_release_destroyed(it, a.data, a.len, b.data, b.len, errptr), "Invalid argument");
  }
  api.rgc_destroy(gc);
}

void test_attach(void) {
  refused();
  refused_families();
  taken();
  again();
  engines_that_fail();
  goes_on();
  warned();
  rocksdb();
  without();
}
