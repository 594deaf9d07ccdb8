/* pending_destroys.c - destroys that begin when the safe point has passed a timestamp, and the recheck of
 * one range at once. */
#include <string.h>

#include "schema_keys.h"

/* A key as two arguments. */
#define KEY(key) (key).data, (key).len

enum { FIVE = 5, SIX = 6 };

static rgc_t* gc_of_five(void) {
  rgc_t* gc = gc_with("recheck=manual");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, FIVE, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, SIX, RGC_GC_GLOBAL, errptr));
  return gc;
}

static void advance(rgc_t* gc, uint64_t ts) { SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, FIVE, ts, errptr))); }

struct listed {
  size_t n, pending;
  uint64_t pending_ts;
  int state;
};
static int take(void* state, const rgc_destroyed_info_t* info) {
  struct listed* listed = state;
  ++listed->n;
  listed->state = info->state;
  if (info->state != RGC_DESTROY_PENDING) return 0;
  ++listed->pending;
  listed->pending_ts = info->pending_ts;
  CHECK_EQ(info->started_unix_seconds, 0);
  CHECK_EQ(info->done_unix_seconds, 0);
  return 0;
}
static struct listed list(const rgc_t* gc) {
  struct listed listed = {0};
  api.rgc_destroyed_foreach(gc, take, &listed);
  CHECK_EQ(listed.n, api.rgc_destroyed_count(gc));
  return listed;
}

/* Until the safe point has passed the timestamp, the keyspace is in use, also after a restart. */
static void keyspaces(void) {
  rgc_t* gc = gc_of_five();
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  advance(gc, 50);
  SUCCEEDS(api.rgc_destroy_keyspace_after(gc, FIVE, 60, 0, errptr));
  struct listed listed = list(gc);
  CHECK(listed.n == 2 && listed.pending == 2 && listed.pending_ts == 60);
  SUCCEEDS(api.rgc_destroy_keyspace_after(gc, FIVE, 70, 0, errptr));
  CHECK_EQ(list(gc).pending_ts, 70);
  /* Filters keep its keys, and it can be registered: it is not destroyed yet. */
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, FIVE, RGC_GC_KEYSPACE_LEVEL, errptr));
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  CHECK_EQ(stats_of(gc).dropped, 0);
  advance(gc, 70);
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE), 2);
  api.rgc_destroy(gc);
  gc = gc_of_five();
  attach(gc, engine, 5);
  CHECK_EQ(list(gc).pending, 2);
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE), 2);
  advance(gc, 71);
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE), 0);
  CHECK_EQ(left_of_keyspace(engine, SIX), 2);
  listed = list(gc);
  CHECK(listed.n == 2 && listed.pending == 0 && listed.state == RGC_DESTROY_DONE);
  FAILS(api.rgc_destroy_keyspace_after(gc, FIVE, 80, 0, errptr), "Busy", "destroyed already");
  /* By the record of the keyspace filters would remove what is written again. */
  struct key start = raw_key(FIVE, "a", 9), end = raw_key(FIVE, "b", 9);
  FAILS(api.rgc_destroy_range_after(gc, KEY(start), KEY(end), 80, RGC_DESTROY_REUSABLE, errptr), "Busy", "release it");
  FAILS(api.rgc_take_back_destroy_keyspace(gc, FIVE, errptr), "Busy", "begun");
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A destroy that was taken back does not begin; then the same range can be ordered again. */
static void taken_back(void) {
  rgc_t* gc = gc_of_five();
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  struct key start = raw_key(FIVE, "a", 9), end = raw_key(FIVE, "b", 9);
  start.len -= 8, end.len -= 8;
  SUCCEEDS(api.rgc_destroy_range_after(gc, KEY(start), KEY(end), 60, RGC_DESTROY_REUSABLE, errptr));
  FAILS(api.rgc_take_back_destroy_range(gc, KEY(start), end.data, end.len - 1, errptr), "Not found");
  FAILS(api.rgc_take_back_destroy_keyspace(gc, FIVE, errptr), "Not found");
  FAILS(api.rgc_release_destroyed(gc, KEY(start), KEY(end), errptr), "Busy", "pending");
  FAILS(api.rgc_recheck_destroyed_range(gc, KEY(start), KEY(end), NULL, errptr), "Not found");
  SUCCEEDS(api.rgc_take_back_destroy_range(gc, KEY(start), KEY(end), errptr));
  FAILS(api.rgc_take_back_destroy_range(gc, KEY(start), KEY(end), errptr), "Not found");
  advance(gc, 100);
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE), 2);
  CHECK_EQ(ledger_records(engine, CF_LEDGER), 0);
  /* It is due at once. A write that fails leaves it pending, and the worker tries again. */
  SUCCEEDS(api.rgc_destroy_keyspace_after(gc, FIVE, 99, 0, errptr); engine_fail(engine, WRITE, WITH_TEXT, 1));
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE), 0);
  CHECK_EQ(list(gc).state, RGC_DESTROY_DONE);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A keyspace that is paused, has no safe point or is enabled is not destroyed; another call's
 * destroy replaces the order. */
