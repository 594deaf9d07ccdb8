/* records.c - filters over records of transactions: type, start_ts, then tagged fields. v is a
 * short value; without it a put has its value in the default column family. */
#include "parts.h"

#define SHORT_PUT "P\5v\1a"

static struct key record_key(const char* user_key, uint64_t ts) { return mode_key('x', 1, user_key, ts); }

/* A good put with a short value. */
static int decide_put(rgc_filter_t* run, const char* user_key, uint64_t ts) {
  return decide(run, record_key(user_key, ts), BYTES(SHORT_PUT));
}

static void rows(void) {
  rgc_t* gc = gc_at_80("");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 90), 1);
  rgc_filter_t* run = run_of(gc, RGC_KIND_TXN);
  /* TiDB's keys go by the global safe point; rows of RawKV are not judged. */
  CHECK_EQ(decide(run, stored_key(BYTES("m1"), 91), BYTES(SHORT_PUT)), RGC_KEEP);
  CHECK_EQ(decide(run, stored_key(BYTES("m1"), 90), BYTES(SHORT_PUT)), RGC_KEEP);
  CHECK_EQ(decide(run, stored_key(BYTES("m1"), 89), BYTES(SHORT_PUT)), RGC_REMOVE);
  CHECK_EQ(decide(run, raw_key(1, "a", 70), BYTES(SHORT_PUT)), RGC_KEEP);
  CHECK_EQ(decide(run, raw_key(1, "a", 60), BYTES("R\5")), RGC_KEEP);
  CHECK_EQ(decide(run, stored_key(BYTES("t1"), 90), BYTES("R\5")), RGC_REMOVE);
  CHECK_EQ(decide(run, mode_key('x', 0, "unnamed", 9), BYTES("R\5")), RGC_KEEP);
  CHECK_EQ(stats_of(gc).kept_unknown_keyspace, 1);

  /* The filter removes rollbacks and locks, newer or older than the row's first put or delete. Of
   * what is older it keeps only puts with long values. */
  CHECK_EQ(decide(run, record_key("a", 82), BYTES("R\5")), RGC_KEEP);
  CHECK_EQ(decide_put(run, "a", 81), RGC_KEEP);
  CHECK_EQ(decide(run, record_key("a", 80), BYTES("R\5")), RGC_REMOVE);
  CHECK_EQ(decide(run, record_key("a", 79), BYTES("L\5")), RGC_REMOVE);
  CHECK_EQ(decide(run, record_key("a", 78), BYTES("R\5v\1p")), RGC_REMOVE);
  CHECK_EQ(decide_put(run, "a", 77), RGC_KEEP);
  CHECK_EQ(decide(run, record_key("a", 76), BYTES("L\5v\1a")), RGC_REMOVE);
  CHECK_EQ(decide(run, record_key("a", 75), BYTES("D\5")), RGC_REMOVE);
  CHECK_EQ(decide(run, record_key("a", 74), BYTES("P\5v\0")), RGC_REMOVE);
  CHECK_EQ(decide_put(run, "a", 0), RGC_REMOVE);
  /* What becomes of a row is counted when it ends. */
  CHECK_EQ(decide(run, record_key("b", 80), BYTES("P\5")), RGC_KEEP);
  CHECK_EQ(stats_of(gc).rows_deferred, 0);
  CHECK_EQ(decide(run, record_key("b", 79), BYTES("P\5")), RGC_KEEP);
  CHECK_EQ(decide_put(run, "b", 78), RGC_REMOVE);

  /* The filter keeps a first delete. It also keeps a put with a fence at or below the safe point,
   * which counts as one. */
  CHECK_EQ(decide(run, record_key("c", 80), BYTES("D\5")), RGC_KEEP);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_deferred, 1);
  CHECK_EQ(decide_put(run, "c", 79), RGC_REMOVE);
  CHECK_EQ(decide(run, record_key("d", 70), BYTES(SHORT_PUT "F\0\0\0\0\0\0\0\x50")), RGC_KEEP);
  CHECK_EQ(decide_put(run, "d", 69), RGC_REMOVE);
  CHECK_EQ(decide(run, record_key("e", 70), BYTES(SHORT_PUT "F\0\0\0\0\0\0\0\x51")), RGC_KEEP);
  CHECK_EQ(decide(run, record_key("f", 70), BYTES(SHORT_PUT "RF\0\0\0\0\0\0\0\0")), RGC_KEEP);
  stats = stats_of(gc);
  CHECK_EQ(stats.delete_marked, 2);
  CHECK_EQ(stats.rows_deferred, 3);
  CHECK_EQ(stats.unparsed_values, 0);
  CHECK_EQ(stats.runs_closed, 0);
  /* The last row ends with the run; in a run above the last level another will meet it. */
  CHECK_EQ(decide(run, record_key("g", 70), BYTES("D\5")), RGC_KEEP);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).delete_marked, 3);
  CHECK_EQ(stats_of(gc).rows_deferred, 4);
  run = run_of(gc, RGC_KIND_TXN);
  api.rgc_filter_set_bottommost(run, 0);
  CHECK_EQ(decide(run, record_key("a", 70), BYTES("D\5")), RGC_KEEP);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).delete_marked, 4);
  CHECK_EQ(stats_of(gc).rows_deferred, 4);
  api.rgc_destroy(gc);
}

