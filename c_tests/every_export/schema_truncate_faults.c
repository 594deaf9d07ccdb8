/* schema_truncate_faults.c - truncations that end in the middle: by detach, or by an engine that
 * fails at every call in turn. What is left reads as before or not at all, and the next process
 * finishes the truncation. */
#define _GNU_SOURCE
#include <time.h>

#include "replay.h"

#define TRUNCATED 0x61620001u

static void pause_for(long milliseconds) { nanosleep(&(struct timespec){0, milliseconds * 1000 * 1000}, NULL); }

static struct mem_engine* filled(int rows) {
  struct mem_engine* engine = engine_new();
  for (uint32_t id = TRUNCATED - 1; id <= TRUNCATED + 1; ++id) {
    for (int i = 0; i < rows; ++i) {
      char rest[16];
      snprintf(rest, sizeof rest, "%03d", i);
      for (uint64_t ts = 10; ts <= (i % 3 == 2 ? 50u : 70u); ts += 10) {
        mem_put(engine->store, CF_DEFAULT, id_key('r', 1, id, rest, ts), BYTES("v\0"));
        char record[] = {'P', (char)(ts - 5)};
        mem_put(engine->store, CF_WRITE, id_key('x', 1, id, rest, ts), record, 2);
        mem_put(engine->store, CF_DEFAULT, id_key('x', 1, id, rest, ts - 5), BYTES("long"));
      }
    }
  }
  mem_flush(engine->store, CF_DEFAULT);
  return engine;
}

static size_t contents_sum(const struct contents* contents) { return contents->n[CF_DEFAULT] + contents->n[CF_WRITE]; }
static size_t contents_count(struct mem_engine* engine) {
  struct contents now = contents_of(engine);
  size_t n = contents_sum(&now);
  contents_free(&now);
  return n;
}

/* After an interruption: nothing that must stay has gone. */
static int may_go(void* state, uint32_t cf, const struct pair* pair) { return -goes_by_truncation(state, cf, pair); }

static void interrupted(int how, int is_for_good, long stride, const char* options) {
  for (long n = 0;; n += stride) {
    REQUIRE(n < 5000);
    rgc_t* gc = gc_of_schemas(options);
    struct mem_engine* engine = filled(3);
    struct contents before = contents_of(engine);
    struct truncation order = {TRUNCATED, 50};
    struct judged_by by = {&before, &order};
    attach(gc, engine, 5);
    engine_fail(engine, ANY, how, n);
    engine->fails_on = is_for_good;
    char* error = CHECK_GARBAGE;
    api.rgc_schema_truncate(gc, 1, TRUNCATED, 50, &error);
    int is_error = error != NULL;
    if (is_error && how == WITH_TEXT) CHECK_CONTAINS(error, NO_SPACE);
    api.rgc_free(error);
    int is_over = wait_for_the_fault(gc, engine) == 0;
    if (is_for_good) {
      api.rgc_detach(gc);
      CHECK_GONE(engine, &before, may_go, &by);
      api.rgc_destroy(gc);
      gc = gc_of_schemas("");
    }
    pthread_mutex_lock(&engine->turn);
    engine->fails_in = -1;
    engine->fails_on = 0;
    pthread_mutex_unlock(&engine->turn);
    if (is_for_good) {
      /* The order is known by the ledger. */
      attach(gc, engine, 5);
      if (!is_error) CHECK(api.rgc_schema_state(gc, 1, TRUNCATED) == RGC_SCHEMA_TRUNCATING || api.rgc_worker_pending(gc) <= debts_of(gc));
    }
    if (is_error) SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 50, errptr));
    drain(gc);
    CHECK_GONE(engine, &before, goes_by_truncation, &by);
    check_replay(&before, &order, engine);
    compact_everything(engine);
    CHECK_GONE(engine, &before, goes_by_truncation, &by);
    api.rgc_destroy(gc);
    contents_free(&before);
    engine_free(engine);
    if (is_over) break;
  }
}

