/* schema_drop_faults.c - drops that fail at every call of the engine, calls from forbidden places,
 * and damaged records in the ledger. */
#define _GNU_SOURCE
#include <time.h>

#include "schema_keys.h"

#define DROPPED 0x61620001u

/* A few keys of three schemas in every family, at every level. */
static struct mem_engine* filled(void) {
  struct mem_engine* engine = engine_new();
  struct mem_store* store = engine->store;
  mem_keys_per_file(store, 2);
  for (uint64_t ts = 10; ts <= 30; ts += 10) {
    for (uint32_t id = DROPPED - 1; id <= DROPPED + 1; ++id) {
      for (char i = 'a'; i < 'e'; ++i) {
        char rest[] = {i, 0};
        mem_put(store, CF_DEFAULT, id_key('r', 1, id, rest, ts), BYTES("v\0"));
        mem_put(store, CF_WRITE, id_key('x', 1, id, rest, ts), BYTES("P\5v\1a"));
        mem_put(store, CF_LOCK, row_of_key(id_key('x', 1, id, rest, 0)), BYTES("lock"));
      }
    }
    mem_put(store, CF_DEFAULT, user_key('r', 1, BYTES("ab\0"), ts), BYTES("v\0"));
    mem_put(store, CF_DEFAULT, id_key('r', 2, DROPPED, "a", ts), BYTES("v\0"));
    for (uint32_t cf = 0; cf <= CF_LOCK; ++cf) {
      if (ts < 30) mem_flush(store, cf);
      if (ts == 10) mem_compact(store, cf, NULL, 0, NULL, 0, 1);
    }
  }
  return engine;
}

static int of_the_dropped(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  return is_of_schema(pair->key.data, pair->key.len, 1, DROPPED);
}

/* After a failure nothing but the schema may be touched. */
static int maybe_of_the_dropped(void* state, uint32_t cf, const struct pair* pair) { return -of_the_dropped(state, cf, pair); }

enum { REPEATED, WAITED_FOR, ATTACHED_AGAIN };

/* Every call of the engine fails in turn, in every way, once or from then on. */
static void interrupted(int how, int is_for_good, int ended_by, long stride, const char* options) {
  for (long n = 0;; n += stride) {
    REQUIRE(n < 2000);
    rgc_t* gc = gc_of_schemas(options);
    struct mem_engine* engine = filled();
    struct contents before = contents_of(engine);
    attach(gc, engine, 5);
    engine_fail(engine, ANY, how, n);
    engine->fails_on = is_for_good;
    char* error = CHECK_GARBAGE;
    api.rgc_schema_drop(gc, 1, DROPPED, &error);
    int is_error = error != NULL;
    if (is_error && how == WITH_TEXT) CHECK_CONTAINS(error, NO_SPACE);
    api.rgc_free(error);
    if (!is_error) CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_DROPPED);
    int is_over = wait_for_the_fault(gc, engine) == 0;
    if (is_for_good) {
      CHECK_GONE(engine, &before, maybe_of_the_dropped, NULL);
      api.rgc_detach(gc);
    }
    /* What failed once is done by the worker, without being told. */
    if (ended_by == WAITED_FOR && !is_error) drain(gc);
    engine_forget(engine);
    int is_recorded = ledger_records(engine, CF_LEDGER) != 0;
    if (!is_error) CHECK(is_recorded);
    if (ended_by == ATTACHED_AGAIN || is_for_good) {
      api.rgc_destroy(gc);
      gc = gc_of_schemas("");
      attach(gc, engine, 5);
      CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), is_recorded ? RGC_SCHEMA_DROPPED : RGC_SCHEMA_UNKNOWN);
    }
    if (!is_recorded || ended_by == REPEATED) SUCCEEDS(api.rgc_schema_drop(gc, 1, DROPPED, errptr));
    CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_DROPPED);
    drain(gc);
    CHECK_GONE(engine, &before, of_the_dropped, NULL);
    compact_everything(engine);
    CHECK_GONE(engine, &before, of_the_dropped, NULL);
    CHECK_EQ(api.rgc_worker_pending(gc), 0);
    api.rgc_destroy(gc);
    contents_free(&before);
    engine_free(engine);
    if (is_over) break;
  }
}

