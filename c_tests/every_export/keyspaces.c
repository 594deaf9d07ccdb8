/* keyspaces.c - rgc_keyspace_load: states and their moves, names, GC types, and structs of every
 * size. */
#include "known.h"
#include "schema_keys.h"

static rgc_keyspace_meta_t meta_of(uint32_t id, int state, const char* name, const char* type) {
  rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = id, .state = state, .name = name, .gc_management_type = type};
  return meta;
}

static void load(rgc_t* gc, uint32_t id, int state, const char* name, const char* type) {
  rgc_keyspace_meta_t meta = meta_of(id, state, name, type);
  SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
}

static void check_unknown(const rgc_t* gc, uint32_t id) {
  CHECK_EQ(known_of(gc, id).n, 0);
}

/* Allowed changes: ENABLED and DISABLED to each other; DISABLED to ARCHIVED; ARCHIVED to TOMBSTONE;
 * each to itself. */
static const char moves[4][5] = {"yynn", "yyyn", "nnyy", "nnny"};
static const char* const state_names[] = {"ENABLED", "DISABLED", "ARCHIVED", "TOMBSTONE"};

static void states(void) {
  for (int from = 0; from < 4; ++from) {
    for (int to = 0; to < 4; ++to) {
      rgc_t* gc = gc_with("");
      load(gc, 7, from, "before", "unified");
      check_known(gc, 7, from, RGC_GC_GLOBAL, "before");
      rgc_keyspace_meta_t meta = meta_of(7, to, "after", "unified");
      if (moves[from][to] == 'y') {
        SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
        check_known(gc, 7, to, RGC_GC_GLOBAL, "after");
      } else {
        REFUSES(api.rgc_keyspace_load(gc, &meta, errptr), NO_MORE);
        api.rgc_keyspace_load(gc, &meta, NULL);
        check_known(gc, 7, from, RGC_GC_GLOBAL, "before");
      }
      if (moves[from][to] != (to == from || (from < 2 && to < 2) || (from > 0 && to == from + 1) ? 'y' : 'n')) {
        fprintf(stderr, "%s to %s\n", state_names[from], state_names[to]);
        CHECK(!"the table is what the header says");
      }
      api.rgc_destroy(gc);
    }
  }
  static const int wrong[] = {-1, 4, 77, INT32_MAX, INT32_MIN};
  rgc_t* gc = gc_with("");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    char number[16];
    snprintf(number, sizeof number, "%d", wrong[i]);
    rgc_keyspace_meta_t meta = meta_of(7, wrong[i], "name", NULL);
    FAILS(api.rgc_keyspace_load(gc, &meta, errptr), "Invalid argument", number);
  }
  check_unknown(gc, 7);
  api.rgc_destroy(gc);
}

static void names(void) {
  rgc_t* gc = gc_with("");
  static const char* const good[] = {"keyspaceName1", "keyspace_name_1", "10", "18446744073709551615", "scope1", "-----", "789z-_",
                                     "a", "Z", "0", "_", "abcdefghijklmnopqrst", "DEFAULT", "SYSTEM"};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
    load(gc, (uint32_t)i, RGC_KEYSPACE_ENABLED, good[i], NULL);
    check_known(gc, (uint32_t)i, RGC_KEYSPACE_ENABLED, RGC_GC_GLOBAL, good[i]);
  }
  static const char* const bad[] = {"789z-_)", "", "keyspace/", "keyspace:1", "many many spaces", "keyspace?limit=1", "keyspace%1",
                                    "abcdefghijklmnopqrstu", "184467440737095516150", " a", "a ", "a\n", "\xc3\xa4",
                                    "a.b", "a@b", "[", "`", "{", "/", ":", "\x7f", "\xff"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    rgc_keyspace_meta_t meta = meta_of(100 + (uint32_t)i, RGC_KEYSPACE_ENABLED, bad[i], NULL);
    FAILS(api.rgc_keyspace_load(gc, &meta, errptr), "Invalid argument");
    check_unknown(gc, 100 + (uint32_t)i);
  }
  rgc_keyspace_meta_t meta = meta_of(7, RGC_KEYSPACE_ENABLED, NULL, NULL);
  FAILS(api.rgc_keyspace_load(gc, &meta, errptr), "Invalid argument");
  /* It is copied. */
  char name[] = "mine";
  char type[] = "keyspace_level";
  load(gc, 500, RGC_KEYSPACE_ENABLED, name, type);
  memset(name, '?', sizeof name - 1);
  memset(type, '?', sizeof type - 1);
  check_known(gc, 500, RGC_KEYSPACE_ENABLED, RGC_GC_KEYSPACE_LEVEL, "mine");
  api.rgc_destroy(gc);
}

