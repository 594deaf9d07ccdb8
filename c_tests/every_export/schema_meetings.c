/* schema_meetings.c - orders about schemas beside everything else: full queues, busy engines,
 * closed stores, a worker that is switched off or slow, destroyed keyspaces, and rgc_collect. */
#define _GNU_SOURCE
#include <time.h>

#include "schema_keys.h"


/* A schema of keyspace 1. */
struct place {
  uint32_t id;
  uint64_t up_to; /* 0 = all of it goes */
};
static int of_the_place(void* state, uint32_t cf, const struct pair* pair) {
  const struct place* place = state;
  if (!is_of_schema(pair->key.data, pair->key.len, 1, place->id)) return 0;
  return place->up_to == 0 || (cf == CF_DEFAULT && pair->key.data[0] == 'r' && ts_of_key(pair->key.data, pair->key.len) <= place->up_to);
}

static const uint32_t all_ids[] = {0, 1, 0xff, 0x100, 0xffff};

static struct mem_engine* filled(void) {
  struct mem_engine* engine = engine_new();
  static const char modes[] = "rxt";
  mem_keys_per_file(engine->store, 4);
  for (uint64_t ts = 10; ts <= 40; ts += 10) {
    for (uint32_t keyspace = 0; keyspace < 3; ++keyspace) {
      for (size_t m = 0; m < 3; ++m) {
        for (size_t i = 0; i < sizeof all_ids / sizeof *all_ids; ++i) {
          mem_put(engine->store, CF_DEFAULT, id_key(modes[m], keyspace, all_ids[i], "a", ts), BYTES("v\0"));
          mem_put(engine->store, CF_DEFAULT, id_key(modes[m], keyspace, all_ids[i], "a longer one", ts), BYTES("v\0"));
        }
        mem_put(engine->store, CF_DEFAULT, user_key(modes[m], keyspace, "\0\0\0", 3, ts), BYTES("v\0"));
      }
    }
    if (ts < 40) mem_flush(engine->store, CF_DEFAULT);
    if (ts == 30) mem_compact(engine->store, CF_DEFAULT, NULL, 0, NULL, 0, 1);
  }
  return engine;
}

/* Orders are no rows: a queue of one row takes many orders, no counter counts an order as a row,
 * and a waiting order fills no row's place. */
static void no_rows(void) {
  rgc_t* gc = gc_of_schemas("worker_queue_max_rows=1");
  struct mem_engine* engine = filled();
  attach(gc, engine, 1);
  api.rgc_set_enabled(gc, 0);
  for (uint32_t i = 0; i < 5; ++i) {
    SUCCEEDS(api.rgc_schema_drop(gc, 1, all_ids[i], errptr));
    SUCCEEDS(api.rgc_schema_truncate(gc, 2, all_ids[i], 25, errptr));
    CHECK_EQ(api.rgc_worker_pending(gc), 2 * i + 2);
  }
  api.rgc_detach(gc);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued + stats.rows_done + stats.rows_deferred + stats.pending, 0);
  attach(gc, engine, 1);
  CHECK_EQ(api.rgc_worker_pending(gc), 10);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued + stats.rows_done + stats.rows_deferred + stats.pending, 0);
  for (uint32_t i = 0; i < 5; ++i) CHECK_EQ(api.rgc_schema_state(gc, 1, all_ids[i]), RGC_SCHEMA_DROPPED);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* The engine is busy at every function in turn. A factory that goes ends nothing; a detach does. */