/* A store with the record of a drop that the worker has not finished, or has. */
static struct mem_engine* with_a_record(int is_finished) {
  rgc_t* gc = gc_of_schemas("");
  struct mem_engine* engine = filled();
  attach(gc, engine, 1);
  if (!is_finished) api.rgc_set_enabled(gc, 0);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, DROPPED, errptr));
  if (is_finished) drain(gc);
  api.rgc_destroy(gc);
  engine_forget(engine);
  return engine;
}

static void check_not_believed(struct mem_engine* engine, const char* key, size_t key_len) {
  rgc_t* gc = gc_of_schemas("");
  engine_forget(engine);
  struct contents before = contents_of(engine);
  check_corrupt(gc, engine, key, key_len);
  CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_UNKNOWN);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  CHECK_GONE(engine, &before, maybe_of_the_dropped, NULL);
  contents_free(&before);
  api.rgc_destroy(gc);
}

static void put(struct mem_engine* engine, const char* key, size_t key_len, const char* value, size_t len) {
  mem_write(engine->store, &(rgc_write_t){RGC_OP_PUT, CF_DEFAULT, key, key_len, value, len});
}
static void delete_key(struct mem_engine* engine, const char* key, size_t key_len) {
  mem_write(engine->store, &(rgc_write_t){RGC_OP_DELETE, CF_DEFAULT, key, key_len, NULL, 0});
}

static void damaged(int is_finished) {
  struct mem_engine* engine = with_a_record(is_finished);
  size_t n = 0;
  struct pair* records = mem_read(engine->store, CF_DEFAULT, BYTES(LEDGER_PREFIX), BYTES("\1rocks_gc0"), &n);
  REQUIRE(n >= 1);
  for (size_t r = 0; r < n; ++r) {
    struct bytes key = records[r].key;
    struct bytes value = records[r].value;
    char bytes[512];
    REQUIRE(value.len + 1 < sizeof bytes && key.len + 1 < sizeof bytes);
    for (size_t i = 0; i < value.len; ++i) {
      memcpy(bytes, value.data, value.len);
      bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
      put(engine, key.data, key.len, bytes, value.len);
      check_not_believed(engine, key.data, key.len);
      put(engine, key.data, key.len, value.data, i);
      check_not_believed(engine, key.data, key.len);
    }
    memcpy(bytes, value.data, value.len);
    bytes[value.len] = 0;
    put(engine, key.data, key.len, bytes, value.len + 1);
    check_not_believed(engine, key.data, key.len);
    /* The same value under another key. */
    delete_key(engine, key.data, key.len);
    for (size_t i = sizeof LEDGER_PREFIX - 1; i < key.len; ++i) {
      memcpy(bytes, key.data, key.len);
      bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
      put(engine, bytes, key.len, value.data, value.len);
      check_not_believed(engine, bytes, key.len);
      delete_key(engine, bytes, key.len);
      put(engine, key.data, i, value.data, value.len);
      check_not_believed(engine, key.data, i);
      delete_key(engine, key.data, i);
    }
    put(engine, key.data, key.len, value.data, value.len);
  }
  /* It is good as it was. */
  rgc_t* gc = gc_of_schemas("");
  attach(gc, engine, 1);
  CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_DROPPED);
  drain(gc);
  api.rgc_destroy(gc);
  pairs_free(records, n);
  engine_free(engine);
}

static rgc_t* subject;
static int turns;

static int each_schema(void* state, const rgc_schema_info_t* info) {
  (void)info;
  ++*(int*)state;
  return 0;
}

