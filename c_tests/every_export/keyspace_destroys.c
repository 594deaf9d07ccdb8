/* keyspace_destroys.c - in which states a keyspace can be destroyed, and how a destroyed one may be
 * registered and loaded. */
#include "schema_keys.h"

static void load(rgc_t* gc, uint32_t id, int state, const char* type) {
  rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = id, .state = state, .name = "name", .gc_management_type = type};
  SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
}
static void check_not_loaded(rgc_t* gc, uint32_t id, int state) {
  rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = id, .state = state, .name = "name"};
  REFUSES(api.rgc_keyspace_load(gc, &meta, errptr), NO_MORE);
}

static void states(void) {
  for (int state = -1; state <= RGC_KEYSPACE_TOMBSTONE; ++state) {
    for (int flags = 0; flags <= (RGC_DESTROY_FORCE | RGC_DESTROY_REUSABLE); ++flags) {
      rgc_t* gc = gc_with("");
      struct mem_engine* engine = filled_keyspaces();
      attach(gc, engine, 5);
      if (state >= 0) load(gc, 5, state, "keyspace_level");
      int is_in_use = state == RGC_KEYSPACE_ENABLED || state == RGC_KEYSPACE_DISABLED;
      if (is_in_use && (flags & RGC_DESTROY_FORCE) == 0) {
        REFUSES(api.rgc_destroy_keyspace(gc, 5, flags, NULL, errptr), NO_MORE);
        CHECK_EQ(left_of_keyspace(engine, 5), 2);
        CHECK_EQ(api.rgc_destroyed_count(gc), 0);
        CHECK_EQ(ledger_records(engine, CF_LEDGER), 0);
      } else {
        SUCCEEDS(api.rgc_destroy_keyspace(gc, 5, flags, NULL, errptr));
        CHECK_EQ(left_of_keyspace(engine, 5), 0);
        CHECK_EQ(api.rgc_destroyed_count(gc), flags & RGC_DESTROY_REUSABLE ? 0 : 2);
      }
      CHECK_EQ(left_of_keyspace(engine, 4), 2);
      CHECK_EQ(left_of_keyspace(engine, 6), 2);
      /* With its records there is no naming it, and no way back to life. */
      if (api.rgc_destroyed_count(gc) == 2) {
        REFUSES(api.rgc_set_keyspace_gc_type(gc, 5, RGC_GC_KEYSPACE_LEVEL, errptr), NO_MORE);
        static const uint32_t several[] = {3, 5};
        REFUSES(api.rgc_set_keyspace_gc_types(gc, several, 2, RGC_GC_KEYSPACE_LEVEL, errptr), NO_MORE);
        SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_GLOBAL, errptr)); /* nothing was named by that */
        check_not_loaded(gc, 5, RGC_KEYSPACE_ENABLED);
        check_not_loaded(gc, 5, RGC_KEYSPACE_DISABLED);
      } else {
        SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 5, RGC_GC_KEYSPACE_LEVEL, errptr));
      }
      api.rgc_destroy(gc);
      engine_free(engine);
    }
  }
}

