/* foreach.c - rgc_keyspaces_foreach and rgc_destroyed_foreach: what they show, in which order, and
 * until when. */
#include "schema_keys.h"

/* ---- keyspaces */

struct keyspaces {
  size_t n, stop_at;
  uint32_t last;
  rgc_keyspace_info_t info[64];
  char names[64][32];
};
static int take_keyspace(void* state, const rgc_keyspace_info_t* info) {
  struct keyspaces* seen = state;
  CHECK_EQ(info->struct_size, sizeof *info);
  CHECK(seen->n == 0 || info->id > seen->last);
  CHECK(info->name != NULL);
  seen->last = info->id;
  if (seen->n < 64) {
    seen->info[seen->n] = *info;
    snprintf(seen->names[seen->n], sizeof *seen->names, "%s", info->name);
  }
  ++seen->n;
  return seen->n == seen->stop_at ? -1 : 0;
}
static void check_keyspace(const struct keyspaces* seen, size_t i, uint32_t id, int state, int gc_type, uint64_t own, uint64_t effective,
                           const char* name) {
  CHECK(i < seen->n);
  const rgc_keyspace_info_t* info = &seen->info[i];
  CHECK_EQ(info->id, id);
  CHECK_EQ(info->state, state);
  CHECK_EQ(info->gc_type, gc_type);
  CHECK_EQ(info->own_safe_point, own);
  CHECK_EQ(info->effective_safe_point, effective);
  CHECK(strcmp(seen->names[i], name) == 0);
}

static void keyspaces(void) {
  rgc_t* gc = gc_with("");
  struct keyspaces seen = {0};
  api.rgc_keyspaces_foreach(gc, take_keyspace, &seen);
  CHECK_EQ(seen.n, 0);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 3, 80, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 70000, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 9, 60, errptr)); /* not named */
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 5, RGC_GC_GLOBAL, errptr));
  SUCCEEDS(api.rgc_pause_keyspace(gc, 5, errptr));
  rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = RGC_KEYSPACE_MAX, .state = RGC_KEYSPACE_ARCHIVED, .name = "last"};
  meta.gc_management_type = "keyspace_level";
  SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
  meta = (rgc_keyspace_meta_t){.struct_size = sizeof meta, .id = 0, .state = RGC_KEYSPACE_ENABLED, .name = "DEFAULT"};
  SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
  api.rgc_keyspaces_foreach(gc, take_keyspace, &seen);
  CHECK_EQ(seen.n, 7);
  check_keyspace(&seen, 0, 0, RGC_KEYSPACE_ENABLED, RGC_GC_GLOBAL, 0, 50, "DEFAULT");
  check_keyspace(&seen, 1, 2, -1, RGC_GC_GLOBAL, 0, 50, "");
  check_keyspace(&seen, 2, 3, -1, RGC_GC_KEYSPACE_LEVEL, 80, 80, "");
  check_keyspace(&seen, 3, 5, -1, -2, 0, 0, "");
  check_keyspace(&seen, 4, 9, -1, -1, 60, 0, "");
  check_keyspace(&seen, 5, 70000, -1, RGC_GC_KEYSPACE_LEVEL, 0, 0, "");
  check_keyspace(&seen, 6, RGC_KEYSPACE_MAX, RGC_KEYSPACE_ARCHIVED, RGC_GC_KEYSPACE_LEVEL, 0, 0, "last");
  /* It stops when it is told to. */
  for (size_t stop_at = 1; stop_at <= 8; ++stop_at) {
    seen = (struct keyspaces){.stop_at = stop_at};
    api.rgc_keyspaces_foreach(gc, take_keyspace, &seen);
    CHECK_EQ(seen.n, stop_at < 7 ? stop_at : 7);
  }
  api.rgc_keyspaces_foreach(NULL, take_keyspace, &seen);
  api.rgc_keyspaces_foreach(gc, NULL, &seen);
  api.rgc_keyspaces_foreach(NULL, NULL, NULL);
  CHECK_EQ(seen.n, 7);
  api.rgc_destroy(gc);
}