/* Readers work; what needs the store is refused. */
static void call_what_is_refused(void) {
  ++turns;
  REFUSES(api.rgc_schema_drop(subject, 1, DROPPED + 1, errptr), NO_MORE);
  REFUSES(api.rgc_schema_truncate(subject, 1, DROPPED - 1, 99, errptr), NO_MORE);
  CHECK_EQ(api.rgc_schema_state(subject, 1, DROPPED + 1), RGC_SCHEMA_VALID);
  struct key key = id_key('r', 1, DROPPED + 1, "a", 1);
  CHECK_EQ(api.rgc_wal_should_skip(subject, OF(key)), 0);
  CHECK(api.rgc_worker_pending(subject) < 10);
  int shown = 0;
  api.rgc_schemas_foreach(subject, each_schema, &shown);
  CHECK(shown >= 2);
}
static void during_a_call(void* state, int function) {
  (void)state;
  (void)function;
  if (turns < 40) call_what_is_refused();
}
static void during_a_message(void* state, int level, const char* message) {
  (void)state;
  (void)level;
  (void)message;
  call_what_is_refused();
}
static uint64_t during_a_look(void* state) {
  (void)state;
  call_what_is_refused();
  return 1000;
}
static int during_each(void* state, const rgc_schema_info_t* info) {
  (void)state;
  (void)info;
  call_what_is_refused();
  return 0;
}

static void inside(void) {
  subject = gc_of_schemas("");
  struct mem_engine* engine = filled();
  SUCCEEDS(api.rgc_schemas_load(subject, 1, IDS(DROPPED - 1, DROPPED, DROPPED + 1), DROPPED + 1, errptr));
  attach(subject, engine, 5);
  size_t records = ledger_records(engine, CF_LEDGER);
  CHECK_EQ(records, 0);
  api.rgc_schemas_foreach(subject, during_each, NULL);
  CHECK_EQ(turns, 3);
  turns = 0;
  api.rgc_set_clock(subject, during_a_look, NULL);
  CHECK_EQ(removals_of_a_row(subject), 2);
  CHECK_EQ(turns, 1);
  api.rgc_set_clock(subject, NULL, NULL);
  api.rgc_set_logger(during_a_message, NULL, RGC_LOG_WARN);
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, 0), 0);
  CHECK_EQ(turns, 2);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  /* A thread is in a run from its first decision to the run's end. */
  rgc_filter_t* run = run_of(subject, RGC_KIND_RAW);
  decide_live(run, raw_key(1, "a", 90));
  call_what_is_refused();
  api.rgc_filter_destroy(run);
  CHECK_EQ(ledger_records(engine, CF_LEDGER), 0);
  turns = 0;
  pthread_mutex_lock(&engine->turn);
  engine->during = during_a_call;
  pthread_mutex_unlock(&engine->turn);
  SUCCEEDS(api.rgc_schema_drop(subject, 1, DROPPED, errptr));
  drain(subject);
  CHECK(turns > 0);
  engine_forget(engine);
  CHECK_EQ(api.rgc_schema_state(subject, 1, DROPPED), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_schema_state(subject, 1, DROPPED - 1), RGC_SCHEMA_VALID);
  SUCCEEDS(api.rgc_schema_drop(subject, 1, DROPPED + 1, errptr));
  drain(subject);
  api.rgc_destroy(subject);
  engine_free(engine);
}

void test_schema_drop_faults(void) {
  inside();
  damaged(0);
  damaged(1);
  interrupted(WITH_TEXT, 1, ATTACHED_AGAIN, 1, "");
  interrupted(UNKNOWN, 1, ATTACHED_AGAIN, 3, "delete_batch_bytes=60");
  interrupted(WITH_TEXT, 0, ATTACHED_AGAIN, 3, "delete_range_min_keys=3");
  interrupted(WITH_TEXT, 0, WAITED_FOR, 67, "");
  interrupted(GARBAGE, 0, REPEATED, 83, "delete_range_min_keys=3");
  interrupted(WITHOUT_TEXT, 0, REPEATED, 97, "");
}
