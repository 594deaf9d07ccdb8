/* skips.c - runs of hosts that can skip: how far, and what must be known for that. */
#include "parts.h"

/* What the last decision said. */
static const char* until;
static size_t until_len;

static int judge_as(rgc_filter_t* run, int value_type, struct key key, const char* value, size_t value_len) {
  until = "untouched";
  until_len = 77;
  int verdict = api.rgc_filter_decide(run, 0, value_type, key.data, key.len, value, value_len, &until, &until_len);
  CHECK(verdict == RGC_REMOVE_AND_SKIP_UNTIL || (until == NULL && until_len == 0));
  return verdict;
}

/* A version of keyspace 1 that is alive. */
static int judge(rgc_filter_t* run, const char* user_key, uint64_t ts) {
  return judge_as(run, RGC_VALUE, raw_key(1, user_key, ts), BYTES("v\0"));
}

static int judge_by_key(rgc_filter_t* run, struct key key) {
  until = "untouched";
  until_len = 77;
  int verdict = api.rgc_filter_decide_by_key(run, 0, key.data, key.len, &until, &until_len);
  CHECK(verdict == RGC_REMOVE_AND_SKIP_UNTIL || (until == NULL && until_len == 0));
  return verdict;
}

static int until_is(struct key key) { return until_len == key.len && memcmp(until, key.data, key.len) == 0; }

/* Above every version of the row of this key, below every other row. */
static struct key row_end(struct key key) {
  memset(key.data + key.len - 8, 0xff, 8);
  key.data[key.len++] = 0;
  return key;
}

#define SKIPS_TO(key, verdict)                        \
  do {                                                \
    CHECK_EQ(verdict, RGC_REMOVE_AND_SKIP_UNTIL);     \
    CHECK(until_is(key));                             \
  } while (0)

static rgc_compaction_t compaction(int is_bottommost) {
  return (rgc_compaction_t){.struct_size = sizeof(rgc_compaction_t), .is_full = -1, .is_manual = -1, .is_bottommost = is_bottommost,
                            .start_level = -1, .output_level = -1};
}

static rgc_filter_t* run_at(rgc_t* gc, int kind, int is_bottommost) {
  rgc_compaction_t known = compaction(is_bottommost);
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, kind, &known, errptr));
  REQUIRE(run != NULL);
  return run;
}

enum { REMOVED, ONE_VERSION, WHOLE_ROW, ELSEWHERE };

static int reach_of(int verdict, struct key key, struct key next) {
  if (verdict == RGC_REMOVE) return REMOVED;
  if (verdict != RGC_REMOVE_AND_SKIP_UNTIL) return ELSEWHERE;
  return until_is(next) ? ONE_VERSION : until_is(row_end(key)) ? WHOLE_ROW : ELSEWHERE;
}

/* How far a run goes at a row's second version; it ends with that. */
static int reach(rgc_filter_t* run) {
  CHECK_EQ(judge(run, "a", 79), RGC_KEEP);
  int how_far = reach_of(judge(run, "a", 70), raw_key(1, "a", 70), raw_key(1, "a", 69));
  api.rgc_filter_destroy(run);
  return how_far;
}

static void modes(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  CHECK_EQ(reach(run_of(gc, RGC_KIND_RAW)), ONE_VERSION);
  CHECK_EQ(reach(run_at(gc, RGC_KIND_RAW, -1)), ONE_VERSION);
  CHECK_EQ(reach(run_at(gc, RGC_KIND_RAW, 0)), ONE_VERSION);
  CHECK_EQ(reach(run_at(gc, RGC_KIND_RAW, 1)), WHOLE_ROW);
  static const int told[] = {-1, 0, 1};
  for (size_t i = 0; i < sizeof told / sizeof *told; ++i) {
    rgc_filter_t* run = run_at(gc, RGC_KIND_RAW, 1);
    api.rgc_filter_set_bottommost(run, told[i]);
    CHECK_EQ(reach(run), told[i] == 1 ? WHOLE_ROW : ONE_VERSION);
  }
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.kept, 7);
  CHECK_EQ(stats.skipped, 7);
  CHECK_EQ(stats.removed, 0);
  api.rgc_destroy(gc);

  gc = gc_at_80("remove_mode=remove");
  for (int is_bottommost = -1; is_bottommost <= 1; ++is_bottommost) CHECK_EQ(reach(run_at(gc, RGC_KIND_RAW, is_bottommost)), REMOVED);
  stats = stats_of(gc);
  CHECK_EQ(stats.removed, 3);
  CHECK_EQ(stats.skipped, 0);
  api.rgc_destroy(gc);
}

