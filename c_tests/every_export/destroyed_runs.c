/* destroyed_runs.c - what runs drop of destroyed ranges. */
#include "attached.h"
#include "parts.h"

#define OF(key) (key).data, (key).len

static const int kinds[] = {RGC_KIND_DROPPED_ONLY, RGC_KIND_RAW, RGC_KIND_TXN, RGC_KIND_TTL_V1};
static const int types[] = {RGC_VALUE, RGC_MERGE_OPERAND, RGC_BLOB_INDEX, RGC_WIDE_COLUMNS, 77, -1};

static int decide_any(rgc_filter_t* run, int type, const char* key, size_t len) {
  return api.rgc_filter_decide(run, 0, type, key, len, BYTES("\xff"), NULL, NULL);
}

static int is_dropped(const char* key, size_t len, struct key start, struct key end) {
  return bytes_compare(key, len, OF(start)) >= 0 && bytes_compare(key, len, OF(end)) < 0;
}

/* Keys around the range, in order, of the layout and not. */
static const char* const around[] = {"", "\1rocks_gc/d", "a", "m1", "r", "r\1", "range0", "range0\xff", "range1", "range1\1", "range9",
                                     "range9\xff\xff\xff\xff\xff\xff\xff\xff\xff", "rangea", "rangeb", "z"};

static void every_kind(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  struct key start = key_of(BYTES("range1"));
  struct key end = key_of(BYTES("rangea"));
  /* Nothing is to be dropped, and then something is. */
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  CHECK_EQ(stats_of(gc).filters_not_needed, 1);
  attach(gc, engine, 1);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
  uint64_t dropped = 0;
  for (size_t k = 0; k < 4; ++k) {
    for (size_t t = 0; t < sizeof types / sizeof *types; ++t) {
      rgc_filter_t* run = run_of(gc, kinds[k]);
      for (size_t i = 0; i < sizeof around / sizeof *around; ++i) {
        int goes = is_dropped(around[i], strlen(around[i]), start, end);
        CHECK_EQ(decide_any(run, types[t], around[i], strlen(around[i])), goes ? RGC_REMOVE : RGC_KEEP);
        dropped += (uint64_t)goes;
      }
      api.rgc_filter_destroy(run);
    }
    /* By the key alone. */
    rgc_filter_t* run = run_of(gc, kinds[k]);
    for (size_t i = 0; i < sizeof around / sizeof *around; ++i) {
      int verdict = api.rgc_filter_decide_by_key(run, 0, around[i], strlen(around[i]), NULL, NULL);
      int goes = is_dropped(around[i], strlen(around[i]), start, end);
      if (goes) CHECK_EQ(verdict, RGC_REMOVE);
      else CHECK(verdict == RGC_KEEP || verdict == RGC_UNDETERMINED);
      dropped += (uint64_t)goes;
    }
    /* The same key again. */
    CHECK_EQ(decide_any(run, RGC_VALUE, "z", 1), RGC_KEEP);
    api.rgc_filter_destroy(run);
    /* Through RocksDB's callback. */
    run = run_of(gc, kinds[k]);
    unsigned char changed = 1;
    char* value = NULL;
    size_t value_len = 0;
    CHECK_EQ(api.rgc_filter_callback(run, 0, "range2", 6, "", 0, &value, &value_len, &changed), 1);
    CHECK_EQ(api.rgc_filter_callback(run, 0, "rangea", 6, "", 0, &value, &value_len, &changed), 0);
    CHECK_EQ(changed, 0);
    ++dropped;
    api.rgc_filter_destroy(run);
  }
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.dropped, dropped);
  CHECK_EQ(stats.late_dropped, dropped);
  CHECK_EQ(stats.removed, dropped);
  CHECK_EQ(stats.runs_closed, 0);
  /* Without the store nothing is dropped: another ledger may come. */
  api.rgc_detach(gc);
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  rgc_filter_t* run = NULL;
  api.rgc_destroy(gc);
  gc = gc_with("");
  attach(gc, engine, 1);
  CHECK_EQ(api.rgc_destroyed_count(gc), 1);
  for (size_t k = 0; k < 4; ++k) {
    run = run_of(gc, kinds[k]);
    CHECK_EQ(decide_any(run, RGC_VALUE, "range1", 6), RGC_REMOVE);
    api.rgc_filter_destroy(run);
  }
  /* Once it is forgotten everything stays. A run that is on may see it at its next row. */
  SUCCEEDS(api.rgc_release_destroyed(gc, OF(start), OF(end), errptr));
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 1), 1);
  run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_any(run, RGC_VALUE, "range1", 6), RGC_KEEP);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).dropped, 4);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* What is dropped is never the newest of its row. */
static void rows(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  struct key start = raw_key(1, "b", 79);
  struct key end = raw_key(1, "b", 75);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_REMOVE);
  for (uint64_t ts = 79; ts > 75; --ts) CHECK_EQ(decide_live(run, raw_key(1, "b", ts)), RGC_REMOVE);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 75)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 74)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  /* Nor is it handed over. */
  run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide(run, raw_key(1, "b", 78), BYTES("\2")), RGC_REMOVE);
  CHECK_EQ(decide_live(run, raw_key(1, "c", 78)), RGC_KEEP);
  api.rgc_filter_destroy(run);
  drain(gc);
  CHECK_EQ(stats_of(gc).rows_queued, 0);
  CHECK_EQ(stats_of(gc).dropped, 5);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* In a run that is known to be bottommost a range may go by one skip, never beyond its end. */