static void ids_and_sizes(void) {
  rgc_t* gc = gc_with("");
  static const uint32_t wrong[] = {RGC_KEYSPACE_MAX + 1, RGC_KEYSPACE_NONE, RGC_KEYSPACE_NONE - 1};
  for (size_t i = 0; i < 3; ++i) {
    char number[16];
    snprintf(number, sizeof number, "%u", wrong[i]);
    rgc_keyspace_meta_t meta = meta_of(wrong[i], 0, "a", NULL);
    FAILS(api.rgc_keyspace_load(gc, &meta, errptr), "Invalid argument", number);
  }
  load(gc, RGC_KEYSPACE_MAX, 0, "a", NULL);
  load(gc, 0, 0, "a", NULL);
  rgc_keyspace_meta_t meta = meta_of(5, 0, "a", NULL);
  FAILS(api.rgc_keyspace_load(NULL, &meta, errptr), "Invalid argument");
  FAILS(api.rgc_keyspace_load(gc, NULL, errptr), "Invalid argument");
  for (size_t size = 0; size < sizeof meta; ++size) {
    meta.struct_size = size;
    FAILS(api.rgc_keyspace_load(gc, &meta, errptr), "Invalid argument");
  }
  check_unknown(gc, 5);
  struct {
    rgc_keyspace_meta_t known;
    char more[32];
  } large;
  memset(&large, 0xee, sizeof large);
  large.known = meta_of(5, RGC_KEYSPACE_DISABLED, "a", "keyspace_level");
  large.known.struct_size = sizeof large;
  SUCCEEDS(api.rgc_keyspace_load(gc, &large.known, errptr));
  check_known(gc, 5, RGC_KEYSPACE_DISABLED, RGC_GC_KEYSPACE_LEVEL, "a");
  api.rgc_destroy(gc);
}

static const char* const level[] = {"keyspace_level", "keyspace_level_gc"};
static const char* const global[] = {"unified", "global_gc", NULL};
static const char* const odd[] = {"", "keyspace", "KEYSPACE_LEVEL", "keyspace_level ", " unified", "Unified", "global",
                                  "keyspace_levelgc", "v2", "unified\n", "global_gc2", "none", "\xff\xfe"};

static void types_that_are_known(void) {
  for (size_t l = 0; l < 2; ++l) {
    for (size_t g = 0; g < 3; ++g) {
      rgc_t* gc = gc_with("");
      CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
      load(gc, 1, 0, "one", level[l]);
      load(gc, 2, 0, "two", global[g]);
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 0);
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 2), 50);
      SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, 1, 80, errptr)));
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 80);
      /* The first one stands; the same again, in any words, is nothing. */
      load(gc, 1, 0, "one", level[1 - l]);
      load(gc, 2, 0, "two", global[(g + 1) % 3]);
      SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
      CHECK_EQ(stats_of(gc).gc_types_refused, 0);
      rgc_keyspace_meta_t other = meta_of(1, RGC_KEYSPACE_DISABLED, "other", global[g]);
      REFUSES(api.rgc_keyspace_load(gc, &other, errptr), NO_MORE);
      /* From then on everything of it is kept. */
      check_known(gc, 1, 0, -2, "one");
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 0);
      other = meta_of(2, RGC_KEYSPACE_DISABLED, "other", level[l]);
      REFUSES(api.rgc_keyspace_load(gc, &other, errptr), NO_MORE);
      check_known(gc, 2, 0, -2, "two");
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 2), 0);
      CHECK_EQ(stats_of(gc).gc_types_refused, 2);
      FAILS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_GLOBAL, errptr), "Invalid argument");
      /* Named one by one before. */
      SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_GLOBAL, errptr));
      other = meta_of(3, 0, "three", level[l]);
      REFUSES(api.rgc_keyspace_load(gc, &other, errptr), NO_MORE);
      load(gc, 3, 0, "three", global[g]);
      api.rgc_destroy(gc);
    }
  }
}

/* One version of a row of this keyspace, and one more: does the second one stay? */
static int keeps_everything(rgc_t* gc, uint32_t keyspace) {
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, RGC_KIND_RAW, NULL, errptr));
  if (run == NULL) return 1;
  decide_live(run, raw_key(keyspace, "row", 20));
  int verdict = decide_live(run, raw_key(keyspace, "row", 10));
  api.rgc_filter_destroy(run);
  return verdict == RGC_KEEP;
}