enum { GOOD, COUNTED, BROKEN };

/* Each is shown between two good puts. GOOD and COUNTED (a field of a later version: read up to
 * there): the filter removes records with a short value, deletes, locks and rollbacks. BROKEN: it
 * keeps the record and its row. */
static const struct {
  const char* bytes;
  size_t len;
  int state;
  int verdict;
} records[] = {
    {BYTES(""), BROKEN, RGC_KEEP},
    {BYTES("X\5"), BROKEN, RGC_KEEP},
    {BYTES("p\5"), BROKEN, RGC_KEEP},
    {BYTES("P"), BROKEN, RGC_KEEP},
    {BYTES("D"), BROKEN, RGC_KEEP},
    {BYTES("L"), BROKEN, RGC_KEEP},
    {BYTES("R"), BROKEN, RGC_KEEP},
    {BYTES("P\x80"), BROKEN, RGC_KEEP},
    {BYTES("P\x80\x80\x80\x80\x80\x80\x80\x80"), BROKEN, RGC_KEEP},
    {BYTES("P\5v"), BROKEN, RGC_KEEP},
    /* TiKV's process ends at this one. */
    {BYTES("P\5v\5abc"), BROKEN, RGC_KEEP},
    {BYTES("R\5v\5abc"), BROKEN, RGC_KEEP},
    {BYTES("P\5v\xff"), BROKEN, RGC_KEEP},
    {BYTES("P\5F\0\0"), BROKEN, RGC_KEEP},
    {BYTES("P\5v\1aF"), BROKEN, RGC_KEEP},
    {BYTES("P\5v\1aRF\0\0\0\0\0\0\0"), BROKEN, RGC_KEEP},
    {BYTES("P\5l"), BROKEN, RGC_KEEP},
    {BYTES("P\5l\0\0\0\0\0\0\0\5"), BROKEN, RGC_KEEP},
    {BYTES("P\5l\0\0\0\0\0\0\0\5\x80"), BROKEN, RGC_KEEP},
    /* And at this one. */
    {BYTES("P\5l\0\0\0\0\0\0\0\5\0"), BROKEN, RGC_KEEP},
    {BYTES("P\5v\1al\0\0\0\0\0\0\0\5\0"), BROKEN, RGC_KEEP},
    {BYTES("P\5S"), BROKEN, RGC_KEEP},
    {BYTES("P\5S\x80"), BROKEN, RGC_KEEP},
    {BYTES("P\5S\x80\x80\x80"), BROKEN, RGC_KEEP},
    {BYTES("P\5S\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), BROKEN, RGC_KEEP},

    {BYTES("P\5Zv\1a"), COUNTED, RGC_KEEP},
    {BYTES("P\5unknown"), COUNTED, RGC_KEEP},
    {BYTES("P\5v\1aZ"), COUNTED, RGC_REMOVE},
    {BYTES("D\5Z"), COUNTED, RGC_REMOVE},
    {BYTES("L\5Z"), COUNTED, RGC_REMOVE},
    {BYTES("R\5Zv\5abc"), COUNTED, RGC_REMOVE},

    {BYTES("P\5"), GOOD, RGC_KEEP},
    {BYTES("P\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02v\1a"), GOOD, RGC_REMOVE},
    {BYTES("P\x80\0v\1a"), GOOD, RGC_REMOVE},
    {BYTES("P\xff\xff\xff\xff\xff\xff\xff\xff\xff\xffR"), GOOD, RGC_KEEP},
    {BYTES("P\xff\xff\xff\xff\xff\xff\xff\xff\xff\xffRv\1a"), GOOD, RGC_REMOVE},
    {BYTES("P\5l\0\0\0\0\0\0\0\0\0"), GOOD, RGC_KEEP},
    {BYTES("P\5l\0\0\0\0\0\0\0\0\7"), GOOD, RGC_KEEP},
    {BYTES("P\5l\0\0\0\0\0\0\0\0\0v\1a"), GOOD, RGC_REMOVE},
    {BYTES("P\5l\0\0\0\0\0\0\0\0\7v\1a"), GOOD, RGC_REMOVE},
    {BYTES("P\5Rv\1a"), GOOD, RGC_REMOVE},
    {BYTES("P\5v\1av\1b"), GOOD, RGC_REMOVE},
    {BYTES("P\5v\0"), GOOD, RGC_REMOVE},
    {BYTES("P{R"), GOOD, RGC_KEEP},
    {BYTES("P{RF\0\0\0\0\0\x12\xd6\x87"), GOOD, RGC_KEEP},
    {BYTES("P\0v\13short_value"), GOOD, RGC_REMOVE},
    {BYTES("P\xc8\3v\13short_valueRF\5\xd9\x1a\xc3\xb9\xec\0\1"), GOOD, RGC_REMOVE},
    {BYTES("P\x81\x80\xb0\xcf\xbb\xd8\xc6\xec\5v\1vRF\5\xd9\x1a\xc3\xb9\xec\0\2l\5\xd9\x1a\xc3\xb9\xec\0\0\3S\xac\2"), GOOD, RGC_REMOVE},
    {BYTES("D\x80\x80\x40"), GOOD, RGC_REMOVE},
    {BYTES("D\x8c\1RF\0\0\0\0\0\0\0\0"), GOOD, RGC_REMOVE},
    {BYTES("L\xc8\3l\0\0\0\0\0\0\1Y\13"), GOOD, RGC_REMOVE},
    {BYTES("L\xc8\3S\1"), GOOD, RGC_REMOVE},
    {BYTES("R\5R"), GOOD, RGC_REMOVE},
    {BYTES("R\x80\x80\x80\x80\x80 v\1p"), GOOD, RGC_REMOVE},
};

/* Exactly as long as it says, so that a byte read too many is seen by who watches memory. */
static int decide_alone(rgc_filter_t* run, struct key key, const char* bytes, size_t len) {
  char* copy = malloc(len + (len == 0));
  REQUIRE(copy != NULL);
  memcpy(copy, bytes, len);
  int verdict = decide(run, key, copy, len);
  free(copy);
  return verdict;
}

/* A failure does not tell which record it is: its number, then. */
static void check_record(size_t i, int holds) {
  if (!holds) printf("  record %zu:\n", i);
  CHECK(holds);
}

static void shapes(void) {
  rgc_t* gc = gc_at_80("");
  for (size_t i = 0; i < sizeof records / sizeof *records; ++i) {
    rgc_filter_t* run = run_of(gc, RGC_KIND_TXN);
    int is_broken = records[i].state == BROKEN;
    uint64_t unparsed = stats_of(gc).unparsed_values;
    /* Above the safe point it is not read. */
    check_record(i, decide_alone(run, record_key("a", 81), records[i].bytes, records[i].len) == RGC_KEEP);
    CHECK_EQ(stats_of(gc).unparsed_values, unparsed);
    CHECK_EQ(decide_put(run, "a", 80), RGC_KEEP);
    CHECK_EQ(decide_put(run, "a", 79), RGC_REMOVE);
    check_record(i, decide_alone(run, record_key("a", 78), records[i].bytes, records[i].len) == records[i].verdict);
    check_record(i, stats_of(gc).unparsed_values == unparsed + (records[i].state != GOOD));
    check_record(i, decide_put(run, "a", 77) == (is_broken ? RGC_KEEP : RGC_REMOVE));
    check_record(i, decide_put(run, "a", 76) == (is_broken ? RGC_KEEP : RGC_REMOVE));
    check_record(i, stats_of(gc).unparsed_values == unparsed + (records[i].state != GOOD));
    CHECK_EQ(decide_put(run, "b", 80), RGC_KEEP);
    CHECK_EQ(decide_put(run, "b", 79), RGC_REMOVE);
    /* As the first of a row. */
    if (is_broken) {
      check_record(i, decide_alone(run, record_key("c", 80), records[i].bytes, records[i].len) == RGC_KEEP);
      check_record(i, decide_put(run, "c", 79) == RGC_KEEP);
      check_record(i, decide(run, record_key("c", 78), BYTES("R\5")) == RGC_KEEP);
    }
    api.rgc_filter_destroy(run);
  }
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  api.rgc_destroy(gc);
}

/* A record is judged by its value alone. */
static void without_values(void) {
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_TXN);
  static const int kept[] = {RGC_MERGE_OPERAND, RGC_WIDE_COLUMNS, RGC_BLOB_INDEX, 77, -1};
  CHECK_EQ(decide_put(run, "a", 80), RGC_KEEP);
  for (size_t i = 0; i < sizeof kept / sizeof *kept; ++i) {
    struct key key = record_key("a", 79 - i);
    CHECK_EQ(api.rgc_filter_decide(run, 0, kept[i], key.data, key.len, BYTES("R\5"), NULL, NULL), RGC_KEEP);
  }
  static const int verdicts[] = {RGC_KEEP, RGC_UNDETERMINED, RGC_UNDETERMINED};
  for (uint64_t ts = 81; ts >= 79; --ts) {
    struct key key = record_key("b", ts);
    CHECK_EQ(api.rgc_filter_decide_by_key(run, 0, key.data, key.len, NULL, NULL), verdicts[81 - ts]);
    if (ts < 81) CHECK_EQ(decide_put(run, "b", ts), ts == 80 ? RGC_KEEP : RGC_REMOVE);
  }
  CHECK_EQ(stats_of(gc).unparsed_values, 0);
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

void test_records(void) {
  rows();
  shapes();
  without_values();
}