static void busy_and_detached(void) {
  for (int function = GET; function < STALLED; ++function) {
    rgc_t* gc = gc_of_schemas("");
    struct mem_engine* engine = filled();
    struct contents before = contents_of(engine);
    struct place place = {0xffff, 0};
    attach(gc, engine, 2);
    pthread_mutex_lock(&engine->turn);
    engine->busy[function] = 2;
    pthread_mutex_unlock(&engine->turn);
    char* error = NULL;
    api.rgc_schema_drop(gc, 1, 0xffff, &error);
    if (error != NULL) CHECK(strncmp(error, "Busy: ", 6) == 0);
    if (error != NULL) {
      pthread_mutex_lock(&engine->turn);
      engine->busy[function] = 0;
      pthread_mutex_unlock(&engine->turn);
      SUCCEEDS(api.rgc_schema_drop(gc, 1, 0xffff, errptr));
    }
    api.rgc_free(error);
    drain(gc);
    CHECK_GONE(engine, &before, of_the_place, &place);
    api.rgc_destroy(gc);
    contents_free(&before);
    engine_free(engine);
  }
  rgc_t* gc = gc_of_schemas("");
  struct mem_engine* engine = filled();
  void* factory = NULL;
  SUCCEEDS(factory = api.rgc_factory_state(gc, RGC_KIND_RAW, errptr));
  attach(gc, engine, 2);
  drain(gc);
  api.rgc_factory_destructor(factory);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, 0xfffe, errptr));
  drain(gc);
  CHECK_EQ(api.rgc_detach(gc), 1);
  size_t calls = 0;
  for (int function = 0; function < DESTRUCTOR; ++function) calls += engine_calls(engine, function);
  REFUSES(api.rgc_schema_drop(gc, 1, 0xffff, errptr), NO_MORE);
  REFUSES(api.rgc_schema_truncate(gc, 1, 0xffff, 25, errptr), NO_MORE);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 0xffff), RGC_SCHEMA_UNKNOWN);
  for (int function = 0; function < DESTRUCTOR; ++function) calls -= engine_calls(engine, function);
  CHECK_EQ(calls, 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* The host switches the worker off in the middle: when the call returns, the worker deletes nothing
 * until it is switched on. */
static void rests(int truncates) {
  rgc_t* gc = gc_of_schemas("delete_bytes_per_second=3000;delete_batch_bytes=60;delete_range_min_keys=0");
  struct mem_engine* engine = filled();
  for (uint64_t ts = 1; ts < 25; ++ts) mem_put(engine->store, CF_DEFAULT, id_key('r', 1, 0xffff, "many", ts), BYTES("v\0"));
  struct contents before = contents_of(engine);
  struct place place = {0xffff, truncates ? 25 : 0};
  attach(gc, engine, 2);
  if (truncates) SUCCEEDS(api.rgc_schema_truncate(gc, 1, 0xffff, 25, errptr));
  else SUCCEEDS(api.rgc_schema_drop(gc, 1, 0xffff, errptr));
  pause_a_little();
  api.rgc_set_enabled(gc, 0);
  struct contents then = contents_of(engine);
  pause_a_little();
  struct contents later = contents_of(engine);
  CHECK_EQ(then.n[CF_DEFAULT], later.n[CF_DEFAULT]);
  CHECK(then.n[CF_DEFAULT] < before.n[CF_DEFAULT]);
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  CHECK_GONE(engine, &before, of_the_place, &place);
  contents_free(&then);
  contents_free(&later);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* A worker that would need an hour does not hold anybody up. */
static void slowly(void) {
  rgc_t* gc = gc_of_schemas("delete_bytes_per_second=1;delete_batch_bytes=60;delete_range_min_keys=0");
  struct mem_engine* engine = filled();
  struct contents before = contents_of(engine);
  struct place place = {0xffff, 0};
  attach(gc, engine, 2);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, 0xffff, errptr));
  pause_a_little();
  struct timespec start, end;
  timespec_get(&start, TIME_UTC);
  api.rgc_set_enabled(gc, 0);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 20, errptr), 1));
  api.rgc_set_enabled(gc, 1);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 20, errptr), 1));
  SUCCEEDS(api.rgc_schema_drop(gc, 1, 0xffff, errptr));
  api.rgc_detach(gc);
  timespec_get(&end, TIME_UTC);
  CHECK(end.tv_sec - start.tv_sec < 10);
  api.rgc_destroy(gc);
  gc = gc_of_schemas("");
  attach(gc, engine, 2);
  drain(gc);
  CHECK_GONE(engine, &before, of_the_place, &place);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* Rechecked, collected, destroyed: the other ways of dropping meet it. */
