/* worker_limits.c - a full queue, stores that stall or fail, rows that must wait, and a worker with
 * a rate limit. */
#define _GNU_SOURCE
#include <time.h>

#include "attached.h"
#include "parts.h"

#define LIVE BYTES("v\0")
#define MARK BYTES("\2")

static uint64_t milliseconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void full_queue(void) {
  rgc_t* gc = gc_at_80("worker_queue_max_rows=2");
  struct mem_engine* engine = engine_new();
  static const char* const keys[] = {"a", "b", "c", "d", "e"};
  for (size_t i = 0; i < 5; ++i) put_dead_row(engine, keys[i], 2);
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  CHECK_EQ(stats_of(gc).rows_deferred, 5); /* no store */
  attach(gc, engine, 2);
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued, 2);
  CHECK_EQ(stats.rows_done, 2);
  CHECK_EQ(stats.rows_deferred, 5 + 3);
  CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT), 9);
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT), 0);
  CHECK_EQ(stats_of(gc).rows_queued, 5);
  /* A family without the role, and a store without the family. */
  api.rgc_detach(gc);
  attach(gc, engine, 1);
  put_deleted_row(engine, "a", 2);
  run_over(gc, engine, CF_WRITE, RGC_KIND_TXN);
  drain(gc);
  CHECK_EQ(mem_count_all(engine->store, CF_WRITE), 3);
  CHECK_EQ(stats_of(gc).rows_deferred, 5 + 3 + 1 + 1);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Runs in keyspace 1 until it must hand a row over, and stays there. */
static rgc_filter_t* run_with_a_dead_row(rgc_t* gc, struct mem_engine* engine, const char* user_key) {
  put_dead_row(engine, user_key, 3);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide(run, raw_key(1, user_key, 70), MARK), RGC_KEEP);
  return run;
}

static void* drain_elsewhere(void* gc) {
  uint64_t before = milliseconds();
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 0, errptr), 1));
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 50, errptr), 1));
  uint64_t took = milliseconds() - before;
  CHECK(took >= 40 && took < 5000);
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  return NULL;
}

static void waiting(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 0, errptr), 0));
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, UINT64_MAX, errptr), 0));
  rgc_filter_t* run = run_with_a_dead_row(gc, engine, "a");
  decide_live(run, raw_key(1, "z", 90));
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, drain_elsewhere, gc) == 0);
  pthread_join(thread, NULL);
  api.rgc_filter_destroy(run);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, UINT64_MAX, errptr), 0));
  CHECK_EQ(left_of(engine, "a"), 0);
  api.rgc_detach(gc);

  /* What still waits when the store goes is left. */
  attach(gc, engine, 2);
  put_dead_row(engine, "b", 3);
  engine->is_stalled = 1;
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 30, errptr), 1));
  CHECK_EQ(left_of(engine, "b"), 4);
  api.rgc_detach(gc);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued, 2);
  CHECK_EQ(stats.rows_done, 1);
  CHECK_EQ(stats.rows_deferred, 1);
  CHECK_EQ(left_of(engine, "b"), 4);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Stalls, and writes that are refused for a while. */
