/* runs.c - a run: how it is made, which keys it judges, and in which order it wants them. */
#include <limits.h>
#include <pthread.h>

#include "parts.h"

static void created(void) {
  rgc_t* gc = gc_with("");
  /* Nothing to do is no error. */
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, NULL, errptr) == NULL));
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_TXN, NULL, errptr) == NULL));
  CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, NULL, NULL) == NULL);
  CHECK_EQ(stats_of(gc).filters_not_needed, 4);
  CHECK_EQ(stats_of(gc).runs_started, 0);
  api.rgc_filter_destroy(run_of(gc, RGC_KIND_TTL_V1));
  CHECK_EQ(stats_of(gc).runs_started, 1);

  /* A safe point that comes later works from the next run on. */
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 5), 1);
  api.rgc_filter_destroy(run_of(gc, RGC_KIND_RAW));
  api.rgc_filter_destroy(run_of(gc, RGC_KIND_TXN));
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  CHECK_EQ(stats_of(gc).runs_started, 3);

  FAILS(CHECK(api.rgc_filter_create(gc, 99, NULL, errptr) == NULL), "Invalid argument", "99");
  FAILS(CHECK(api.rgc_filter_create(gc, -1, NULL, errptr) == NULL), "Invalid argument", "-1");
  FAILS(CHECK(api.rgc_filter_create(gc, RGC_KIND_TTL_V1 + 1, NULL, errptr) == NULL), "Invalid argument", "20");
  FAILS(CHECK(api.rgc_filter_create(NULL, RGC_KIND_RAW, NULL, errptr) == NULL), "Invalid argument", "NULL");
  CHECK_EQ(stats_of(gc).runs_started, 3);
  api.rgc_destroy(gc);
  api.rgc_filter_destroy(NULL);
}

static void compactions(void) {
  rgc_t* gc = gc_at_80("");
  struct {
    rgc_compaction_t known;
    char more[64];
  } given;
  memset(&given, 0xee, sizeof given);
  static const rgc_compaction_t good = {.struct_size = sizeof good, .is_full = 1, .is_bottommost = -1, .start_level = -1, .output_level = 6,
                                        .column_family_id = 7};
  /* Version 1 ended before the inputs. */
  const size_t smallest = offsetof(rgc_compaction_t, inputs);
  for (size_t size = 0; size < smallest; ++size) {
    given.known = good;
    given.known.struct_size = size;
    FAILS(CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, &given.known, errptr) == NULL), "Invalid argument", "struct_size");
  }
  for (size_t size = smallest; size <= sizeof given; ++size) {
    given.known = good;
    given.known.struct_size = size;
    if (size <= offsetof(rgc_compaction_t, num_inputs)) {
      /* What is not given is not read. */
      given.known.inputs = (const rgc_table_properties_t*)(uintptr_t)0x5a5a5a5a5a5a5a5a;
      given.known.num_inputs = SIZE_MAX;
    }
    rgc_filter_t* run = NULL;
    SUCCEEDS(run = api.rgc_filter_create(gc, RGC_KIND_RAW, &given.known, errptr));
    CHECK(run != NULL);
    CHECK_EQ(given.known.struct_size, size);
    api.rgc_filter_destroy(run);
  }
  static const int bad[] = {2, -2, INT_MAX, INT_MIN};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    char number[16];
    snprintf(number, sizeof number, "%d", bad[i]);
    rgc_compaction_t compaction = good;
    compaction.is_full = bad[i];
    FAILS(CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, &compaction, errptr) == NULL), "Invalid argument", "is_full", number);
    compaction = good;
    compaction.is_manual = bad[i];
    FAILS(CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, &compaction, errptr) == NULL), "Invalid argument", "is_manual", number);
    compaction = good;
    compaction.is_bottommost = bad[i];
    FAILS(CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, &compaction, errptr) == NULL), "Invalid argument", "is_bottommost", number);
  }
  rgc_compaction_t compaction = good;
  compaction.start_level = -2;
  FAILS(CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, &compaction, errptr) == NULL), "Invalid argument", "start_level", "-2");
  compaction = good;
  compaction.output_level = -2;
  FAILS(CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, &compaction, errptr) == NULL), "Invalid argument", "output_level", "-2");
  api.rgc_destroy(gc);
}