/* Short rows, long ones, and any time that a remove may take. */
static void automatic(void) {
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 5000, errptr));
  /* Unknown inputs, and not known to be the last level: never. Among blob files: never, too. */
  for (int is_bottommost = -1; is_bottommost <= 1; ++is_bottommost) {
    rgc_filter_t* run = run_at(gc, RGC_KIND_RAW, is_bottommost);
    if (is_bottommost == 1) CHECK_EQ(judge_by_key(run, raw_key(1, "a", 9000)), RGC_KEEP);
    for (char row[] = "b"; row[0] < 'h'; ++row[0]) {
      for (uint64_t ts = row[0] % 2 == 0 ? 4000 : 3; ts > 0; --ts) {
        struct key key = raw_key(1, row, ts);
        int is_first = ts == 4000 || (row[0] % 2 == 1 && ts == 3);
        int verdict = is_bottommost == 1 && !is_first && ts % 2 == 0 ? judge_by_key(run, key) : judge(run, row, ts);
        if (verdict != (is_first ? RGC_KEEP : RGC_REMOVE)) CHECK(!"removed, and never skipped");
      }
    }
    api.rgc_filter_destroy(run);
  }
  CHECK_EQ(stats_of(gc).skipped, 0);
  api.rgc_destroy(gc);

  /* Elsewhere by what costs less; if it skips then to the row's end. */
  gc = gc_at_80("remove_mode=auto");
  rgc_filter_t* run = run_at(gc, RGC_KIND_RAW, 1);
  CHECK_EQ(judge(run, "a", 79), RGC_KEEP);
  for (uint64_t ts = 78; ts-- > 0;) {
    int how_far = reach_of(judge(run, "a", ts), raw_key(1, "a", ts), raw_key(1, "a", ts - 1));
    CHECK(how_far == REMOVED || how_far == WHOLE_ROW);
  }
  CHECK_EQ(judge(run, "b", 79), RGC_KEEP);
  api.rgc_filter_destroy(run);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.kept, 2);
  CHECK_EQ(stats.removed + stats.skipped, 78);
  api.rgc_destroy(gc);
}