static void waits(void) {
  rgc_t* gc = gc_of_five();
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_destroy_keyspace_after(gc, FIVE, 0, 0, errptr));
  SUCCEEDS(api.rgc_destroy_keyspace_after(gc, 7, 0, 0, errptr));
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE) + left_of_keyspace(engine, 7), 4);
  SUCCEEDS(api.rgc_pause_keyspace(gc, FIVE, errptr));
  CHECK(!api.rgc_advance_keyspace_safe_point(gc, FIVE, 50, NULL));
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE), 2);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, FIVE, RGC_GC_KEYSPACE_LEVEL, errptr));
  rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = FIVE, .state = RGC_KEYSPACE_ENABLED, .name = "name"};
  meta.gc_management_type = "keyspace_level";
  SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
  advance(gc, 50);
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE), 2);
  FAILS(api.rgc_destroy_keyspace_after(gc, FIVE, 0, 0, errptr), "Invalid argument", "ENABLED");
  SUCCEEDS(api.rgc_destroy_keyspace_after(gc, FIVE, 0, RGC_DESTROY_FORCE, errptr));
  drain(gc);
  CHECK_EQ(left_of_keyspace(engine, FIVE), 0);
  CHECK_EQ(list(gc).pending, 2);
  SUCCEEDS(api.rgc_destroy_keyspace(gc, 7, 0, NULL, errptr));
  drain(gc);
  CHECK_EQ(list(gc).pending, 0);
  CHECK_EQ(left_of_keyspace(engine, 7), 0);
  CHECK_EQ(list(gc).n, 4);
  api.rgc_destroy(gc);
  engine_free(engine);
}

static size_t forced_compactions(const struct mem_engine* engine) {
  size_t forced = 0;
  for (size_t i = 0; i < engine->logged; ++i) forced += engine->log[i].function == COMPACT && engine->log[i].flags == 1;
  return forced;
}

/* A destroy that fails after it deleted the half of a row compacts that row when the worker tries
 * again, though it then finds no key there: see cut_row in the library. */
