/* values.c - what a value says: expiry, delete mark, damage; and what is no value at all. */
#include "parts.h"

static int decide_as(rgc_filter_t* run, int value_type, struct key key, const char* value, size_t value_len) {
  return api.rgc_filter_decide(run, 6, value_type, key.data, key.len, value, value_len, NULL, NULL);
}

static int by_key(rgc_filter_t* run, struct key key) {
  const char* skip_until = "untouched";
  size_t skip_until_len = 77;
  int verdict = api.rgc_filter_decide_by_key(run, 6, key.data, key.len, &skip_until, &skip_until_len);
  CHECK(skip_until == NULL && skip_until_len == 0);
  return verdict;
}

/* A value that does not parse closes its row only, from there on. */
static void damaged(void) {
  static const struct {
    const char* bytes;
    size_t len;
  } bad[] = {{BYTES("")}, {BYTES("\4")}, {BYTES("v\x80")}, {BYTES("\xff")}, {BYTES("\1")}, {BYTES("1234567\1")}, {BYTES("1234567\3")}};
  rgc_t* gc = gc_at_80("");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
    CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
    CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_REMOVE);
    for (int twice = 0; twice < 2; ++twice) CHECK_EQ(decide(run, raw_key(1, "a", 50), bad[i].bytes, bad[i].len), RGC_KEEP);
    CHECK_EQ(decide_live(run, raw_key(1, "a", 40)), RGC_KEEP);
    CHECK_EQ(decide_live(run, raw_key(1, "a", 0)), RGC_KEEP);
    CHECK_EQ(decide_live(run, raw_key(1, "b", 70)), RGC_KEEP);
    CHECK_EQ(decide_live(run, raw_key(1, "b", 60)), RGC_REMOVE);
    api.rgc_filter_destroy(run);
  }
  rgc_stats_t stats = stats_of(gc);
  CHECK(stats.unparsed_values >= sizeof bad / sizeof *bad);
  CHECK_EQ(stats.runs_closed, 0);
  api.rgc_destroy(gc);
}

/* A newest version that is dead below the safe point is kept, counted, and left to a later run. */
static void dead(void) {
  rgc_t* gc = gc_at_80("");
  uint64_t now = 1000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide(run, raw_key(1, "a", 70), BYTES("\2")), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_REMOVE);
  CHECK_EQ(decide(run, raw_key(1, "b", 70), BYTES("v\0\0\0\0\0\0\3\xe8\1")), RGC_KEEP);      /* expire 1000 = now */
  CHECK_EQ(decide(run, raw_key(1, "c", 70), BYTES("v\0\0\0\0\0\0\3\xe9\1")), RGC_KEEP);      /* 1001: alive */
  CHECK_EQ(decide(run, raw_key(1, "d", 70), BYTES("\0\0\0\0\0\0\0\0\1")), RGC_KEEP);         /* 0: expired, in API V2 */
  CHECK_EQ(decide(run, raw_key(1, "e", 70), BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\1")), RGC_KEEP); /* for ever */
  CHECK_EQ(decide(run, raw_key(1, "f", 90), BYTES("\2")), RGC_KEEP);                         /* above the safe point */
  CHECK_EQ(decide(run, raw_key(1, "g", 70), BYTES("v\0\0\0\0\0\0\3\xe9\3")), RGC_KEEP);      /* deleted, not expired */
  api.rgc_filter_destroy(run);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.delete_marked, 2);
  CHECK_EQ(stats.expired, 2);
  CHECK_EQ(stats.rows_deferred, 4);
  CHECK_EQ(stats.removed, 1);

  /* Known not to be bottommost: seen, but not counted as handed over. */
  run = run_of(gc, RGC_KIND_RAW);
  api.rgc_filter_set_bottommost(run, 1);
  api.rgc_filter_set_bottommost(run, 0);
  api.rgc_filter_set_bottommost(run, 2);
  api.rgc_filter_set_bottommost(run, -2);
  CHECK_EQ(decide(run, raw_key(1, "a", 70), BYTES("\2")), RGC_KEEP);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).delete_marked, 3);
  CHECK_EQ(stats_of(gc).rows_deferred, 4);
  run = run_of(gc, RGC_KIND_RAW);
  api.rgc_filter_set_bottommost(run, 0);
  api.rgc_filter_set_bottommost(run, -1);
  CHECK_EQ(decide(run, raw_key(1, "a", 70), BYTES("\2")), RGC_KEEP);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).rows_deferred, 5);
  api.rgc_destroy(gc);
}