/* What goes, what stays, and how far, within a row. */
static void rows(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  rgc_filter_t* other = run_at(gc, RGC_KIND_RAW, 1);
  CHECK_EQ(judge(run, "a", 90), RGC_KEEP);
  CHECK_EQ(judge(run, "a", 80), RGC_KEEP);
  SKIPS_TO(raw_key(1, "a", 78), judge(run, "a", 79));
  SKIPS_TO(raw_key(1, "a", 78), judge(run, "a", 79));
  const char* before = until;
  size_t before_len = until_len;
  /* It is this run's: another one's decisions, readers and refused calls leave it alone. */
  CHECK_EQ(judge(other, "b", 70), RGC_KEEP);
  SKIPS_TO(row_end(raw_key(1, "b", 60)), judge(other, "b", 60));
  stats_of(gc);
  CHECK(before_len == raw_key(1, "a", 78).len && memcmp(before, raw_key(1, "a", 78).data, before_len) == 0);
  SKIPS_TO(raw_key(1, "a", 0), judge(run, "a", 1));
  /* No version is older. */
  CHECK_EQ(judge(run, "a", 0), RGC_REMOVE);
  SKIPS_TO(row_end(raw_key(1, "b", 0)), judge(other, "b", 0));
  /* A caller may treat a skip as a remove: the row goes on. */
  CHECK_EQ(judge(run, "b", 79), RGC_KEEP);
  SKIPS_TO(raw_key(1, "b", 69), judge(run, "b", 70));
  CHECK_EQ(judge_as(run, RGC_MERGE_OPERAND, raw_key(1, "b", 68), BYTES("v\0")), RGC_KEEP);
  CHECK_EQ(judge_as(run, RGC_WIDE_COLUMNS, raw_key(1, "b", 67), BYTES("v\0")), RGC_KEEP);
  SKIPS_TO(raw_key(1, "b", 65), judge_as(run, RGC_BLOB_INDEX, raw_key(1, "b", 66), BYTES("\xff")));
  CHECK_EQ(judge_as(run, RGC_VALUE, raw_key(1, "b", 60), BYTES("\xff")), RGC_KEEP);
  CHECK_EQ(judge(run, "b", 50), RGC_KEEP);
  /* Keys of more than one group, of no group, and the last of the keyspace. */
  static const char* const user_keys[] = {"c, a long user key", "d", "d234", "d2341234", "\xff\xff\xff\xff\xff\xff\xff\xff"};
  for (size_t i = 0; i < sizeof user_keys / sizeof *user_keys; ++i) {
    CHECK_EQ(judge(run, user_keys[i], 79), RGC_KEEP);
    SKIPS_TO(raw_key(1, user_keys[i], 31), judge(run, user_keys[i], 32));
    CHECK_EQ(judge(other, user_keys[i], 79), RGC_KEEP);
    SKIPS_TO(row_end(raw_key(1, user_keys[i], 32)), judge(other, user_keys[i], 32));
  }
  CHECK_EQ(judge_as(run, RGC_VALUE, mode_key('x', 1, "a", 70), BYTES("R\5")), RGC_KEEP);
  api.rgc_filter_destroy(run);
  api.rgc_filter_destroy(other);
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  api.rgc_destroy(gc);

  /* A snapshot's readers keep one version more. */
  gc = gc_at_80("remove_mode=skip;history=snapshot");
  run = run_at(gc, RGC_KIND_RAW, 1);
  CHECK_EQ(judge(run, "a", 90), RGC_KEEP);
  CHECK_EQ(judge(run, "a", 79), RGC_KEEP);
  SKIPS_TO(row_end(raw_key(1, "a", 70)), judge(run, "a", 70));
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

/* Callers that cannot skip are never told to. */
static void without_skips(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  rgc_filter_t* run = run_at(gc, RGC_KIND_RAW, 1);
  CHECK_EQ(judge(run, "a", 79), RGC_KEEP);
  struct key key = raw_key(1, "a", 70);
  for (int with_until = 0; with_until < 2; ++with_until) {
    for (int with_len = 0; with_len < 2; ++with_len) {
      if (with_until && with_len) continue;
      const char* none = "untouched";
      size_t none_len = 77;
      const char** to = with_until ? &none : NULL;
      size_t* to_len = with_len ? &none_len : NULL;
      CHECK_EQ(api.rgc_filter_decide(run, 0, RGC_VALUE, key.data, key.len, BYTES("v\0"), to, to_len), RGC_REMOVE);
      CHECK(with_until ? none == NULL : !with_len || none_len == 0);
      none = "untouched";
      none_len = 77;
      CHECK_EQ(api.rgc_filter_decide_by_key(run, 0, key.data, key.len, to, to_len), RGC_REMOVE);
      CHECK(with_until ? none == NULL : !with_len || none_len == 0);
    }
  }
  unsigned char changed = 1;
  CHECK_EQ(api.rgc_filter_callback(run, 0, key.data, key.len, BYTES("v\0"), NULL, NULL, &changed), 1);
  CHECK_EQ(stats_of(gc).removed, 7);
  CHECK_EQ(stats_of(gc).skipped, 0);
  /* The same key, by a caller that can. */
  SKIPS_TO(row_end(key), judge(run, "a", 70));
  CHECK_EQ(stats_of(gc).skipped, 1);
  CHECK_EQ(judge_by_key(NULL, key), RGC_KEEP);
  CHECK_EQ(judge(NULL, "a", 70), RGC_KEEP);
  api.rgc_filter_destroy(run);

  /* What has expired may lie over an older value of the same key. */
  run = run_at(gc, RGC_KIND_TTL_V1, 1);
  uint64_t now = 1000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  api.rgc_filter_destroy(run);
  run = run_at(gc, RGC_KIND_TTL_V1, 1);
  CHECK_EQ(judge_as(run, RGC_VALUE, raw_key(1, "a", 1), BYTES("\0\0\0\0\0\0\0\1")), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

static void by_key(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  for (int is_bottommost = 0; is_bottommost < 2; ++is_bottommost) {
    rgc_filter_t* run = run_at(gc, RGC_KIND_RAW, is_bottommost);
    struct key key = raw_key(1, "a", 60);
    CHECK_EQ(judge_by_key(run, raw_key(1, "a", 90)), RGC_KEEP);
    for (int twice = 0; twice < 2; ++twice) SKIPS_TO(is_bottommost ? row_end(key) : raw_key(1, "a", 59), judge_by_key(run, key));
    CHECK_EQ(judge_by_key(run, raw_key(1, "b", 79)), RGC_UNDETERMINED);
    CHECK_EQ(judge(run, "b", 79), RGC_KEEP);
    key = raw_key(1, "b", 1);
    SKIPS_TO(is_bottommost ? row_end(key) : raw_key(1, "b", 0), judge_by_key(run, key));
    if (!is_bottommost) CHECK_EQ(judge_by_key(run, raw_key(1, "b", 0)), RGC_REMOVE);
    api.rgc_filter_destroy(run);
  }
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.kept, 4);
  CHECK_EQ(stats.skipped, 6);
  CHECK_EQ(stats.removed, 1);
  CHECK_EQ(stats.runs_closed, 0);
  api.rgc_destroy(gc);
}

static struct key record_key(uint64_t ts) { return mode_key('x', 1, "a", ts); }

/* The filter removes records one by one. What is newer than the first put or delete may cover a
 * tombstone, except in the last level. */
static void records(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  static const rgc_table_properties_t clean = {.struct_size = sizeof clean, .num_entries = 9};
  for (int is_bottommost = -1; is_bottommost <= 1; ++is_bottommost) {
    rgc_filter_t* run = run_at(gc, RGC_KIND_TXN, is_bottommost);
    if (is_bottommost != 1) SUCCEEDS(api.rgc_filter_set_inputs(run, &clean, 1, errptr));
    CHECK_EQ(judge_as(run, RGC_VALUE, record_key(81), BYTES("R\5")), RGC_KEEP);
    int in_front = is_bottommost == 1 ? RGC_REMOVE_AND_SKIP_UNTIL : RGC_REMOVE;
    CHECK_EQ(judge_as(run, RGC_VALUE, record_key(80), BYTES("R\5")), in_front);
    CHECK(is_bottommost != 1 || until_is(record_key(79)));
    CHECK_EQ(judge_as(run, RGC_VALUE, record_key(79), BYTES("L\5")), in_front);
    CHECK(is_bottommost != 1 || until_is(record_key(78)));
    CHECK_EQ(judge_as(run, RGC_VALUE, record_key(77), BYTES("P\5v\1a")), RGC_KEEP);
    SKIPS_TO(record_key(75), judge_as(run, RGC_VALUE, record_key(76), BYTES("R\5")));
    SKIPS_TO(record_key(74), judge_as(run, RGC_VALUE, record_key(75), BYTES("L\5")));
    SKIPS_TO(record_key(73), judge_as(run, RGC_VALUE, record_key(74), BYTES("P\5v\1a")));
    CHECK_EQ(judge_as(run, RGC_VALUE, record_key(73), BYTES("P\5")), RGC_KEEP);
    CHECK_EQ(judge_by_key(run, record_key(72)), RGC_UNDETERMINED);
    SKIPS_TO(record_key(71), judge_as(run, RGC_VALUE, record_key(72), BYTES("D\5")));
    CHECK_EQ(judge_as(run, RGC_VALUE, record_key(0), BYTES("D\5")), RGC_REMOVE);
    api.rgc_filter_destroy(run);
  }
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.skipped, 3 * 4 + 2);
  CHECK_EQ(stats.removed, 2 * 2 + 3);
  api.rgc_destroy(gc);
}

void test_skips(void) {
  modes();
  automatic();
  rows();
  without_skips();
  by_key();
  records();
}
