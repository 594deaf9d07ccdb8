/* destroy_many.c - many ranges and keyspaces in one call: all or none in their arguments, one
 * durable write for their records, and one compaction for a file at the bounds of several, which the
 * worker does. */
#include <string.h>

#include "schema_keys.h"

enum { MANY = 1000 };

static rgc_range_t range_of(struct key* start, struct key* end) {
  rgc_range_t range = {.struct_size = sizeof range, .start = start->data, .start_len = start->len};
  range.end = end->data;
  range.end_len = end->len;
  return range;
}

/* One bad argument among many good ones: it is named, and nothing happens. */
static void bad_ranges(void) {
  static struct key starts[MANY], ends[MANY];
  static rgc_range_t ranges[MANY];
  for (uint32_t i = 0; i < MANY; ++i) {
    starts[i] = raw_key(i, "a", 9);
    ends[i] = raw_key(i, "b", 9);
    ranges[i] = range_of(&starts[i], &ends[i]);
  }
  rgc_t* gc = gc_with("");
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  engine_forget(engine);
  size_t failed = 7;
  SUCCEEDS(api.rgc_destroy_ranges(gc, NULL, 0, 0, &failed, NULL, errptr));
  CHECK_EQ(failed, 0);
  SUCCEEDS(api.rgc_destroy_ranges(gc, ranges, 0, 0, NULL, NULL, errptr));
  FAILS(api.rgc_destroy_ranges(NULL, ranges, 2, 0, &failed, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_ranges(gc, NULL, 2, 0, &failed, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_ranges(gc, ranges, SIZE_MAX, 0, &failed, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_ranges(gc, ranges, 2, 4, &failed, NULL, errptr), "Invalid argument", "flags");
  CHECK_EQ(failed, 2);
  rgc_destroy_report_t small = {.struct_size = 1};
  FAILS(api.rgc_destroy_ranges(gc, ranges, 2, 0, &failed, &small, errptr), "Invalid argument");
  const rgc_range_t good = ranges[998];
  for (int bad = 0; bad < 5; ++bad) {
    if (bad == 0) ranges[998].end_len = 0;
    if (bad == 1) ranges[998].start = NULL;
    if (bad == 2) ranges[998].start = good.end, ranges[998].end = good.start;
    if (bad == 3) ranges[998] = ranges[3];
    if (bad == 4) ranges[998].struct_size = 1;
    static const char* const says[] = {"missing", "start", "inverted", "overlaps", "struct_size"};
    failed = 7;
    FAILS(api.rgc_destroy_ranges(gc, ranges, MANY, 0, &failed, NULL, errptr), "Invalid argument", "998", says[bad]);
    CHECK_EQ(failed, bad == 4 ? MANY : 998);
    ranges[998] = good;
  }
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  for (int function = 0; function < STALLED; ++function) CHECK_EQ(engine_calls(engine, function), 0);
  /* A record that is in the way of writing again. */
  SUCCEEDS(api.rgc_destroy_ranges(gc, &ranges[6], 1, 0, &failed, NULL, errptr));
  CHECK_EQ(failed, 1);
  FAILS(api.rgc_destroy_ranges(gc, ranges, 8, RGC_DESTROY_REUSABLE, &failed, NULL, errptr), "Busy", "range 6");
  CHECK_EQ(failed, 6);
  CHECK_EQ(left_of_keyspace(engine, 5), 2);
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void bad_keyspaces(void) {
  static uint32_t ids[MANY];
  for (uint32_t i = 0; i < MANY; ++i) ids[i] = i;
  rgc_t* gc = gc_with("");
  struct mem_engine* engine = filled_keyspaces();
  rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = 2000, .state = RGC_KEYSPACE_ENABLED, .name = "name"};
  /* Before the worker: it records the types of keyspaces that are loaded later. */
  SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
  attach(gc, engine, 5);
  engine_forget(engine);
  size_t failed = 7;
  SUCCEEDS(api.rgc_destroy_keyspaces(gc, NULL, 0, 0, &failed, NULL, errptr));
  CHECK_EQ(failed, 0);
  FAILS(api.rgc_destroy_keyspaces(NULL, ids, 2, 0, &failed, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_keyspaces(gc, NULL, 2, 0, &failed, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_keyspaces(gc, ids, 2, 8, &failed, NULL, errptr), "Invalid argument", "flags");
  static const struct {
    uint32_t id;
    const char* says;
  } bad[] = {{RGC_KEYSPACE_MAX + 1, "16777216"}, {UINT32_MAX, "4294967295"}, {4, "also keyspace 4"}, {2000, "ENABLED"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    ids[998] = bad[i].id;
    FAILS(api.rgc_destroy_keyspaces(gc, ids, MANY, 0, &failed, NULL, errptr), "Invalid argument", "keyspace 998 of the call", bad[i].says);
    CHECK_EQ(failed, 998);
  }
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  for (int function = 0; function < STALLED; ++function) CHECK_EQ(engine_calls(engine, function), 0);
  SUCCEEDS(api.rgc_destroy_keyspaces(gc, &ids[998], 1, RGC_DESTROY_FORCE, &failed, NULL, errptr));
  CHECK_EQ(failed, 1);
  api.rgc_detach(gc);
  FAILS(api.rgc_destroy_keyspaces(gc, ids, 2, 0, &failed, NULL, errptr), "Invalid argument", "no store");
  FAILS(api.rgc_destroy_ranges(gc, NULL, 0, 0, &failed, NULL, errptr), "Invalid argument", "no store");
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void check_calls(struct mem_engine* engine, size_t durable, size_t compactions) {
  pthread_mutex_lock(&engine->turn);
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    durable -= call->function == WRITE && (call->flags & RGC_WRITE_FLAG_SYNC) != 0;
    compactions -= call->function == COMPACT;
  }
  pthread_mutex_unlock(&engine->turn);
  CHECK_EQ(durable, 0);
  CHECK_EQ(compactions, 0);
}

/* The records of all are one durable write, and each file is compacted once. */
static void together(void) {
  static const uint32_t odd[] = {1, 3, 5, 7};
  rgc_t* gc = gc_with("");
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  mem_keys_per_file(engine->store, 100);
  mem_compact_all(engine->store);
  engine_forget(engine);
  size_t failed = 7;
  rgc_destroy_report_t report = {.struct_size = sizeof report};
  SUCCEEDS(api.rgc_destroy_keyspaces(gc, odd, 4, 0, &failed, &report, errptr));
  CHECK_EQ(failed, 4);
  CHECK_EQ(report.keys_deleted, 8);
  CHECK_EQ(api.rgc_destroyed_count(gc), 8);
  for (uint32_t keyspace = 0; keyspace < FILLED_KEYSPACES; ++keyspace) CHECK_EQ(left_of_keyspace(engine, keyspace), keyspace % 2 ? 0 : 2);
  CHECK_EQ(report.files_left, 2);
  check_calls(engine, 2, 0); /* STARTED, then CLEARED */
  CHECK_EQ(debts_of(gc), 8);
  CHECK_EQ(debt_of(gc).files, 2);
  drain(gc);
  check_calls(engine, 3, 2); /* DONE; the default family, and the write family */
  CHECK_EQ(debts_of(gc), 0);
  CHECK_EQ(api.rgc_destroyed_count(gc), 8);
  for (uint32_t keyspace = 0; keyspace < FILLED_KEYSPACES; ++keyspace) CHECK_EQ(left_of_keyspace(engine, keyspace), keyspace % 2 ? 0 : 2);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Any call of the engine fails once. The repeat finishes all. */
static void interrupted(void) {
  static const uint32_t odd[] = {1, 3, 5};
  for (long n = 1;; ++n) {
    REQUIRE(n < 500);
    rgc_t* gc = gc_with("");
    struct mem_engine* engine = filled_keyspaces();
    attach(gc, engine, 5);
    engine_fail(engine, ANY, WITH_TEXT, n);
    char* error = NULL;
    size_t failed = 7;
    api.rgc_destroy_keyspaces(gc, odd, 3, 0, &failed, NULL, &error);
    CHECK_EQ(failed, 3);
    api.rgc_free(error);
    size_t count = api.rgc_destroyed_count(gc);
    CHECK(count == 0 || count == 6);
    if (count == 0) CHECK_EQ(left_of_keyspace(engine, 1), 2);
    size_t failures = engine->failed;
    engine_forget(engine);
    SUCCEEDS(api.rgc_destroy_keyspaces(gc, odd, 3, 0, &failed, NULL, errptr));
    for (uint32_t keyspace = 0; keyspace < FILLED_KEYSPACES; ++keyspace) {
      CHECK_EQ(left_of_keyspace(engine, keyspace), keyspace % 2 && keyspace < 6 ? 0 : 2);
    }
    CHECK_EQ(api.rgc_destroyed_count(gc), 6);
    drain(gc);
    CHECK_EQ(api.rgc_destroyed_count(gc), 6);
    api.rgc_destroy(gc);
    engine_free(engine);
    if (failures == 0) break;
  }
}

/* A recheck that finds nothing is one list of files for each family, and one durable write. */
static void recheck_of_empty_ranges(void) {
  static const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};
  rgc_t* gc = gc_with("recheck=manual;recheck_seconds=100");
  uint64_t now = 5000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_destroy_keyspaces(gc, all, FILLED_KEYSPACES, 0, NULL, NULL, errptr));
  compact_everything(engine);
  engine_forget(engine);
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5100, NULL, errptr), 2 * FILLED_KEYSPACES));
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  CHECK_EQ(ledger_records(engine, CF_LEDGER), 0);
  CHECK_EQ(engine_calls(engine, WRITE), 1);
  CHECK(engine_calls(engine, FILES) <= 5);
  CHECK_EQ(engine_calls(engine, COMPACT) + engine_calls(engine, FLUSH), 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_destroy_many(void) {
  bad_ranges();
  bad_keyspaces();
  together();
  interrupted();
  recheck_of_empty_ranges();
}