static void types(void) {
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  static const int kept[] = {RGC_MERGE_OPERAND, RGC_WIDE_COLUMNS, 77, -1};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; ++i) {
    char row[] = {(char)('a' + i), 0};
    CHECK_EQ(decide_live(run, raw_key(1, row, 79)), RGC_KEEP);
    CHECK_EQ(decide_as(run, kept[i], raw_key(1, row, 70), BYTES("v\0")), RGC_KEEP);
    CHECK_EQ(decide_as(run, kept[i], raw_key(1, row, 69), BYTES("\xff")), RGC_KEEP);
    CHECK_EQ(decide_live(run, raw_key(1, row, 60)), RGC_REMOVE);
  }
  /* A blob index is judged by the key alone, whatever its bytes are. */
  CHECK_EQ(decide_as(run, RGC_BLOB_INDEX, raw_key(1, "f", 70), BYTES("\xff\xff")), RGC_KEEP);
  CHECK_EQ(decide_as(run, RGC_BLOB_INDEX, raw_key(1, "f", 60), BYTES("\xff\xff")), RGC_REMOVE);
  CHECK_EQ(decide_as(run, RGC_BLOB_INDEX, raw_key(1, "f", 50), NULL, 0), RGC_REMOVE);
  CHECK_EQ(stats_of(gc).unparsed_values, 0);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

static void without_values(void) {
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  /* The filter needs the newest version's value. The caller has none twice; the key may then be any
   * key above the last one. */
  CHECK_EQ(by_key(run, raw_key(1, "c", 70)), RGC_UNDETERMINED);
  CHECK_EQ(by_key(run, raw_key(1, "c", 70)), RGC_UNDETERMINED);
  CHECK_EQ(by_key(run, raw_key(1, "b", 70)), RGC_UNDETERMINED);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.kept + stats.removed + stats.runs_closed + stats.unparsed_keys, 0);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 70)), RGC_KEEP);
  CHECK_EQ(by_key(run, raw_key(1, "b", 60)), RGC_REMOVE);
  /* A removed version that nobody could read closes nothing; one that is read does. */
  CHECK_EQ(by_key(run, raw_key(1, "d", 90)), RGC_KEEP);
  CHECK_EQ(by_key(run, raw_key(1, "d", 60)), RGC_REMOVE);
  CHECK_EQ(by_key(run, mode_key('x', 1, "k", 60)), RGC_KEEP);
  CHECK_EQ(by_key(run, raw_key(1, "d", 60)), RGC_KEEP);
  CHECK_EQ(stats_of(gc).runs_closed, 1);
  CHECK_EQ(api.rgc_filter_decide_by_key(run, 0, NULL, 9, NULL, NULL), RGC_KEEP);
  CHECK_EQ(api.rgc_filter_decide_by_key(run, 0, NULL, 0, NULL, NULL), RGC_KEEP);
  api.rgc_filter_destroy(run);

  run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
  CHECK_EQ(decide(run, raw_key(1, "a", 60), BYTES("\xff")), RGC_KEEP);
  CHECK_EQ(by_key(run, raw_key(1, "a", 50)), RGC_KEEP);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