static void cut_row_after_a_failure(void) {
  rgc_t* gc = gc_of_five();
  struct mem_engine* engine = filled_keyspaces();
  struct key start = raw_key(FIVE, "a", 9), end = raw_key(FIVE, "a", 6);
  mem_put(engine->store, CF_DEFAULT, raw_key(FIVE, "a", 5), BYTES("v\0"));
  mem_compact_all(engine->store);
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_destroy_range_after(gc, KEY(start), KEY(end), 60, 0, errptr));
  engine_forget(engine);
  engine_fail(engine, COMPACT, WITH_TEXT, 0);
  advance(gc, 61);
  drain(gc);
  CHECK_EQ(list(gc).state, RGC_DESTROY_DONE);
  CHECK(!mem_has(engine->store, CF_DEFAULT, start) && mem_has(engine->store, CF_DEFAULT, raw_key(FIVE, "a", 5)));
  /* The first one failed. */
  CHECK(forced_compactions(engine) >= 2);
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void bad_arguments(void) {
  rgc_t* gc = gc_of_five();
  struct key start = raw_key(FIVE, "a", 9), end = raw_key(FIVE, "b", 9), six = raw_key(SIX, "b", 9);
  FAILS(api.rgc_destroy_range_after(gc, KEY(start), KEY(end), 1, 0, errptr), "Invalid argument", "no store");
  FAILS(api.rgc_destroy_keyspace_after(gc, FIVE, 1, 0, errptr), "Invalid argument", "no store");
  FAILS(api.rgc_take_back_destroy_range(gc, KEY(start), KEY(end), errptr), "Invalid argument", "no store");
  FAILS(api.rgc_take_back_destroy_keyspace(gc, FIVE, errptr), "Invalid argument", "no store");
  FAILS(api.rgc_recheck_destroyed_range(gc, KEY(start), KEY(end), NULL, errptr), "Invalid argument", "no store");
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  FAILS(api.rgc_destroy_range_after(NULL, KEY(start), KEY(end), 1, 0, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_range_after(gc, KEY(end), KEY(start), 1, 0, errptr), "Invalid argument", "inverted");
  FAILS(api.rgc_destroy_range_after(gc, NULL, 0, KEY(end), 1, 0, errptr), "Invalid argument", "missing");
  FAILS(api.rgc_destroy_range_after(gc, NULL, 3, KEY(end), 1, 0, errptr), "Invalid argument", "start");
  FAILS(api.rgc_destroy_range_after(gc, KEY(start), KEY(six), 1, 0, errptr), "Invalid argument", "one keyspace");
  FAILS(api.rgc_destroy_range_after(gc, KEY(start), KEY(end), UINT64_MAX, 0, errptr), "Invalid argument", "18446744073709551615");
  FAILS(api.rgc_destroy_range_after(gc, KEY(start), KEY(end), 1, 4, errptr), "Invalid argument", "flags");
  FAILS(api.rgc_destroy_keyspace_after(NULL, FIVE, 1, 0, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_keyspace_after(gc, RGC_KEYSPACE_MAX + 1, 1, 0, errptr), "Invalid argument", "16777216");
  FAILS(api.rgc_destroy_keyspace_after(gc, FIVE, UINT64_MAX, 0, errptr), "Invalid argument", "ts");
  FAILS(api.rgc_take_back_destroy_range(NULL, KEY(start), KEY(end), errptr), "Invalid argument");
  FAILS(api.rgc_take_back_destroy_range(gc, NULL, 3, KEY(end), errptr), "Invalid argument");
  FAILS(api.rgc_take_back_destroy_keyspace(NULL, FIVE, errptr), "Invalid argument");
  FAILS(api.rgc_take_back_destroy_keyspace(gc, RGC_KEYSPACE_MAX + 1, errptr), "Invalid argument");
  FAILS(api.rgc_recheck_destroyed_range(NULL, KEY(start), KEY(end), NULL, errptr), "Invalid argument");
  FAILS(api.rgc_recheck_destroyed_range(gc, NULL, 3, KEY(end), NULL, errptr), "Invalid argument");
  rgc_destroy_report_t small = {.struct_size = 1};
  FAILS(api.rgc_recheck_destroyed_range(gc, KEY(start), KEY(end), &small, errptr), "Invalid argument");
  CHECK_EQ(ledger_records(engine, CF_LEDGER), 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* One range is rechecked whenever it was destroyed: late keys are removed, and new ones are kept. */
static void recheck_of_one(void) {
  rgc_t* gc = gc_of_five();
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  struct key start = raw_key(FIVE, "a", 9), end = raw_key(FIVE, "b", 9), late = raw_key(FIVE, "a5", 9);
  start.len -= 8, end.len -= 8;
  SUCCEEDS(api.rgc_destroy_range(gc, KEY(start), KEY(end), 0, NULL, errptr));
  mem_put(engine->store, CF_DEFAULT, late, BYTES("v\0"));
  rgc_destroy_report_t report = {.struct_size = sizeof report};
  FAILS(api.rgc_recheck_destroyed_range(gc, KEY(start), end.data, end.len - 1, &report, errptr), "Not found");
  SUCCEEDS(api.rgc_recheck_destroyed_range(gc, KEY(start), KEY(end), &report, errptr));
  CHECK_EQ(report.keys_deleted, 1);
  CHECK(!mem_has(engine->store, CF_DEFAULT, late));
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  mem_put(engine->store, CF_DEFAULT, late, BYTES("v\0"));
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  CHECK_EQ(stats_of(gc).dropped, 0);
  CHECK(mem_has(engine->store, CF_DEFAULT, late));
  CHECK_EQ(ledger_records(engine, CF_LEDGER), 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_pending_destroys(void) {
  keyspaces();
  taken_back();
  waits();
  cut_row_after_a_failure();
  bad_arguments();
  recheck_of_one();
}