static void rows(void) {
  rgc_t* gc = gc_at_80("");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 500), 1);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  static const struct {
    uint32_t keyspace;
    const char* user_key;
    uint64_t ts;
    int verdict;
  } steps[] = {
      {0, "unnamed", 9, RGC_KEEP},  {0, "unnamed", 8, RGC_KEEP},
      {1, "a", UINT64_MAX, RGC_KEEP}, {1, "a", 90, RGC_KEEP}, {1, "a", 80, RGC_KEEP}, {1, "a", 79, RGC_REMOVE}, {1, "a", 0, RGC_REMOVE},
      {1, "b", 79, RGC_KEEP},       {1, "b", 78, RGC_REMOVE},
      {1, "long user key 1", 80, RGC_KEEP}, {1, "long user key 1", 79, RGC_REMOVE},
      {1, "long user key 2", 0, RGC_KEEP},
      {2, "a", 501, RGC_KEEP},      {2, "a", 500, RGC_KEEP}, {2, "a", 499, RGC_REMOVE}, {2, "a", 79, RGC_REMOVE},
      {3, "unnamed", 9, RGC_KEEP},  {3, "unnamed", 8, RGC_KEEP},
  };
  uint64_t removed = 0;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; ++i) {
    struct key key = raw_key(steps[i].keyspace, steps[i].user_key, steps[i].ts);
    CHECK_EQ(decide_live(run, key), steps[i].verdict);
    /* The same key again: the same verdict. */
    CHECK_EQ(decide_live(run, key), steps[i].verdict);
    removed += 2 * (steps[i].verdict == RGC_REMOVE);
  }
  /* Of other modes everything is kept. */
  for (uint64_t ts = 3; ts > 0; --ts) CHECK_EQ(decide_live(run, stored_key(BYTES("t_r_1_2"), ts)), RGC_KEEP);
  for (uint64_t ts = 3; ts > 0; --ts) CHECK_EQ(decide_live(run, mode_key('x', 1, "k", ts)), RGC_KEEP);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.removed, removed);
  CHECK_EQ(stats.kept, 2 * sizeof steps / sizeof *steps + 6 - removed);
  CHECK_EQ(stats.kept_unknown_keyspace, 8);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).removed, removed);
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  api.rgc_destroy(gc);
}

/* A safe point that moves works from the next stretch of keys of one keyspace on. */
static void stretches(void) {
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_KEYSPACE_LEVEL, errptr));
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 200)), RGC_KEEP);
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 150, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 2, 150, errptr));
  CHECK_EQ(decide_live(run, raw_key(1, "a", 100)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 200)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 100)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 79)), RGC_REMOVE);
  CHECK_EQ(decide_live(run, raw_key(2, "a", 200)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(2, "a", 100)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

/* A key below the one before closes the run. */
static void order(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 60)), RGC_REMOVE);
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  api.rgc_set_logger(remember, &log, RGC_LOG_ERROR);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 65)), RGC_KEEP);
  CHECK_EQ(stats_of(gc).runs_closed, 1);
  CHECK_EQ(decide_live(run, raw_key(1, "c", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "c", 60)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_KEEP);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  CHECK_EQ(log.lines, 1);
  CHECK_EQ(stats_of(gc).runs_closed, 1);
  api.rgc_filter_destroy(run);

  /* Among keys that are not judged, too. */
  run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, mode_key('x', 1, "a", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 70)), RGC_KEEP);
  CHECK_EQ(stats_of(gc).runs_closed, 2);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