/* TTL v1: what has expired goes; no safe point is needed. */
static void ttl(void) {
  rgc_t* gc = gc_with("");
  uint64_t now = 1000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  rgc_filter_t* run = run_of(gc, RGC_KIND_TTL_V1);
  static const struct key a = {1, "a"}, b = {1, "b"}, c = {1, "c"}, d = {1, "d"}, e = {1, "e"}, f = {1, "f"}, none = {0, ""};
  CHECK_EQ(decide(run, none, BYTES("\0\0\0\0\0\0\0\1")), RGC_REMOVE);
  for (int twice = 0; twice < 2; ++twice) CHECK_EQ(decide(run, a, BYTES("v\0\0\0\0\0\0\3\xe8")), RGC_REMOVE);
  CHECK_EQ(by_key(run, b), RGC_UNDETERMINED);
  CHECK_EQ(decide(run, b, BYTES("v\0\0\0\0\0\0\3\xe9")), RGC_KEEP);
  CHECK_EQ(decide(run, c, BYTES("v\0\0\0\0\0\0\0\0")), RGC_KEEP);
  CHECK_EQ(decide(run, d, BYTES("1234567")), RGC_KEEP);
  CHECK_EQ(decide(run, d, NULL, 0), RGC_KEEP);
  CHECK_EQ(decide(run, e, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff")), RGC_KEEP);
  CHECK_EQ(decide_as(run, RGC_MERGE_OPERAND, f, BYTES("v\0\0\0\0\0\0\0\1")), RGC_KEEP);
  CHECK_EQ(decide_as(run, RGC_BLOB_INDEX, f, BYTES("v\0\0\0\0\0\0\0\1")), RGC_KEEP);
  static const struct key record = {17, "\1rocks_gc/a record"};
  CHECK_EQ(stats_of(gc).unparsed_values, 2);
  CHECK_EQ(stats_of(gc).expired, 3);
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  CHECK_EQ(decide(run, a, BYTES("v\0\0\0\0\0\0\0\1")), RGC_KEEP);
  CHECK_EQ(stats_of(gc).runs_closed, 1);
  api.rgc_filter_destroy(run);
  run = run_of(gc, RGC_KIND_TTL_V1);
  CHECK_EQ(decide(run, record, BYTES("v\0\0\0\0\0\0\0\1")), RGC_KEEP);
  api.rgc_set_enabled(gc, 0);
  CHECK_EQ(decide(run, a, BYTES("v\0\0\0\0\0\0\0\1")), RGC_KEEP);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

/* Does a run that begins now remove a value of this expiry? */
static int goes(rgc_t* gc, unsigned char expiry) {
  rgc_filter_t* run = run_of(gc, RGC_KIND_TTL_V1);
  const char value[8] = {0, 0, 0, 0, 0, 0, 0, (char)expiry};
  int verdict = decide(run, raw_key(1, "a", 1), value, sizeof value);
  api.rgc_filter_destroy(run);
  return verdict == RGC_REMOVE;
}

/* The time that runs see follows the clock down, and not far up at once; 0 = unknown. */
static void clocks(void) {
  rgc_t* gc = gc_with("");
  uint64_t now = 100;
  api.rgc_set_clock(gc, fixed_clock, &now);
  CHECK(goes(gc, 100) && !goes(gc, 101));
  now = 50;
  CHECK(goes(gc, 50) && !goes(gc, 51));
  now = 0;
  CHECK(!goes(gc, 1));
  now = 60;
  CHECK(goes(gc, 60) && !goes(gc, 61));
  now = 110;
  CHECK(goes(gc, 110) && !goes(gc, 111));
  uint64_t other = 20;
  api.rgc_set_clock(gc, fixed_clock, &other);
  CHECK(goes(gc, 20) && !goes(gc, 21));
  api.rgc_set_clock(gc, NULL, NULL);
  CHECK(goes(gc, 255));
  api.rgc_set_clock(NULL, fixed_clock, &now);
  api.rgc_destroy(gc);

  gc = gc_with("ttl_grace_seconds=30");
  now = 100;
  api.rgc_set_clock(gc, fixed_clock, &now);
  CHECK(goes(gc, 70) && !goes(gc, 71));
  api.rgc_set_clock(gc, NULL, NULL);
  now = 20;
  api.rgc_set_clock(gc, fixed_clock, &now);
  CHECK(!goes(gc, 1));
  api.rgc_destroy(gc);

  gc = gc_with("ttl_grace_seconds=18446744073709551615");
  CHECK(!goes(gc, 1));
  api.rgc_destroy(gc);
}

void test_values(void) {
  damaged();
  dead();
  types();
  without_values();
  ttl();
  clocks();
}