/* Detached in the middle, several times; the schema is truncated once, and nobody is told. */
static void detached(void) {
  struct mem_engine* engine = filled(60);
  struct contents before = contents_of(engine);
  struct truncation order = {TRUNCATED, 50};
  struct judged_by by = {&before, &order};
  static const char* const slow = "delete_bytes_per_second=60000;delete_batch_bytes=500";
  rgc_t* gc = gc_of_schemas(slow);
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 50, errptr));
  int interruptions = 0;
  for (int round = 0; round < 3; ++round) {
    pause_for(100);
    interruptions += api.rgc_worker_pending(gc) != 0;
    api.rgc_detach(gc);
    CHECK_EQ(api.rgc_worker_pending(gc), 0);
    CHECK_GONE(engine, &before, may_go, &by);
    if (round % 2 == 0) {
      api.rgc_destroy(gc);
      gc = gc_of_schemas(slow);
    }
    attach(gc, engine, 5);
  }
  CHECK(interruptions > 0);
  /* Fast, for the rest; a repeat changes nothing. */
  api.rgc_destroy(gc);
  gc = gc_of_schemas("");
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 40, errptr));
  drain(gc);
  CHECK_GONE(engine, &before, goes_by_truncation, &by);
  check_replay(&before, &order, engine);
  api.rgc_destroy(gc);
  /* Once it is done the next attach has nothing to do. */
  engine_forget(engine);
  gc = gc_of_schemas("");
  attach(gc, engine, 5);
  drain(gc);
  for (size_t i = 0; i < engine->logged; ++i) {
    for (size_t j = 0; j < engine->log[i].n; ++j) CHECK_EQ(engine->log[i].ops[j].cf, CF_LEDGER);
  }
  CHECK_GONE(engine, &before, goes_by_truncation, &by);
  CHECK(api.rgc_schema_state(gc, 1, TRUNCATED) != RGC_SCHEMA_TRUNCATING);
  CHECK(api.rgc_schema_state(gc, 1, TRUNCATED) != RGC_SCHEMA_DROPPED);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* Orders of several schemas that the ledger keeps while the host is away, and that no list
 * changes. */
static int by_two(void* state, uint32_t cf, const struct pair* pair) {
  if (is_of_schema(pair->key.data, pair->key.len, 1, TRUNCATED + 1)) return 1;
  return goes_by_truncation(state, cf, pair);
}
static void away(void) {
  struct mem_engine* engine = filled(4);
  struct contents before = contents_of(engine);
  struct truncation order = {TRUNCATED, 30};
  struct judged_by by = {&before, &order};
  rgc_t* gc = gc_of_schemas("");
  attach(gc, engine, 5);
  api.rgc_set_enabled(gc, 0);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 30, errptr));
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED + 1, 30, errptr));
  SUCCEEDS(api.rgc_schema_drop(gc, 1, TRUNCATED + 1, errptr));
  CHECK_EQ(api.rgc_worker_pending(gc), 2);
  api.rgc_destroy(gc);
  gc = gc_of_schemas("");
  api.rgc_set_enabled(gc, 0);
  attach(gc, engine, 5);
  CHECK_EQ(api.rgc_schema_state(gc, 1, TRUNCATED), RGC_SCHEMA_TRUNCATING);
  CHECK_EQ(api.rgc_schema_state(gc, 1, TRUNCATED + 1), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_worker_pending(gc), 2);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  CHECK_GONE(engine, &before, by_two, &by);
  compact_everything(engine);
  CHECK_GONE(engine, &before, by_two, &by);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* The host raises the timestamp in the middle: the worker reads the finished rows again, also in
 * the next process. */
static void raised_in_the_middle(int is_detached) {
  struct mem_engine* engine = filled(60);
  struct contents before = contents_of(engine);
  struct truncation order = {TRUNCATED, 50};
  struct judged_by by = {&before, &order};
  rgc_t* gc = gc_of_schemas("delete_bytes_per_second=60000;delete_batch_bytes=500");
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 30, errptr));
  while (contents_count(engine) >= contents_sum(&before)) pause_a_little();
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 50, errptr));
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 40, errptr));
  if (is_detached) {
    api.rgc_destroy(gc);
    gc = gc_of_schemas("");
    attach(gc, engine, 5);
  }
  drain(gc);
  CHECK_GONE(engine, &before, goes_by_truncation, &by);
  check_replay(&before, &order, engine);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* The next process goes on where this one was: it does not read everything again. */
static void from_its_position(void) {
  struct mem_engine* engine = filled(150);
  rgc_t* gc = gc_of_schemas("delete_bytes_per_second=40000;delete_batch_bytes=500");
  size_t all = contents_count(engine);
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 10, errptr));
  while (engine_calls(engine, NEXT) < all / 12) pause_a_little();
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  size_t first = engine_calls(engine, NEXT);
  api.rgc_destroy(gc);
  engine_forget(engine);
  gc = gc_of_schemas("");
  attach(gc, engine, 5);
  drain(gc);
  size_t second = engine_calls(engine, NEXT);
  api.rgc_destroy(gc);
  /* A whole pass, once nothing is left to be deleted. */
  engine_forget(engine);
  gc = gc_of_schemas("");
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 9, errptr));
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 11, errptr));
  drain(gc);
  size_t whole = engine_calls(engine, NEXT);
  CHECK(first > whole / 10);
  CHECK(10 * second < 9 * whole);
  CHECK(contents_count(engine) < all);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_schema_truncate_faults(void) {
  detached();
  raised_in_the_middle(0);
  raised_in_the_middle(1);
  from_its_position();
  away();
  interrupted(WITH_TEXT, 1, 3, "delete_batch_bytes=100");
  interrupted(UNKNOWN, 1, 7, "");
  interrupted(WITH_TEXT, 0, 71, "delete_batch_bytes=100");
  interrupted(GARBAGE, 0, 89, "delete_range_min_keys=3");
}