static void stalls(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  put_dead_row(engine, "a", 3);
  engine->is_stalled = 1;
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  pause_a_little();
  CHECK_EQ(left_of(engine, "a"), 4);
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  pthread_mutex_lock(&engine->turn);
  engine->is_stalled = 0;
  pthread_mutex_unlock(&engine->turn);
  drain(gc);
  CHECK_EQ(left_of(engine, "a"), 0);
  put_dead_row(engine, "b", 3);
  engine->busy[WRITE] = 3;
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  CHECK_EQ(engine->busy[WRITE], 0);
  CHECK_EQ(left_of(engine, "b"), 0);
  CHECK_EQ(stats_of(gc).rows_done, 2);
  CHECK_EQ(stats_of(gc).rows_deferred, 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Every call fails in turn, in every way: what is left reads dead, and a later run ends it. */
static void failures(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  rgc_t* gc = gc_at_80("delete_batch_bytes=64");
  struct mem_engine* engine = engine_new();
  api.rgc_set_logger(remember, &log, RGC_LOG_WARN);
  size_t failures = 0;
  for (int how = WITH_TEXT; how <= UNKNOWN; ++how) {
    for (long n = 0;; ++n) {
      REQUIRE(n < 200);
      attach(gc, engine, 2);
      put_dead_row(engine, "a", 6);
      put_deleted_row(engine, "b", 4);
      rgc_stats_t before = stats_of(gc);
      rgc_filter_t* run = run_of(gc, n % 2 == 0 ? RGC_KIND_RAW : RGC_KIND_TXN);
      if (n % 2 == 0) decide(run, raw_key(1, "a", 70), MARK);
      else decide(run, record_key("b", 70), BYTES("D\x45"));
      engine_fail(engine, ANY, how, n / 2);
      api.rgc_filter_destroy(run);
      drain(gc);
      size_t failed = engine->failed;
      engine_forget(engine);
      rgc_stats_t after = stats_of(gc);
      CHECK_EQ(after.rows_queued - before.rows_queued, 1);
      CHECK_EQ(after.rows_done + after.rows_deferred - before.rows_done - before.rows_deferred, 1);
      check_reads_dead(engine, CF_DEFAULT, raw_key(1, "a", 70), left_of(engine, "a"));
      check_reads_dead(engine, CF_WRITE, record_key("b", 70), mem_count_all(engine->store, CF_WRITE));
      /* No record without its value, no value without its record. */
      size_t values = mem_count(engine->store, CF_DEFAULT, record_key("b", 69), record_key("b", 0));
      CHECK_EQ(values, mem_count(engine->store, CF_WRITE, record_key("b", 69), record_key("b", 0)));
      if (after.rows_done == before.rows_done) ++failures;
      /* After a failure the worker rests for longer and longer; a new one does not. */
      api.rgc_detach(gc);
      attach(gc, engine, 2);
      run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
      run_over(gc, engine, CF_WRITE, RGC_KIND_TXN);
      drain(gc);
      CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT) + mem_count_all(engine->store, CF_WRITE), 0);
      api.rgc_detach(gc);
      if (failed == 0 && n % 2 == 1) break;
    }
  }
  CHECK(failures > 20);
  CHECK_CONTAINS(log.text, "No space left on device");
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued, stats.rows_done + stats.rows_deferred + stats.rows_left_unparsed);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* While nothing may be collected, the worker rests, too. */
static void resting(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  rgc_filter_t* run = run_with_a_dead_row(gc, engine, "a");
  decide_live(run, raw_key(1, "z", 90));
  set_enabled_elsewhere(gc, 0);
  api.rgc_filter_destroy(run);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 60, errptr), 1));
  CHECK_EQ(left_of(engine, "a"), 4);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  CHECK_EQ(left_of(engine, "a"), 0);
  /* A keyspace that is removed keeps everything. */
  run = run_with_a_dead_row(gc, engine, "b");
  decide_live(run, raw_key(1, "z", 90));
  remove_keyspace_1_elsewhere(gc);
  api.rgc_filter_destroy(run);
  drain(gc);
  CHECK_EQ(left_of(engine, "b"), 4);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, 1, 70, errptr)));
  /* At its safe point the mark stays, too. */
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  CHECK_EQ(left_of(engine, "b"), 4);
  SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, 1, 71, errptr)));
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  CHECK_EQ(left_of(engine, "b"), 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void slowly(void) {
  rgc_t* gc = gc_at_80("delete_bytes_per_second=4000;delete_batch_bytes=200");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  put_dead_row(engine, "a", 69); /* 70 keys of 17 bytes */
  uint64_t before = milliseconds();
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  uint64_t took = milliseconds() - before;
  CHECK(took >= 100 && took < 10000);
  CHECK_EQ(left_of(engine, "a"), 0);
  /* Detach does not wait for what is left of the second. */
  put_dead_row(engine, "b", 69);
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  api.rgc_detach(gc);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  check_reads_dead(engine, CF_DEFAULT, raw_key(1, "b", 70), left_of(engine, "b"));
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_worker_limits(void) {
  full_queue();
  waiting();
  stalls();
  failures();
  resting();
  slowly();
}