static int of_keyspace_1(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  const unsigned char* key = (const unsigned char*)pair->key.data;
  return (key[0] == 'r' || key[0] == 'x') && key[1] == 0 && key[2] == 0 && key[3] == 1 && key[8] >= 0xfb;
}
static void in_a_destroyed_keyspace(void) {
  rgc_t* gc = gc_of_schemas("");
  struct mem_engine* engine = filled();
  struct contents before = contents_of(engine);
  attach(gc, engine, 2);
  api.rgc_set_enabled(gc, 0);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, 0xffff, 25, errptr));
  SUCCEEDS(api.rgc_schema_drop(gc, 1, 0xff, errptr));
  SUCCEEDS(api.rgc_destroy_keyspace(gc, 1, RGC_DESTROY_FORCE, NULL, errptr));
  CHECK_GONE(engine, &before, of_keyspace_1, NULL);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  CHECK_EQ(api.rgc_destroyed_count(gc), 2);
  compact_everything(engine);
  CHECK_GONE(engine, &before, of_keyspace_1, NULL);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 0xff), RGC_SCHEMA_DROPPED);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* For rgc_collect, keys of a schema that a list made invalid are garbage, also in the last level
 * and in a family of locks. */
static int of_the_list(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  uint32_t keyspace, id;
  return schema_of_key(pair->key.data, pair->key.len, &keyspace, &id) && keyspace == 1 && id != 0xff && id != 0xffff;
}
static void collected(void) {
  rgc_t* gc = gc_with("schema_id=prefix");
  struct mem_engine* engine = filled();
  for (size_t i = 0; i < sizeof all_ids / sizeof *all_ids; ++i) {
    for (uint32_t keyspace = 1; keyspace < 3; ++keyspace) {
      mem_put(engine->store, CF_WRITE, id_key('x', keyspace, all_ids[i], "a", 90), BYTES("P\5v\1a"));
      mem_put(engine->store, CF_LOCK, row_of_key(id_key('x', keyspace, all_ids[i], "a", 0)), BYTES("lock"));
    }
  }
  pthread_mutex_lock(&engine->turn);
  mem_compact_all(engine->store);
  pthread_mutex_unlock(&engine->turn);
  struct contents before = contents_of(engine);
  static const int kinds[] = {RGC_KIND_RAW, RGC_KIND_TXN, RGC_KIND_DROPPED_ONLY};
  for (uint32_t cf = 0; cf <= CF_LOCK; ++cf) mem_judge(engine->store, cf, gc, kinds[cf]);
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(0xffff, 0xff), 0xffff, errptr));
  attach(gc, engine, 3);
  rgc_collect_report_t report = {.struct_size = sizeof report};
  SUCCEEDS(api.rgc_collect(gc, NULL, NULL, 0, NULL, 0, 0, &report, errptr));
  CHECK(report.files_compacted > 0);
  SUCCEEDS(api.rgc_collect(gc, "lock", NULL, 0, NULL, 0, 0, &report, errptr));
  CHECK(report.files_compacted > 0);
  CHECK_GONE(engine, &before, of_the_list, NULL);
  /* And then there is none. */
  SUCCEEDS(api.rgc_collect(gc, NULL, NULL, 0, NULL, 0, 0, &report, errptr));
  CHECK_EQ(report.files_compacted, 0);
  CHECK_GONE(engine, &before, of_the_list, NULL);
  drain(gc);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

void test_schema_meetings(void) {
  no_rows();
  busy_and_detached();
  rests(0);
  rests(1);
  slowly();
  in_a_destroyed_keyspace();
  collected();
}
