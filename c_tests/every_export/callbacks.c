/* callbacks.c - what a logger and a clock may call, and which calls only log an error there. */
#include "parts.h"

static rgc_t* subject;
static int calls;

static void read_everything(void) {
  rgc_stats_t stats = {.struct_size = sizeof stats};
  api.rgc_stats(subject, &stats);
  api.rgc_free(api.rgc_metrics(subject));
  CHECK(api.rgc_global_safe_point(subject) > 0);
  CHECK_EQ(api.rgc_keyspace_safe_point(subject, 1), 80);
  struct key key = raw_key(1, "a", 1);
  CHECK_EQ(api.rgc_safe_point_for_key(subject, key.data, key.len), 80);
}

static uint64_t other_clock(void* state) {
  (void)state;
  CHECK(!"a clock that was set where it cannot be");
  return 1;
}

static void other_logger(void* state, int level, const char* message) {
  (void)state;
  (void)level;
  (void)message;
  CHECK(!"a logger that was set where it cannot be");
}

static void call_all_that_waits(void) {
  api.rgc_set_logger(other_logger, NULL, RGC_LOG_DEBUG);
  api.rgc_set_clock(subject, other_clock, NULL);
  api.rgc_set_enabled(subject, 0);
  api.rgc_destroy(subject);
}

/* A logger that calls readers, advances, and what it must not. */
static void busy_logger(void* state, int level, const char* message) {
  (void)level;
  (void)message;
  ++*(int*)state;
  read_everything();
  uint64_t before = api.rgc_global_safe_point(subject);
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, before + 1), 1);
  /* Would be logged; is lost, and does not come back here. */
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, 1), 0);
  call_all_that_waits();
}

static void logger(void) {
  subject = gc_at_80("");
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, 50), 1);
  calls = 0;
  api.rgc_set_logger(busy_logger, &calls, RGC_LOG_DEBUG);
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, 1), 0);
  CHECK_EQ(calls, 1);
  CHECK_EQ(removals_of_a_row(subject), 2);
  CHECK(calls > 1);
  /* In the middle of a run: a value that does not parse, a key out of order. */
  int before = calls;
  rgc_filter_t* run = run_of(subject, RGC_KIND_RAW);
  decide(run, raw_key(1, "b", 70), BYTES("\xff"));
  decide_live(run, raw_key(1, "a", 70));
  CHECK_EQ(calls, before + 2);
  api.rgc_filter_destroy(run);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  api.rgc_destroy(subject);
}

static uint64_t busy_clock(void* state) {
  ++*(int*)state;
  read_everything();
  call_all_that_waits();
  return 1000;
}

static void clock_callback(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  subject = gc_at_80("");
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, 50), 1);
  calls = 0;
  api.rgc_set_clock(subject, busy_clock, &calls);
  api.rgc_set_logger(remember, &log, RGC_LOG_ERROR);
  CHECK_EQ(removals_of_a_row(subject), 2);
  CHECK_EQ(calls, 1);
  CHECK_EQ(removals_of_a_row(subject), 2);
  CHECK_EQ(calls, 2);
  CHECK_CONTAINS(log.text, "rgc_set_logger");
  CHECK_CONTAINS(log.text, "rgc_set_clock");
  CHECK_CONTAINS(log.text, "rgc_set_enabled");
  CHECK_CONTAINS(log.text, "rgc_destroy");
  CHECK_EQ(log.highest_level, RGC_LOG_ERROR);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  api.rgc_set_clock(subject, NULL, NULL);
  CHECK_EQ(removals_of_a_row(subject), 2);
  CHECK_EQ(calls, 2);
  api.rgc_destroy(subject);
}

/* The clock is called once a run, and with a bound on safe points once an advance. */
static uint64_t counting_clock(void* state) {
  ++*(int*)state;
  return 1000;
}

static void how_often(void) {
  int count = 0;
  rgc_t* gc = gc_at_80("");
  api.rgc_set_clock(gc, counting_clock, &count);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  for (uint64_t ts = 70; ts > 0; --ts) decide(run, raw_key(1, "a", ts), BYTES("\0\0\0\0\0\0\0\0\1"));
  api.rgc_filter_destroy(run);
  CHECK_EQ(count, 1);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 9), 1);
  CHECK_EQ(count, 1);
  api.rgc_destroy(gc);

  count = 0;
  gc = gc_with("max_safe_point_ahead_seconds=5");
  api.rgc_set_clock(gc, counting_clock, &count);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 9), 1);
  CHECK_EQ(count, 1);
  static const uint32_t ids[] = {1, 2, 3};
  static const uint64_t ts[] = {1, 2, 3};
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, ts, 3, errptr), 3));
  CHECK_EQ(count, 2);
  api.rgc_destroy(gc);
  CHECK_EQ(count, 2);
}

void test_callbacks(void) {
  logger();
  clock_callback();
  how_often();
}
