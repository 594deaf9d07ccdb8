/* threads.c - loggers and clocks that the host replaces while other threads use them: when the call
 * returns, the host may free their state. */
#include <pthread.h>
#include <stdatomic.h>

#include "parts.h"

enum { WORKERS = 3, ROUNDS = 60 };
static const uint64_t ALIVE = 0x600dc0de600dc0de;

static atomic_int stop;
static atomic_int logged;
static atomic_int clocked;

static void checked_logger(void* state, int level, const char* message) {
  (void)level;
  CHECK(*(const uint64_t*)state == ALIVE && strlen(message) > 0);
  ++logged;
}

static uint64_t checked_clock(void* state) {
  CHECK(*(const uint64_t*)state == ALIVE);
  ++clocked;
  return 1000;
}

/* Each round logs (a step back), asks the clock (a filter begins), decides, and reads and writes
 * safe points. */
static void* work(void* gc) {
  for (uint64_t round = 1; !stop; ++round) {
    api.rgc_advance_global_safe_point(gc, 1);
    removals_of_a_row(gc);
    api.rgc_advance_keyspace_safe_point(gc, 5, round, NULL);
    stats_of(gc);
    if (round % 64 == 0) api.rgc_free(api.rgc_metrics(gc));
  }
  return NULL;
}

static uint64_t* alive(void) {
  uint64_t* state = malloc(sizeof *state);
  REQUIRE(state != NULL);
  *state = ALIVE;
  return state;
}

static void bury(uint64_t* state) {
  *state = 0;
  free(state);
}

void test_threads(void) {
  rgc_t* gc = gc_at_80("");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  pthread_t workers[WORKERS];
  for (int i = 0; i < WORKERS; ++i) REQUIRE(pthread_create(&workers[i], NULL, work, gc) == 0);
  for (int round = 0; round < ROUNDS; ++round) {
    uint64_t* log_state = alive();
    uint64_t* clock_state = alive();
    int logged_before = logged;
    int clocked_before = clocked;
    api.rgc_set_logger(checked_logger, log_state, RGC_LOG_DEBUG);
    api.rgc_set_clock(gc, checked_clock, clock_state);
    while (logged == logged_before || clocked == clocked_before) sched_yield();
    api.rgc_set_enabled(gc, round & 1);
    api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
    bury(log_state);
    api.rgc_set_clock(gc, NULL, NULL);
    bury(clock_state);
  }
  stop = 1;
  for (int i = 0; i < WORKERS; ++i) REQUIRE(pthread_join(workers[i], NULL) == 0);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.kept + stats.removed, 3 * stats.runs_started);
  CHECK_EQ(stats.runs_closed, 0);
  api.rgc_destroy(gc);
}