/* ARCHIVED and TOMBSTONE come after the destroy. */
static void the_usual_way(void) {
  rgc_t* gc = gc_with("recheck=manual;recheck_seconds=100");
  struct mem_engine* engine = filled_keyspaces();
  uint64_t now = 5000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  attach(gc, engine, 5);
  load(gc, 5, RGC_KEYSPACE_ENABLED, "keyspace_level");
  load(gc, 5, RGC_KEYSPACE_DISABLED, "keyspace_level");
  SUCCEEDS(api.rgc_destroy_keyspace(gc, 5, RGC_DESTROY_FORCE, NULL, errptr));
  load(gc, 5, RGC_KEYSPACE_ARCHIVED, "keyspace_level");
  load(gc, 5, RGC_KEYSPACE_TOMBSTONE, "keyspace_level");
  CHECK_EQ(api.rgc_destroyed_count(gc), 2);
  /* Others of which nobody knew. */
  SUCCEEDS(api.rgc_destroy_keyspace(gc, 6, 0, NULL, errptr));
  check_not_loaded(gc, 6, RGC_KEYSPACE_ENABLED);
  load(gc, 6, RGC_KEYSPACE_ARCHIVED, NULL);
  SUCCEEDS(api.rgc_destroy_keyspace(gc, 7, 0, NULL, errptr));
  load(gc, 7, RGC_KEYSPACE_TOMBSTONE, NULL);
  /* After detach no filter drops by the ledger. The next attach refuses a keyspace that was
   * destroyed before and registered since. */
  SUCCEEDS(api.rgc_destroy_keyspace(gc, 1, 0, NULL, errptr));
  CHECK_EQ(api.rgc_detach(gc), 1);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  REFUSES(api.rgc_attach_engine(gc, &mem_functions, engine, families, 5, errptr), "1", NO_MORE);
  /* In the next process, once the ledger is read. */
  api.rgc_destroy(gc);
  gc = gc_with("recheck=manual;recheck_seconds=100");
  api.rgc_set_clock(gc, fixed_clock, &now);
  attach(gc, engine, 5);
  REFUSES(api.rgc_set_keyspace_gc_type(gc, 5, RGC_GC_KEYSPACE_LEVEL, errptr), "5", NO_MORE);
  check_not_loaded(gc, 5, RGC_KEYSPACE_DISABLED);
  check_not_loaded(gc, 6, RGC_KEYSPACE_ENABLED);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 4, RGC_GC_KEYSPACE_LEVEL, errptr));
  /* One of the two records is enough. */
  rgc_range_t range = {.struct_size = sizeof range};
  SUCCEEDS(api.rgc_keyspace_range(gc, 'r', 6, &range, errptr));
  SUCCEEDS(api.rgc_release_destroyed(gc, range.start, range.start_len, range.end, range.end_len, errptr));
  api.rgc_free(range.start);
  api.rgc_free(range.end);
  check_not_loaded(gc, 6, RGC_KEYSPACE_ENABLED);
  REFUSES(api.rgc_set_keyspace_gc_type(gc, 6, RGC_GC_GLOBAL, errptr), NO_MORE);
  SUCCEEDS(api.rgc_keyspace_range(gc, 'x', 6, &range, errptr));
  SUCCEEDS(api.rgc_release_destroyed(gc, range.start, range.start_len, range.end, range.end_len, errptr));
  api.rgc_free(range.start);
  api.rgc_free(range.end);
  load(gc, 6, RGC_KEYSPACE_ENABLED, "keyspace_level");
  SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, 6, 7, errptr)));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 6), 7);
  /* Rechecked records free the others. */
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5099, NULL, errptr), 0));
  check_not_loaded(gc, 7, RGC_KEYSPACE_ENABLED);
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5100, NULL, errptr), 6));
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  load(gc, 7, RGC_KEYSPACE_ENABLED, "unified");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 5, RGC_GC_KEYSPACE_LEVEL, errptr));
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A destroy that failed half-way counts, too. */
static void interrupted(void) {
  for (long n = 1;; ++n) {
    REQUIRE(n < 500);
    rgc_t* gc = gc_with("");
    struct mem_engine* engine = filled_keyspaces();
    attach(gc, engine, 5);
    engine_fail(engine, ANY, WITH_TEXT, n);
    char* error = NULL;
    api.rgc_destroy_keyspace(gc, 5, 0, NULL, &error);
    api.rgc_free(error);
    if (api.rgc_destroyed_count(gc) != 0) {
      REFUSES(api.rgc_set_keyspace_gc_type(gc, 5, RGC_GC_KEYSPACE_LEVEL, errptr), NO_MORE);
      check_not_loaded(gc, 5, RGC_KEYSPACE_ENABLED);
    }
    size_t failed = engine->failed;
    engine_forget(engine);
    SUCCEEDS(api.rgc_destroy_keyspace(gc, 5, 0, NULL, errptr));
    CHECK_EQ(left_of_keyspace(engine, 5), 0);
    CHECK_EQ(api.rgc_destroyed_count(gc), 2);
    api.rgc_destroy(gc);
    engine_free(engine);
    if (failed == 0) break;
  }
}

/* A plain range over the same keys is no destroyed keyspace. */
static void ranges(void) {
  rgc_t* gc = gc_with("");
  struct mem_engine* engine = filled_keyspaces();
  attach(gc, engine, 5);
  struct key start = raw_key(5, "a", 0);
  struct key end = raw_key(5, "b", 0);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
  load(gc, 5, RGC_KEYSPACE_ENABLED, NULL);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_keyspace_destroys(void) {
  states();
  the_usual_way();
  interrupted();
  ranges();
}
