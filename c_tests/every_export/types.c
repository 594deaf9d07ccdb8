/* types.c - the first type of a keyspace is fixed, and a paused keyspace is kept until it is
 * registered again. */
#include "parts.h"

static void first_stands(void) {
  rgc_t* gc = gc_with("");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_KEYSPACE_LEVEL, errptr));
  char* error = CHECK_GARBAGE;
  api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_GLOBAL, &error);
  check_error(error, __FILE__, __LINE__, "another type", "Invalid argument", "3", "keyspace level", "global", NULL);
  CHECK_EQ(stats_of(gc).gc_types_refused, 1);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 0, RGC_GC_GLOBAL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, RGC_KEYSPACE_MAX, RGC_GC_GLOBAL, errptr));
  FAILS(api.rgc_set_keyspace_gc_type(gc, 0, RGC_GC_KEYSPACE_LEVEL, errptr), "Invalid argument", "keyspace level", "global");
  FAILS(api.rgc_set_keyspace_gc_type(gc, 16777216, RGC_GC_GLOBAL, errptr), "Invalid argument", "16777216");
  FAILS(api.rgc_set_keyspace_gc_type(gc, 4, 2, errptr), "Invalid argument", "2");
  FAILS(api.rgc_set_keyspace_gc_type(gc, 4, -1, errptr), "Invalid argument", "-1");
  FAILS(api.rgc_set_keyspace_gc_type(NULL, 4, RGC_GC_GLOBAL, errptr), "Invalid argument", "NULL");
  api.rgc_destroy(gc);
}

static void batches(void) {
  rgc_t* gc = gc_with("");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  static const uint32_t ids[] = {10, 11, 12};
  static const uint32_t out_of_range[] = {13, 14, 16777216};
  static const uint32_t conflict[] = {13, 11};
  SUCCEEDS(api.rgc_set_keyspace_gc_types(gc, ids, 3, RGC_GC_GLOBAL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_types(gc, NULL, 0, RGC_GC_GLOBAL, errptr));
  FAILS(api.rgc_set_keyspace_gc_types(gc, out_of_range, 3, RGC_GC_GLOBAL, errptr), "Invalid argument", " 2", "16777216");
  char* error = CHECK_GARBAGE;
  api.rgc_set_keyspace_gc_types(gc, conflict, 2, RGC_GC_KEYSPACE_LEVEL, &error);
  check_error(error, __FILE__, __LINE__, "another type", "Invalid argument", " 1", "11", "keyspace level", "global", NULL);
  CHECK_EQ(stats_of(gc).gc_types_refused, 1);
  FAILS(api.rgc_set_keyspace_gc_types(gc, NULL, 2, RGC_GC_GLOBAL, errptr), "Invalid argument");
  FAILS(api.rgc_set_keyspace_gc_types(gc, ids, 3, 7, errptr), "Invalid argument", "7");
  FAILS(api.rgc_set_keyspace_gc_types(NULL, ids, 3, RGC_GC_GLOBAL, errptr), "Invalid argument", "NULL");
  /* All or nothing: 13 and 14 are still unnamed. */
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 13), 0);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 14), 0);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 12), 50);
  api.rgc_destroy(gc);
}

/* Registered at keyspace level when the global safe point may have judged it: the library accepts,
 * counts and warns. */
static void too_late(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  rgc_t* gc = gc_with("unknown_keyspace=global");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 2), 50);
  api.rgc_set_logger(remember, &log, RGC_LOG_WARN);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_GLOBAL, errptr));
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 2), 0);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 3), 50);
  CHECK_EQ(stats_of(gc).gc_types_refused, 1);
  CHECK_EQ(log.lines, 1);
  CHECK_EQ(log.highest_level, RGC_LOG_WARN);
  api.rgc_destroy(gc);
}

static void removed(void) {
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  CHECK_EQ(removals_of_a_row(gc), 2);
  for (int twice = 0; twice < 2; ++twice) {
    for (uint32_t keyspace = 1; keyspace <= 3; ++keyspace) SUCCEEDS(api.rgc_pause_keyspace(gc, keyspace, errptr));
  }
  for (uint32_t keyspace = 1; keyspace <= 3; ++keyspace) CHECK_EQ(api.rgc_keyspace_safe_point(gc, keyspace), 0);
  CHECK_EQ(removals_of_a_row(gc), 0);

  /* Safe points of a removed keyspace: no error, no effect, counted. */
  uint64_t refused = stats_of(gc).safe_points_refused;
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 1, 90, errptr), 0));
  CHECK_EQ(stats_of(gc).safe_points_refused, refused + 1);

  /* A keyspace with a type accepts only the same type; one without accepts any. Its own safe point
   * starts at 0; the global one is effective at once. */
  FAILS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_GLOBAL, errptr), "Invalid argument", "keyspace level", "global");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_KEYSPACE_LEVEL, errptr));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 0);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 2), 50);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 3), 0);
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 1, 65, errptr), 1));
  CHECK_EQ(removals_of_a_row(gc), 1);

  FAILS(api.rgc_pause_keyspace(gc, 16777216, errptr), "Invalid argument", "16777216");
  FAILS(api.rgc_pause_keyspace(NULL, 1, errptr), "Invalid argument", "NULL");
  api.rgc_destroy(gc);
}

/* A run that is on follows a removal from its next row on. */
static void removed_in_a_run(void) {
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 90)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_REMOVE);
  SUCCEEDS(api.rgc_pause_keyspace(gc, 1, errptr));
  CHECK_EQ(decide_live(run, raw_key(1, "b", 90)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 70)), RGC_KEEP);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

void test_types_and_removals(void) {
  first_stands();
  batches();
  too_late();
  removed();
  removed_in_a_run();
}