static void types_that_are_not(void) {
  static const char* const options[] = {"", "unknown_keyspace=global"};
  for (size_t o = 0; o < 2; ++o) {
    for (size_t i = 0; i < sizeof odd / sizeof *odd; ++i) {
      rgc_t* gc = gc_with(options[o]);
      CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
      /* Never named. */
      CHECK_EQ(keeps_everything(gc, 9), o == 0);
      rgc_keyspace_meta_t meta = meta_of(9, 0, "nine", odd[i]);
      REFUSES(api.rgc_keyspace_load(gc, &meta, errptr), strcmp(odd[i], "\xff\xfe") == 0 || strcmp(odd[i], "unified\n") == 0 ? "" : odd[i],
              NO_MORE);
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 9), 0);
      CHECK(keeps_everything(gc, 9));
      SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 9, 60, errptr));
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 9), 0);
      CHECK(keeps_everything(gc, 9));
      CHECK(keeps_everything(gc, 8) == (o == 0));
      /* Until one is known: loaded, or named. */
      if (i % 2 == 0) load(gc, 9, 0, "nine", "unified");
      else SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 9, RGC_GC_GLOBAL, errptr));
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 9), 50);
      CHECK(!keeps_everything(gc, 9));
      /* One that had been named. */
      SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
      SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, 1, 80, errptr)));
      load(gc, 2, 0, "two", "global_gc");
      CHECK(!keeps_everything(gc, 1) && !keeps_everything(gc, 2));
      for (uint32_t id = 1; id <= 2; ++id) {
        meta = meta_of(id, 0, "odd", odd[i]);
        REFUSES(api.rgc_keyspace_load(gc, &meta, errptr), NO_MORE);
        CHECK_EQ(api.rgc_keyspace_safe_point(gc, id), 0);
        struct key key = raw_key(id, "row", 1);
        CHECK_EQ(api.rgc_safe_point_for_key(gc, OF(key)), 0);
        CHECK(keeps_everything(gc, id));
      }
      /* Their type is set all the same. Another type is a conflict, which a load does not
       * resolve. */
      meta = meta_of(2, 0, "two", "keyspace_level");
      REFUSES(api.rgc_keyspace_load(gc, &meta, errptr), NO_MORE);
      CHECK(keeps_everything(gc, 2));
      load(gc, 2, RGC_KEYSPACE_DISABLED, "two", "unified");
      CHECK(keeps_everything(gc, 2));
      SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 2), 50);
      load(gc, 1, 0, "one", "keyspace_level");
      SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 90, errptr));
      CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 90);
      CHECK(!keeps_everything(gc, 1) && !keeps_everything(gc, 2));
      api.rgc_destroy(gc);
    }
  }
}

/* No load ends a removal; a state alone drops nothing. */
static void removed_and_archived(void) {
  rgc_t* gc = gc_at_80("");
  load(gc, 1, RGC_KEYSPACE_DISABLED, "one", "keyspace_level");
  SUCCEEDS(api.rgc_pause_keyspace(gc, 1, errptr));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 0);
  CHECK(keeps_everything(gc, 1));
  rgc_keyspace_meta_t other = meta_of(1, RGC_KEYSPACE_DISABLED, "one", "unified");
  REFUSES(api.rgc_keyspace_load(gc, &other, errptr), NO_MORE);
  load(gc, 1, RGC_KEYSPACE_DISABLED, "one", "keyspace_level_gc");
  SUCCEEDS(CHECK(!api.rgc_advance_keyspace_safe_point(gc, 1, 70, errptr)));
  CHECK(keeps_everything(gc, 1));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 0);
  SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, 1, 70, errptr)));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 70);
  static const int states_of_one[] = {RGC_KEYSPACE_ARCHIVED, RGC_KEYSPACE_TOMBSTONE};
  for (size_t i = 0; i < 2; ++i) {
    load(gc, 1, states_of_one[i], "one", "keyspace_level");
    for (int kind = RGC_KIND_RAW; kind <= RGC_KIND_TXN; ++kind) {
      rgc_filter_t* run = run_of(gc, kind);
      CHECK_EQ(decide_live(run, raw_key(1, "a", 9)), RGC_KEEP);
      CHECK_EQ(decide(run, mode_key('x', 1, "a", 9), BYTES("P\5v\1a")), RGC_KEEP);
      api.rgc_filter_destroy(run);
    }
    CHECK(!keeps_everything(gc, 1));
    SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  }
  CHECK_EQ(stats_of(gc).dropped, 0);
  api.rgc_destroy(gc);
}

void test_keyspaces(void) {
  states();
  names();
  ids_and_sizes();
  types_that_are_known();
  types_that_are_not();
  removed_and_archived();
}
