/* barriers.c - what barriers hold back, when they let go, and which are refused. */
#include "parts.h"

struct barriers {
  size_t n, stop_at;
  rgc_barrier_info_t info[16];
  char names[16][256];
};

static int take(void* state, const rgc_barrier_info_t* info) {
  struct barriers* seen = state;
  CHECK_EQ(info->struct_size, sizeof *info);
  REQUIRE(seen->n < 16);
  seen->info[seen->n] = *info;
  snprintf(seen->names[seen->n], sizeof *seen->names, "%s", info->name);
  ++seen->n;
  return seen->n == seen->stop_at;
}

static unsigned char delete(rgc_t* gc, uint32_t keyspace, const char* name) {
  unsigned char was_there = 77;
  SUCCEEDS(was_there = api.rgc_barrier_delete(gc, keyspace, name, errptr));
  return was_there;
}

static void hold_and_let_go(void) {
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_barrier_set(gc, 1, "reader", 80, UINT64_MAX, errptr));
  unsigned char moved = 77;
  SUCCEEDS(moved = api.rgc_advance_keyspace_safe_point(gc, 1, 90, errptr));
  CHECK_EQ(moved, 0);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 80);
  CHECK_EQ(delete(gc, 1, "reader"), 1);
  CHECK_EQ(delete(gc, 1, "reader"), 0);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 90);

  SUCCEEDS(api.rgc_barrier_set(gc, RGC_KEYSPACE_NONE, "reader", 50, UINT64_MAX, errptr));
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 60), 1);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 70), 0);
  CHECK_EQ(stats_of(gc).safe_points_refused, 0);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 65), 0);
  CHECK_EQ(stats_of(gc).safe_points_refused, 1);
  CHECK_EQ(api.rgc_global_safe_point(gc), 50);
  SUCCEEDS(api.rgc_barrier_set(gc, RGC_KEYSPACE_ALL, "backup", 100, UINT64_MAX, errptr));
  CHECK_EQ(delete(gc, RGC_KEYSPACE_NONE, "reader"), 1);
  CHECK_EQ(api.rgc_global_safe_point(gc), 70);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 200), 1);
  CHECK_EQ(api.rgc_global_safe_point(gc), 100);
  api.rgc_destroy(gc);
}

static void ends(void) {
  rgc_t* gc = gc_at_80("");
  uint64_t now = 1000;
  CHECK_EQ(api.rgc_set_clock(gc, fixed_clock, &now), 1);
  SUCCEEDS(api.rgc_barrier_set(gc, 1, "reader", 80, 60, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 90, errptr));
  now = 1060;
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 80);
  now = 1061;
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 90);
  now = 0;
  FAILS(api.rgc_barrier_set(gc, 1, "reader", 90, 60, errptr), "Busy", "reader");
  SUCCEEDS(api.rgc_barrier_set(gc, 1, "reader", 90, UINT64_MAX, errptr));
  api.rgc_destroy(gc);
}

/* A clock may call readers, though these may look at the clock. */
static rgc_t* read_by_clock;
static uint64_t reading_clock(void* state) {
  CHECK_EQ(api.rgc_keyspace_safe_point(read_by_clock, 1), 80);
  api.rgc_barriers_foreach(read_by_clock, take, &(struct barriers){0});
  return *(uint64_t*)state;
}

static void readers_inside_a_clock(void) {
  rgc_t* gc = gc_at_80("");
  uint64_t now = 1000;
  read_by_clock = gc;
  CHECK_EQ(api.rgc_set_clock(gc, reading_clock, &now), 1);
  SUCCEEDS(api.rgc_barrier_set(gc, 1, "reader", 80, 60, errptr));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 80);
  api.rgc_destroy(gc);
}