/* What is no RawKV key to the last byte is kept and counted. */
static void malformed(void) {
  rgc_t* gc = gc_at_80("");
  struct key good = raw_key(1, "abc", 70);
  struct key bad[40];
  size_t n = 0;
  for (size_t len = 0; len <= 16; ++len) bad[n] = good, bad[n++].len = len;
  bad[n] = good, bad[n++].data[8] = (char)0xf6;
  bad[n] = good, bad[n++].data[8] = 0;
  bad[n] = good, bad[n++].data[7] = 1;
  bad[n] = good, bad[n++].data[8] = (char)0xff;
  bad[n] = good, bad[n++].len += 1;
  bad[n] = good, bad[n++].len += 8;
  bad[n++] = stored_key(BYTES("r\0\0"), 70);
  bad[n++] = stored_key(BYTES("r"), 70);
  bad[n++] = stored_key(BYTES(""), 70);
  bad[n++] = stored_key(BYTES("q\0\0\1abc"), 70);
  for (size_t i = 0; i < n; ++i) {
    /* The same version twice, then with the timestamp of a newer and of an older neighbour: never
     * the row's newest, never behind one. */
    rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
    for (int twice = 0; twice < 2; ++twice) CHECK_EQ(decide_live(run, bad[i]), RGC_KEEP);
    struct key older = bad[i];
    if (older.len > 0) older.data[older.len - 1] = (char)0xff;
    CHECK_EQ(decide_live(run, older), RGC_KEEP);
    api.rgc_filter_destroy(run);
  }
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.removed, 0);
  CHECK_EQ(stats.kept, 3 * n);
  CHECK_EQ(stats.unparsed_keys, 3 * n);

  /* NULL with a length is an error, which here means: kept. */
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(api.rgc_filter_decide(run, 0, RGC_VALUE, NULL, 9, BYTES("\0"), NULL, NULL), RGC_KEEP);
  CHECK_EQ(api.rgc_filter_decide(run, 0, RGC_VALUE, NULL, 0, NULL, 0, NULL, NULL), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "abc", 79)), RGC_KEEP);
  CHECK_EQ(api.rgc_filter_decide(run, 0, RGC_VALUE, good.data, good.len, NULL, 3, NULL, NULL), RGC_KEEP);
  CHECK_EQ(decide_live(run, good), RGC_REMOVE);
  /* No filter. */
  CHECK_EQ(decide_live(NULL, good), RGC_KEEP);
  CHECK_EQ(api.rgc_filter_decide_by_key(NULL, 0, good.data, good.len, NULL, NULL), RGC_KEEP);
  api.rgc_filter_set_bottommost(NULL, 1);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

/* rgc_set_enabled(0): keeps everything from the next row on, in runs that are on too. */
static void enabled(void) {
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
  api.rgc_set_enabled(gc, 0);
  decide_live(run, raw_key(1, "a", 60));
  CHECK_EQ(decide_live(run, raw_key(1, "b", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 60)), RGC_KEEP);
  api.rgc_set_enabled(gc, 1);
  CHECK_EQ(decide_live(run, raw_key(1, "c", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "c", 60)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  api.rgc_set_enabled(gc, 0);
  CHECK_EQ(removals_of_a_row(gc), 0);
  api.rgc_set_enabled(gc, 255);
  CHECK_EQ(removals_of_a_row(gc), 2);
  api.rgc_set_enabled(NULL, 0);
  api.rgc_destroy(gc);
}

struct elsewhere {
  rgc_filter_t* run;
  int removed;
};

static void* decide_elsewhere(void* state) {
  struct elsewhere* at = state;
  CHECK_EQ(decide_live(at->run, raw_key(1, "c", 70)), RGC_KEEP);
  at->removed = decide_live(at->run, raw_key(1, "c", 60)) == RGC_REMOVE;
  return NULL;
}

/* How many of two versions, of which one is garbage, are removed if another thread asks. */
static int removals_on_another_thread(rgc_filter_t* run) {
  struct elsewhere at = {run, -1};
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, decide_elsewhere, &at) == 0);
  REQUIRE(pthread_join(thread, NULL) == 0);
  return at.removed;
}

/* A filter belongs to one thread, from its first decision on. Shared between two threads it keeps
 * everything. */
static void foreign_thread(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_REMOVE);
  api.rgc_set_logger(remember, &log, RGC_LOG_ERROR);
  CHECK_EQ(removals_on_another_thread(run), 0);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  CHECK_EQ(log.lines, 1);
  CHECK_CONTAINS(log.text, "thread");
  CHECK_EQ(decide_live(run, raw_key(1, "a", 50)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "d", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "d", 60)), RGC_KEEP);
  CHECK_EQ(removals_on_another_thread(run), 0);
  CHECK_EQ(stats_of(gc).runs_closed, 1);
  api.rgc_filter_destroy(run);

  /* Made and told of its level here, decided there, destroyed here. */
  run = run_of(gc, RGC_KIND_RAW);
  api.rgc_filter_set_bottommost(run, 0);
  CHECK_EQ(removals_on_another_thread(run), 1);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).runs_closed, 1);
  api.rgc_destroy(gc);
}

/* rgc_destroy may come first: the run goes on with the last safe points. */
static void outlives_the_context(void) {
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
  api.rgc_destroy(gc);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_REMOVE);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 60)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
}

void test_runs(void) {
  created();
  compactions();
  rows();
  stretches();
  order();
  malformed();
  enabled();
  foreign_thread();
  outlives_the_context();
}