static void skips(void) {
  static const char* const modes[] = {"remove_mode=skip", "remove_mode=remove", "remove_mode=auto"};
  for (size_t i = 0; i < 3; ++i) {
    rgc_t* gc = gc_at_80(modes[i]);
    struct mem_engine* engine = engine_new();
    attach(gc, engine, 1);
    struct key start = raw_key(1, "b", 0);
    struct key end = raw_key(1, "c", 50);
    SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
    for (int is_bottommost = -1; is_bottommost <= 1; ++is_bottommost) {
      rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
      api.rgc_filter_set_bottommost(run, is_bottommost);
      decide_live(run, raw_key(1, "a", 90));
      for (int key = 0; key < 20; ++key) {
        struct key here = raw_key(1, "b1", (uint64_t)(100 - key));
        const char* until = "untouched";
        size_t until_len = 9;
        int verdict = api.rgc_filter_decide(run, 6, RGC_VALUE, OF(here), BYTES("v\0"), &until, &until_len);
        if (verdict == RGC_REMOVE_AND_SKIP_UNTIL) {
          CHECK(is_bottommost == 1 && i != 1);
          CHECK(bytes_compare(until, until_len, OF(here)) > 0);
          CHECK(bytes_compare(until, until_len, OF(end)) <= 0);
        } else {
          CHECK_EQ(verdict, RGC_REMOVE);
          CHECK(until == NULL && until_len == 0);
        }
      }
      CHECK_EQ(decide_live(run, end), RGC_KEEP);
      api.rgc_filter_destroy(run);
    }
    api.rgc_destroy(gc);
    engine_free(engine);
  }
}

/* Late data in compactions: it goes, whatever its kind and level. */
static void late_data(void) {
  rgc_t* gc = gc_with("");
  struct mem_engine* engine = engine_new();
  struct mem_store* store = engine->store;
  struct key start = raw_key(1, "b", 0);
  struct key end = raw_key(1, "d", 0);
  start.len -= 8;
  end.len -= 8;
  mem_judge(store, CF_DEFAULT, gc, RGC_KIND_RAW);
  mem_judge(store, CF_WRITE, gc, RGC_KIND_TXN);
  mem_judge(store, CF_LOCK, gc, RGC_KIND_DROPPED_ONLY);
  mem_judge(store, CF_RAFT, gc, RGC_KIND_DROPPED_ONLY);
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) {
    mem_put(store, cf, raw_key(1, "a", 9), BYTES("x"));
    mem_put(store, cf, raw_key(1, "b", 9), BYTES("x"));
    mem_put(store, cf, raw_key(1, "c", 90), BYTES("x"));
    mem_put(store, cf, raw_key(1, "d", 9), BYTES("x"));
  }
  pthread_mutex_lock(&engine->turn);
  mem_compact_all(store);
  pthread_mutex_unlock(&engine->turn);
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) {
    CHECK_EQ(mem_count_all(store, cf), 2);
    CHECK_EQ(mem_count(store, cf, start, end), 0);
  }
  /* What a skip passes is not counted. */
  uint64_t late = stats_of(gc).late_dropped;
  CHECK(late >= 4 && late <= 8);
  /* A reusable range belongs to its new owner at once. */
  SUCCEEDS(api.rgc_release_destroyed(gc, OF(start), OF(end), errptr));
  SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), RGC_DESTROY_REUSABLE, NULL, errptr));
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) mem_put(store, cf, raw_key(1, "c", 100), BYTES("x"));
  pthread_mutex_lock(&engine->turn);
  mem_compact_all(store);
  pthread_mutex_unlock(&engine->turn);
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) CHECK_EQ(mem_count_all(store, cf), 3);
  CHECK_EQ(stats_of(gc).late_dropped, late);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* The worker leaves the rows of a destroyed range alone. */
static void* destroy_elsewhere(void* gc) {
  struct key start = raw_key(1, "a", 0);
  struct key end = raw_key(1, "c", 0);
  start.len -= 8;
  SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
  return NULL;
}

static void waiting_rows(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide(run, raw_key(1, "b", 70), BYTES("\2")), RGC_KEEP);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, destroy_elsewhere, gc) == 0);
  pthread_join(thread, NULL);
  CHECK_EQ(api.rgc_destroyed_count(gc), 1);
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "b", 70), BYTES("\2"));
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "b", 60), BYTES("v\0"));
  engine_forget(engine);
  api.rgc_filter_destroy(run);
  drain(gc);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  CHECK_EQ(engine_calls(engine, WRITE), 0);
  CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT), 2 + 1);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued, stats.rows_done + stats.rows_deferred);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_destroyed_runs(void) {
  every_kind();
  rows();
  skips();
  late_data();
  waiting_rows();
}