static void listed(void) {
  rgc_t* gc = gc_at_80("");
  CHECK_EQ(api.rgc_set_clock(gc, fixed_clock, &(uint64_t){1000}), 1);
  struct barriers seen = {0};
  api.rgc_barriers_foreach(gc, take, &seen);
  CHECK_EQ(seen.n, 0);
  static const uint32_t scopes[] = {RGC_KEYSPACE_ALL, RGC_KEYSPACE_NONE, 7, 1};
  for (size_t i = 0; i < 4; ++i) {
    SUCCEEDS(api.rgc_barrier_set(gc, scopes[i], "b", 90 + i, 60, errptr));
    SUCCEEDS(api.rgc_barrier_set(gc, scopes[i], "a\xc3\xa4", 80 + i, UINT64_MAX, errptr));
  }
  api.rgc_barriers_foreach(gc, take, &seen);
  CHECK_EQ(seen.n, 8);
  static const uint32_t order[] = {1, 1, 7, 7, RGC_KEYSPACE_NONE, RGC_KEYSPACE_NONE, RGC_KEYSPACE_ALL, RGC_KEYSPACE_ALL};
  for (size_t i = 0; i < 8; ++i) {
    CHECK_EQ(seen.info[i].keyspace, order[i]);
    CHECK(strcmp(seen.names[i], i % 2 == 0 ? "a\xc3\xa4" : "b") == 0);
    CHECK_EQ(seen.info[i].expires_unix_seconds, i % 2 == 0 ? UINT64_MAX : 1060);
    CHECK_EQ(seen.info[i].ts, (i % 2 == 0 ? 83 : 93) - i / 2);
  }
  seen = (struct barriers){.stop_at = 3};
  api.rgc_barriers_foreach(gc, take, &seen);
  CHECK_EQ(seen.n, 3);
  api.rgc_barriers_foreach(gc, NULL, NULL);
  api.rgc_barriers_foreach(NULL, take, &seen);
  CHECK_EQ(seen.n, 3);
  char* text = api.rgc_metrics(gc);
  CHECK(strstr(text, "\nrocks_gc_barriers 8\n") != NULL);
  CHECK(strstr(text, "\nrocks_gc_safe_points_held 0\n") != NULL);
  api.rgc_free(text);
  api.rgc_destroy(gc);
}

static void refused(void) {
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
  FAILS(api.rgc_barrier_set(gc, 1, "late", 79, 60, errptr), "Invalid argument", "79", "80", "late");
  FAILS(api.rgc_barrier_set(gc, RGC_KEYSPACE_ALL, "late", 79, 60, errptr), "Invalid argument", "79", "80", "keyspace 1");
  FAILS(api.rgc_barrier_set(gc, 2, "b", 90, 60, errptr), "Invalid argument", "global", "RGC_KEYSPACE_NONE");
  FAILS(api.rgc_barrier_set(gc, 1, "b", 0, 60, errptr), "Invalid argument", "timestamp 0");
  FAILS(api.rgc_barrier_set(gc, 1, "b", 90, 0, errptr), "Invalid argument", "ttl");
  FAILS(api.rgc_barrier_set(gc, 1, "", 90, 60, errptr), "Invalid argument", "0 bytes");
  FAILS(api.rgc_barrier_set(gc, 1, NULL, 90, 60, errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_barrier_set(gc, 1, "\xff", 90, 60, errptr), "Invalid argument", "UTF-8");
  FAILS(api.rgc_barrier_set(gc, RGC_KEYSPACE_MAX + 1, "b", 90, 60, errptr), "Invalid argument", "16777216");
  FAILS(api.rgc_barrier_set(NULL, 1, "b", 90, 60, errptr), "Invalid argument", "gc is NULL");
  char name[257];
  memset(name, 'n', sizeof name);
  name[256] = '\0';
  FAILS(api.rgc_barrier_set(gc, 1, name, 90, 60, errptr), "Invalid argument", "256 bytes");
  FAILS(CHECK_EQ(api.rgc_barrier_delete(gc, 1, name, errptr), 0), "Invalid argument", "256 bytes");
  FAILS(CHECK_EQ(api.rgc_barrier_delete(gc, 1, NULL, errptr), 0), "Invalid argument", "NULL");
  FAILS(CHECK_EQ(api.rgc_barrier_delete(gc, RGC_KEYSPACE_MAX + 1, "b", errptr), 0), "Invalid argument", "16777216");
  FAILS(CHECK_EQ(api.rgc_barrier_delete(NULL, 1, "b", errptr), 0), "Invalid argument", "gc is NULL");
  struct barriers seen = {0};
  api.rgc_barriers_foreach(gc, take, &seen);
  CHECK_EQ(seen.n, 0);
  name[255] = '\0';
  SUCCEEDS(api.rgc_barrier_set(gc, 1, name, 80, UINT64_MAX, errptr));
  CHECK_EQ(delete(gc, 1, name), 1);
  /* Without errptr the text goes to the log. */
  api.rgc_barrier_set(gc, 1, "b", 0, 60, NULL);
  CHECK_EQ(api.rgc_barrier_delete(gc, 1, "", NULL), 0);
  api.rgc_destroy(gc);
}

void test_barriers(void) {
  hold_and_let_go();
  ends();
  readers_inside_a_clock();
  listed();
  refused();
}
