/* parts.c - see parts.h. */
#define _GNU_SOURCE
#include "parts.h"

#include <pthread.h>
#include <time.h>

rgc_t* gc_with(const char* options) {
  rgc_options_t* chosen = api.rgc_options_create();
  rgc_t* gc = NULL;
  SUCCEEDS(api.rgc_options_parse(chosen, options, errptr));
  SUCCEEDS(gc = api.rgc_create(chosen, errptr));
  api.rgc_options_destroy(chosen);
  REQUIRE(gc != NULL);
  return gc;
}

rgc_t* gc_at_80(const char* options) {
  rgc_t* gc = gc_with(options);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, 1, 80, errptr)));
  return gc;
}

rgc_stats_t stats_of(const rgc_t* gc) {
  rgc_stats_t stats;
  memset(&stats, 0xee, sizeof stats);
  stats.struct_size = sizeof stats;
  api.rgc_stats(gc, &stats);
  CHECK_EQ(stats.struct_size, sizeof stats);
  return stats;
}

rgc_filter_t* run_of(rgc_t* gc, int kind) {
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, kind, NULL, errptr));
  REQUIRE(run != NULL);
  return run;
}

int decide(rgc_filter_t* run, struct key key, const char* value, size_t value_len) {
  const char* skip_until = "untouched";
  size_t skip_until_len = 77;
  int verdict = api.rgc_filter_decide(run, 0, RGC_VALUE, key.data, key.len, value, value_len, &skip_until, &skip_until_len);
  CHECK(skip_until == NULL && skip_until_len == 0);
  return verdict;
}

int decide_live(rgc_filter_t* run, struct key key) { return decide(run, key, BYTES("v\0")); }

int removals_of_a_row(rgc_t* gc) {
  char* error = NULL;
  rgc_filter_t* run = api.rgc_filter_create(gc, RGC_KIND_RAW, NULL, &error);
  CHECK(error == NULL);
  int removed = 0;
  for (uint64_t ts = 100; ts >= 60; ts -= ts == 100 ? 30 : 10) removed += decide_live(run, raw_key(1, "row", ts)) == RGC_REMOVE;
  api.rgc_filter_destroy(run);
  return removed;
}

void remember(void* state, int level, const char* message) {
  static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
  struct log* log = state;
  CHECK(level >= RGC_LOG_ERROR && level <= RGC_LOG_DEBUG);
  CHECK(strpbrk(message, "\r\n") == NULL);
  pthread_mutex_lock(&turn);
  ++log->lines;
  if (level > log->highest_level) log->highest_level = level;
  size_t used = strlen(log->text);
  snprintf(log->text + used, sizeof log->text - used, "%d %s\n", level, message);
  pthread_mutex_unlock(&turn);
}

struct elsewhere {
  rgc_t* gc;
  int enabled; /* < 0: remove keyspace 1 instead */
};

static void* call_elsewhere(void* state) {
  const struct elsewhere* call = state;
  if (call->enabled < 0) {
    SUCCEEDS(api.rgc_pause_keyspace(call->gc, 1, errptr));
  } else {
    CHECK_EQ(api.rgc_set_enabled(call->gc, (unsigned char)call->enabled), 1);
  }
  return NULL;
}

static void elsewhere(rgc_t* gc, int enabled) {
  struct elsewhere call = {gc, enabled};
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, call_elsewhere, &call) == 0);
  pthread_join(thread, NULL);
}

void set_enabled_elsewhere(rgc_t* gc, int enabled) { elsewhere(gc, enabled); }

void remove_keyspace_1_elsewhere(rgc_t* gc) { elsewhere(gc, -1); }

uint64_t fixed_clock(void* seconds) { return *(const uint64_t*)seconds; }

void pause_a_little(void) { nanosleep(&(struct timespec){0, 60 * 1000 * 1000}, NULL); }
