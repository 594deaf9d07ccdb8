/* safe_points.c - safe points only move forward, to valid numbers, for valid keyspaces. */
#include "parts.h"

static void global(void) {
  rgc_t* gc = gc_with("");
  CHECK_EQ(api.rgc_global_safe_point(gc), 0);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 0), 0);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, UINT64_MAX), 0);
  CHECK_EQ(stats_of(gc).safe_points_refused, 2);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 0);
  CHECK_EQ(stats_of(gc).safe_points_refused, 2);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 49), 0);
  CHECK_EQ(stats_of(gc).safe_points_refused, 3);
  CHECK_EQ(api.rgc_global_safe_point(gc), 50);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, UINT64_MAX - 1), 1);
  CHECK_EQ(api.rgc_global_safe_point(gc), UINT64_MAX - 1);
  api.rgc_destroy(gc);
  CHECK_EQ(api.rgc_advance_global_safe_point(NULL, 50), 0);
  CHECK_EQ(api.rgc_global_safe_point(NULL), 0);
}

static unsigned char advance(rgc_t* gc, uint32_t keyspace, uint64_t ts) {
  unsigned char moved = 77;
  SUCCEEDS(moved = api.rgc_advance_keyspace_safe_point(gc, keyspace, ts, errptr));
  return moved;
}

static void own(void) {
  rgc_t* gc = gc_with("");
  /* Before the type: stored, used once it is named keyspace level. */
  CHECK_EQ(advance(gc, 7, 70), 1);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 7), 0);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 7, RGC_GC_KEYSPACE_LEVEL, errptr));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 7), 70);
  CHECK_EQ(advance(gc, 7, 70), 0);
  CHECK_EQ(stats_of(gc).safe_points_refused, 0);
  CHECK_EQ(advance(gc, 7, 69), 0);
  CHECK_EQ(stats_of(gc).safe_points_refused, 1);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 7), 70);

  char* error = NULL;
  CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 7, 0, &error), 0);
  check_error(error, __FILE__, __LINE__, "safe point 0", "Invalid argument", "0", NULL);
  CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 7, UINT64_MAX, &error), 0);
  check_error(error, __FILE__, __LINE__, "safe point max", "Invalid argument", "18446744073709551615", NULL);
  CHECK_EQ(stats_of(gc).safe_points_refused, 3);

  /* The highest keyspace, and the first number behind it. */
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 16777215, RGC_GC_KEYSPACE_LEVEL, errptr));
  CHECK_EQ(advance(gc, 16777215, 9), 1);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 16777215), 9);
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 16777216, 9, errptr), 0), "Invalid argument", "16777216");
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, RGC_KEYSPACE_NONE, 9, errptr), 0), "Invalid argument", "4294967295");
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 16777216), 0);
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_point(NULL, 1, 9, errptr), 0), "Invalid argument", "NULL");
  CHECK_EQ(api.rgc_keyspace_safe_point(NULL, 1), 0);
  api.rgc_destroy(gc);
}

static void batches(void) {
  rgc_t* gc = gc_with("");
  static const uint32_t ids[] = {1, 2, 16777215, 1};
  static const uint64_t ts[] = {10, 20, 30, 15};
  SUCCEEDS(api.rgc_set_keyspace_gc_types(gc, ids, 4, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, ts, 4, errptr), 4));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 15);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 16777215), 30);
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, NULL, NULL, 0, errptr), 0));
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, ts, 0, errptr), 0));

  /* A step back is no error: the others move. */
  static const uint64_t later[] = {16, 19, 31, 15};
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, later, 4, errptr), 2));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 2), 20);
  CHECK_EQ(stats_of(gc).safe_points_refused, 2);

  /* An error is: nothing changes, and the pair is named. */
  static const uint32_t bad_id[] = {1, 2, 16777216};
  static const uint64_t bad_ts[] = {500, UINT64_MAX, 500};
  static const uint64_t zero_ts[] = {0, 500, 500};
  static const uint64_t high[] = {500, 500, 500};
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, bad_id, high, 3, errptr), 0), "Invalid argument", " 2", "16777216");
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, bad_ts, 3, errptr), 0), "Invalid argument", " 1", "18446744073709551615");
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, zero_ts, 3, errptr), 0), "Invalid argument", " 0");
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, NULL, high, 3, errptr), 0), "Invalid argument");
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, NULL, 3, errptr), 0), "Invalid argument");
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, high, SIZE_MAX, errptr), 0), "Invalid argument");
  FAILS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(NULL, ids, high, 3, errptr), 0), "Invalid argument", "NULL");
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 16);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 2), 20);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 16777215), 31);
  api.rgc_destroy(gc);
}