static int count_keyspaces(void* state, const rgc_keyspace_info_t* info) {
  struct keyspaces* seen = state;
  if (seen->n != 0 && info->id <= seen->last) CHECK(!"in order");
  if (info->own_safe_point != 10 + info->id % 7) CHECK(!"its own safe point");
  seen->last = info->id;
  ++seen->n;
  return 0;
}
static void many_keyspaces(void) {
  enum { MANY = 30000 };
  rgc_t* gc = gc_with("");
  uint32_t* ids = malloc(MANY * sizeof *ids);
  uint64_t* ts = malloc(MANY * sizeof *ts);
  REQUIRE(ids != NULL && ts != NULL);
  for (uint32_t i = 0; i < MANY; ++i) {
    ids[i] = (i % 2 == 0 ? i / 2 : RGC_KEYSPACE_MAX - 500 * (i / 2));
    ts[i] = 10 + ids[i] % 7;
  }
  SUCCEEDS(api.rgc_set_keyspace_gc_types(gc, ids, MANY, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(CHECK_EQ(api.rgc_advance_keyspace_safe_points(gc, ids, ts, MANY, errptr), MANY));
  struct keyspaces seen = {0};
  api.rgc_keyspaces_foreach(gc, count_keyspaces, &seen);
  CHECK_EQ(seen.n, MANY);
  free(ids);
  free(ts);
  api.rgc_destroy(gc);
}

/* ---- destroyed ranges */

struct destroyed {
  size_t n;
  struct key start[16], end[16];
  rgc_destroyed_info_t info[16];
};
static int take_destroyed(void* state, const rgc_destroyed_info_t* info) {
  struct destroyed* seen = state;
  CHECK_EQ(info->struct_size, sizeof *info);
  REQUIRE(seen->n < 16);
  size_t i = seen->n++;
  seen->start[i] = key_of(info->start, info->start_len);
  seen->end[i] = key_of(info->end, info->end_len);
  seen->info[i] = *info;
  CHECK(i == 0 || compare_keys(&seen->start[i - 1], &seen->start[i]) <= 0);
  return 0;
}
static struct destroyed destroyed_of(const rgc_t* gc) {
  struct destroyed seen = {0};
  api.rgc_destroyed_foreach(gc, take_destroyed, &seen);
  CHECK_EQ(seen.n, api.rgc_destroyed_count(gc));
  return seen;
}
static int stop(void* n, const rgc_destroyed_info_t* info) {
  (void)info;
  ++*(int*)n;
  return 1;
}
static void check_range(const struct destroyed* seen, size_t i, struct key start, struct key end, uint32_t keyspace, int state,
                        uint64_t started, uint64_t done, uint64_t late) {
  CHECK(i < seen->n);
  CHECK(compare_keys(&seen->start[i], &start) == 0 && compare_keys(&seen->end[i], &end) == 0);
  CHECK_EQ(seen->info[i].keyspace, keyspace);
  CHECK_EQ(seen->info[i].state, state);
  CHECK_EQ(seen->info[i].started_unix_seconds, started);
  CHECK_EQ(seen->info[i].done_unix_seconds, done);
  CHECK_EQ(seen->info[i].late_keys_dropped, late);
}

static void destroyed(void) {
  rgc_t* gc = gc_with("schema_id=prefix;recheck=manual");
  struct mem_engine* engine = engine_new();
  uint64_t now = 5000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  CHECK_EQ(destroyed_of(gc).n, 0);
  attach(gc, engine, 5);
  CHECK_EQ(destroyed_of(gc).n, 0);
  struct key b = key_of(BYTES("b"));
  struct key c = key_of(BYTES("c"));
  struct key d = key_of(BYTES("d"));
  SUCCEEDS(api.rgc_destroy_range(gc, OF(c), OF(d), 0, NULL, errptr));
  now = 5100;
  SUCCEEDS(api.rgc_destroy_keyspace(gc, 7, 0, NULL, errptr));
  rgc_filter_t* run = run_of(gc, RGC_KIND_DROPPED_ONLY);
  decide_live(run, key_of(BYTES("c1")));
  decide_live(run, key_of(BYTES("c2")));
  decide_live(run, key_of(BYTES("d")));
  decide_live(run, raw_key(7, "late", 1));
  api.rgc_filter_destroy(run);
  now = 5200;
  mem_put(engine->store, CF_DEFAULT, key_of(BYTES("b1")), BYTES("v\0"));
  /* The record is written, the deletes are not. */
  engine_fail(engine, WRITE, WITH_TEXT, 1);
  FAILS(api.rgc_destroy_range(gc, OF(b), OF(d), 0, NULL, errptr); engine_fail(engine, WRITE, WITH_TEXT, 1), "IO error");
  engine_forget(engine);
  /* What is dropped otherwise is not here. */
  SUCCEEDS(api.rgc_schema_drop(gc, 1, 5, errptr));
  drain(gc);
  struct key bounds[2][2];
  static const char modes[] = "rx";
  for (size_t m = 0; m < 2; ++m) {
    rgc_range_t range = {.struct_size = sizeof range};
    SUCCEEDS(api.rgc_keyspace_range(gc, modes[m], 7, &range, errptr));
    bounds[m][0] = key_of(range.start, range.start_len);
    bounds[m][1] = key_of(range.end, range.end_len);
    api.rgc_free(range.start);
    api.rgc_free(range.end);
  }
  struct destroyed seen = destroyed_of(gc);
  CHECK_EQ(seen.n, 4);
  check_range(&seen, 0, b, d, RGC_KEYSPACE_NONE, RGC_DESTROY_STARTED, 5200, 0, 0);
  check_range(&seen, 1, c, d, RGC_KEYSPACE_NONE, RGC_DESTROY_DONE, 5000, 5000, 2);
  check_range(&seen, 2, bounds[0][0], bounds[0][1], 7, RGC_DESTROY_DONE, 5100, 5100, 1);
  check_range(&seen, 3, bounds[1][0], bounds[1][1], 7, RGC_DESTROY_DONE, 5100, 5100, 0);
  int n = 0;
  api.rgc_destroyed_foreach(gc, stop, &n);
  CHECK_EQ(n, 1);
  api.rgc_destroyed_foreach(NULL, stop, &n);
  api.rgc_destroyed_foreach(gc, NULL, &n);
  CHECK_EQ(n, 1);
  /* The ledger is the store's: without it there are none. */
  CHECK_EQ(api.rgc_detach(gc), 1);
  CHECK_EQ(destroyed_of(gc).n, 0);
  api.rgc_destroy(gc);
  gc = gc_with("schema_id=prefix;recheck=manual");
  now = 6000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  attach(gc, engine, 5);
  seen = destroyed_of(gc);
  CHECK_EQ(seen.n, 4);
  check_range(&seen, 0, b, d, RGC_KEYSPACE_NONE, RGC_DESTROY_DONE, 5200, 6000, 0);
  check_range(&seen, 1, c, d, RGC_KEYSPACE_NONE, RGC_DESTROY_DONE, 5000, 5000, 0);
  check_range(&seen, 2, bounds[0][0], bounds[0][1], 7, RGC_DESTROY_DONE, 5100, 5100, 0);
  SUCCEEDS(api.rgc_release_destroyed(gc, OF(b), OF(d), errptr));
  CHECK_EQ(destroyed_of(gc).n, 3);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_foreach(void) {
  keyspaces();
  many_keyspaces();
  destroyed();
}