/* max_safe_point_ahead_seconds: the physical part, ts >> 18 in milliseconds, against the clock. */
static void ahead(void) {
  rgc_t* gc = gc_with("max_safe_point_ahead_seconds=10");
  uint64_t now = 1000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  const uint64_t limit = (uint64_t)1010 * 1000 << 18;
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, limit + ((uint64_t)1 << 18)), 0);
  char* error = NULL;
  CHECK_EQ(api.rgc_advance_keyspace_safe_point(gc, 1, limit + ((uint64_t)1 << 18), &error), 0);
  check_error(error, __FILE__, __LINE__, "too far ahead", "Invalid argument", "max_safe_point_ahead_seconds", NULL);
  CHECK_EQ(stats_of(gc).safe_points_refused, 2);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, limit), 1);
  CHECK_EQ(advance(gc, 1, limit), 1);
  /* An unknown time: no bound on safe points can be met. */
  now = 0;
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, limit + 1), 0);
  CHECK_EQ(stats_of(gc).safe_points_refused, 3);
  api.rgc_destroy(gc);

  gc = gc_with("max_safe_point_ahead_seconds=10");
  api.rgc_set_clock(gc, fixed_clock, &now);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 5), 0);
  api.rgc_destroy(gc);
}

static uint64_t of_key(const rgc_t* gc, struct key key) { return api.rgc_safe_point_for_key(gc, key.data, key.len); }

static void of_keys(void) {
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  CHECK_EQ(of_key(gc, raw_key(1, "k", 9)), 80);
  CHECK_EQ(of_key(gc, mode_key('x', 1, "k", 9)), 80);
  CHECK_EQ(of_key(gc, raw_key(2, "k", 9)), 50);
  CHECK_EQ(of_key(gc, raw_key(3, "k", 9)), 0);
  CHECK_EQ(of_key(gc, stored_key(BYTES("m"), 9)), 50);
  CHECK_EQ(of_key(gc, stored_key(BYTES("t_r_1_2_3_4"), 9)), 50);
  CHECK_EQ(of_key(gc, stored_key(BYTES("q\0\0\1k"), 9)), 0);
  CHECK_EQ(of_key(gc, stored_key(BYTES("r\0\0"), 9)), 0);
  struct key key = raw_key(1, "k", 9);
  for (size_t len = 0; len < key.len; ++len) CHECK_EQ(api.rgc_safe_point_for_key(gc, key.data, len), 0);
  CHECK_EQ(api.rgc_safe_point_for_key(gc, key.data, key.len + 1), 0);
  CHECK_EQ(api.rgc_safe_point_for_key(gc, BYTES("\1rocks_gc/anything, longer than a key")), 0);
  CHECK_EQ(api.rgc_safe_point_for_key(gc, NULL, 0), 0);
  CHECK_EQ(api.rgc_safe_point_for_key(gc, NULL, 9), 0);
  CHECK_EQ(api.rgc_safe_point_for_key(NULL, key.data, key.len), 0);
  api.rgc_destroy(gc);
}

void test_safe_points(void) {
  global();
  own();
  batches();
  ahead();
  of_keys();
}
