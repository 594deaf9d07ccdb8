/* schema_runs.c - how filters judge keys of schemas: every kind, value type and mode, and keys that
 * only look like a schema's. */
#include "schema_keys.h"

static const int kinds[] = {RGC_KIND_DROPPED_ONLY, RGC_KIND_RAW, RGC_KIND_TXN, RGC_KIND_TTL_V1};
static const int types[] = {RGC_VALUE, RGC_MERGE_OPERAND, RGC_BLOB_INDEX, RGC_WIDE_COLUMNS, 77, -1};

/* In keyspace 1, 0x61620001 ("ab\0\1") and 0x61620003 are valid, other ids up to 0x61620004 are
 * not. Keyspace 2 has no schemas, 3 an empty list, 4 is as 1 but paused, 5 was never registered,
 * and of 0 one schema was created. */
static rgc_t* context(const char* options) {
  rgc_t* gc = gc_of_schemas(options);
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(0x61620003, 0x61620001), 0x61620004, errptr));
  SUCCEEDS(api.rgc_schemas_load(gc, 3, NULL, 0, 0x61620004, errptr));
  SUCCEEDS(api.rgc_schemas_load(gc, 4, IDS(0x61620003, 0x61620001), 0x61620004, errptr));
  SUCCEEDS(api.rgc_schemas_load(gc, 5, IDS(0x61620003, 0x61620001), 0x61620004, errptr));
  SUCCEEDS(api.rgc_schema_create(gc, 0, 0x61620002, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 4, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_pause_keyspace(gc, 4, errptr));
  return gc;
}

static int is_valid_id(uint32_t id) { return id == 0x61620001 || id == 0x61620003; }
static int goes(const struct key* key) {
  uint32_t keyspace, id;
  if (!schema_of_key(key->data, key->len, &keyspace, &id)) return 0;
  return (keyspace == 1 || keyspace == 4 || keyspace == 5) && !is_valid_id(id) && id <= 0x61620004;
}
static int is_unknown(const struct key* key) {
  uint32_t keyspace, id;
  if (!schema_of_key(key->data, key->len, &keyspace, &id)) return 0;
  if (keyspace == 0) return id != 0x61620002;
  if (keyspace == 3) return 1;
  return keyspace != 2 && keyspace < 6 && id > 0x61620004;
}

static const struct {
  const char* bytes;
  size_t len;
} users[] = {
    {BYTES("")},         {BYTES("\0")},           {BYTES("a")},         {BYTES("ab")},          {BYTES("ab\0")},
    {BYTES("ab\0\0")},   {BYTES("ab\0\0\0")},     {BYTES("ab\0\0x")},   {BYTES("ab\0\1")},      {BYTES("ab\0\1\0\0\0\0")},
    {BYTES("ab\0\2")},   {BYTES("ab\0\3tail")},   {BYTES("ab\0\4")},    {BYTES("ab\0\5")},      {BYTES("ab\0\5tail")},
    {BYTES("ab\1")},     {BYTES("ab\1\0")},       {BYTES("abc")},       {BYTES("abcd")},        {BYTES("b")},
    {BYTES("\0\0\0\0")}, {BYTES("\0\0\0\0\0\0")}, {BYTES("\0\0\0\1")},  {BYTES("\0\0\0")},      {BYTES("\xff\xff\xff\xff")},
    {BYTES("\xff\xff")}, {BYTES("a longer user key of 1 schema")},      {BYTES("ab\0\2 and so on for quite a while")},
    {BYTES("ab\0\1 and so on for quite a while")}, {BYTES("ab\0\0 and so on for quite a while")},
};
enum { USERS = sizeof users / sizeof *users, KEYS = 5 * 7 * 2 * USERS };
static struct key keys[KEYS];

/* Every user key in every mode and keyspace, above every safe point; with_locks: also without
 * timestamp. */
static size_t make_keys(int with_locks) {
  static const char modes[] = "rxmtq";
  static const uint32_t keyspaces[] = {0, 1, 2, 3, 4, 5, RGC_KEYSPACE_MAX};
  size_t n = 0;
  for (size_t m = 0; m < 5; ++m) {
    for (size_t k = 0; k < 7; ++k) {
      for (size_t u = 0; u < USERS; ++u) {
        keys[n++] = user_key(modes[m], keyspaces[k], users[u].bytes, users[u].len, 90);
        if (!with_locks) continue;
        keys[n] = row_of_key(keys[n - 1]);
        ++n;
      }
    }
  }
  qsort(keys, n, sizeof *keys, compare_keys);
  return n;
}

/* Says which key it was. */
static void check_verdict(const struct key* key, int kind, int type, int verdict) {
  int expected = goes(key) ? RGC_REMOVE : RGC_KEEP;
  CHECK_EQ(verdict, expected);
  if (verdict != expected) fprintf(stderr, "kind %d, type %d, key %s\n", kind, type, hex_of(key->data, key->len));
}

static void everywhere(const char* options) {
  rgc_t* gc = context(options);
  uint64_t dropped = 0;
  for (size_t k = 0; k < 4; ++k) {
    /* Locks have no timestamps; their family's kind takes keys of any shape. */
    size_t n = make_keys(kinds[k] == RGC_KIND_DROPPED_ONLY);
    for (size_t t = 0; t < sizeof types / sizeof *types; ++t) {
      rgc_filter_t* run = run_of(gc, kinds[k]);
      for (size_t i = 0; i < n; ++i) {
        const char* value = kinds[k] == RGC_KIND_TXN ? "P\5v\1a" : "v\0";
        size_t len = kinds[k] == RGC_KIND_TXN ? 5 : 2;
        check_verdict(&keys[i], kinds[k], types[t],
                      api.rgc_filter_decide(run, 0, types[t], OF(keys[i]), types[t] == RGC_BLOB_INDEX ? NULL : value,
                                            types[t] == RGC_BLOB_INDEX ? 0 : len, NULL, NULL));
        dropped += (uint64_t)goes(&keys[i]);
      }
      api.rgc_filter_destroy(run);
    }
    /* By the key alone. */
    rgc_filter_t* run = run_of(gc, kinds[k]);
    for (size_t i = 0; i < n; ++i) {
      int verdict = api.rgc_filter_decide_by_key(run, 0, OF(keys[i]), NULL, NULL);
      if (verdict == RGC_UNDETERMINED) verdict = decide(run, keys[i], BYTES("\0\0\0\0\0\0\0\0"));
      check_verdict(&keys[i], kinds[k], -2, verdict);
      dropped += (uint64_t)goes(&keys[i]);
    }
    api.rgc_filter_destroy(run);
    /* Through RocksDB's callback. */
    run = run_of(gc, kinds[k]);
    for (size_t i = 0; i < n; ++i) {
      unsigned char changed = 1;
      char* value = NULL;
      size_t value_len = 0;
      int verdict = api.rgc_filter_callback(run, 0, OF(keys[i]), BYTES("\xff"), &value, &value_len, &changed);
      check_verdict(&keys[i], kinds[k], -3, verdict == 0 ? RGC_KEEP : RGC_REMOVE);
      CHECK_EQ(changed, 0);
      dropped += (uint64_t)goes(&keys[i]);
    }
    api.rgc_filter_destroy(run);
  }
  rgc_stats_t stats = stats_of(gc);
  CHECK(dropped > 0);
  CHECK_EQ(stats.dropped, dropped);
  CHECK_EQ(stats.removed, dropped);
  CHECK_EQ(stats.late_dropped, 0);
  CHECK_EQ(stats.runs_closed, 0);
  api.rgc_destroy(gc);
}

/* Of the kinds that judge these keys, what is unknown is counted. */
static void counted(void) {
  size_t n = make_keys(0);
  for (size_t k = 1; k < 3; ++k) {
    rgc_t* gc = context("");
    rgc_filter_t* run = run_of(gc, kinds[k]);
    uint64_t unknown = 0;
    for (size_t i = 0; i < n; ++i) {
      char mode = kinds[k] == RGC_KIND_RAW ? 'r' : 'x';
      if (keys[i].data[0] != mode) continue;
      if (kinds[k] == RGC_KIND_RAW) decide_live(run, keys[i]);
      else decide(run, keys[i], BYTES("P\5v\1a"));
      unknown += (uint64_t)is_unknown(&keys[i]);
    }
    api.rgc_filter_destroy(run);
    CHECK(unknown > 0);
    CHECK_EQ(stats_of(gc).kept_unknown_schema, unknown);
    api.rgc_destroy(gc);
  }
}

/* Rows of what stays are judged as ever; what goes leaves no trace. */
static void rows(void) {
  rgc_t* gc = context("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  /* Dropped, valid, dropped, unknown. */
  static const uint32_t ids[] = {0x61620000, 0x61620001, 0x61620002, 0x61620005};
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  for (size_t i = 0; i < 4; ++i) {
    int is_dropped = i % 2 == 0;
    static const char* const rests[] = {"", "a", "a much longer user key"};
    for (size_t r = 0; r < 3; ++r) {
      CHECK_EQ(decide_live(run, id_key('r', 1, ids[i], rests[r], 90)), is_dropped ? RGC_REMOVE : RGC_KEEP);
      CHECK_EQ(decide_live(run, id_key('r', 1, ids[i], rests[r], 80)), is_dropped ? RGC_REMOVE : RGC_KEEP);
      CHECK_EQ(decide_live(run, id_key('r', 1, ids[i], rests[r], 79)), RGC_REMOVE);
      CHECK_EQ(decide_live(run, id_key('r', 1, ids[i], rests[r], 70)), RGC_REMOVE);
    }
    /* The first of its row is never the second of another's. */
    CHECK_EQ(decide_live(run, id_key('r', 1, ids[i], "b", 70)), is_dropped ? RGC_REMOVE : RGC_KEEP);
    /* A mark, and a value that does not parse. */
    CHECK_EQ(decide(run, id_key('r', 1, ids[i], "c", 70), BYTES("\2")), is_dropped ? RGC_REMOVE : RGC_KEEP);
    CHECK_EQ(decide(run, id_key('r', 1, ids[i], "d", 70), BYTES("\xff")), is_dropped ? RGC_REMOVE : RGC_KEEP);
    CHECK_EQ(decide_live(run, id_key('r', 1, ids[i], "d", 60)), is_dropped ? RGC_REMOVE : RGC_KEEP);
  }
  api.rgc_filter_destroy(run);
  drain(gc);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued, 2);
  CHECK_EQ(stats.unparsed_values, 2);
  CHECK_EQ(stats.dropped, 2 * (3 * 4 + 4));
  /* The others' second versions at 80 are above; of each row two went. */
  CHECK_EQ(stats.removed - stats.dropped, 2 * 3 * 2);
  run = run_of(gc, RGC_KIND_TXN);
  for (size_t i = 0; i < 4; ++i) {
    int is_dropped = i % 2 == 0;
    CHECK_EQ(decide(run, id_key('x', 1, ids[i], "a", 90), BYTES("P\5")), is_dropped ? RGC_REMOVE : RGC_KEEP);
    CHECK_EQ(decide(run, id_key('x', 1, ids[i], "a", 70), BYTES("D\5")), is_dropped ? RGC_REMOVE : RGC_KEEP);
    CHECK_EQ(decide(run, id_key('x', 1, ids[i], "a", 60), BYTES("P\5v\1a")), RGC_REMOVE);
    CHECK_EQ(decide(run, id_key('x', 1, ids[i], "b", 60), BYTES("?")), is_dropped ? RGC_REMOVE : RGC_KEEP);
  }
  api.rgc_filter_destroy(run);
  drain(gc);
  CHECK_EQ(stats_of(gc).rows_queued, 2 + 2);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A long row, and what becomes of it in the middle. */
static struct key at(uint32_t id, const char* rest, uint64_t ts) { return id_key('r', 1, id, rest, ts); }
#define LONG "0123456789 of a long row"
#define NEXT_LONG "0123456789 of a long rox"

struct change {
  rgc_t* gc;
  uint32_t id;
};
/* A thread that is in a run may not drop. */
static void* drop_elsewhere(void* state) {
  struct change* change = state;
  SUCCEEDS(api.rgc_schema_drop(change->gc, 1, change->id, errptr));
  return NULL;
}
static void drop_on_another_thread(rgc_t* gc, uint32_t id) {
  struct change change = {gc, id};
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, drop_elsewhere, &change) == 0);
  pthread_join(thread, NULL);
}

static void changes_in_the_middle(void) {
  rgc_t* gc = context("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 1);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  /* Valid by the list; then not. The next row goes, and nothing comes back. */
  CHECK_EQ(decide_live(run, at(0x61620001, LONG, 90)), RGC_KEEP);
  CHECK_EQ(decide_live(run, at(0x61620001, LONG, 85)), RGC_KEEP);
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(0x61620003), 0x61620004, errptr));
  decide_live(run, at(0x61620001, LONG, 84));
  CHECK_EQ(decide_live(run, at(0x61620001, LONG, 70)), RGC_REMOVE);
  CHECK_EQ(decide_live(run, at(0x61620001, NEXT_LONG, 90)), RGC_REMOVE);
  CHECK_EQ(decide_live(run, at(0x61620001, NEXT_LONG, 70)), RGC_REMOVE);
  /* A list drops the schema, then the host creates it: the filter must keep all its versions,
   * except those that a version it kept shadows. */
  CHECK_EQ(decide_live(run, at(0x61620002, LONG, 90)), RGC_REMOVE);
  SUCCEEDS(api.rgc_schema_create(gc, 1, 0x61620002, errptr));
  int kept = 0;
  for (uint64_t ts = 79; ts >= 70; ts -= 3) kept += decide_live(run, at(0x61620002, LONG, ts)) == RGC_KEEP;
  CHECK(kept <= 1);
  CHECK_EQ(decide_live(run, at(0x61620002, NEXT_LONG, 90)), RGC_KEEP);
  CHECK_EQ(decide_live(run, at(0x61620002, NEXT_LONG, 79)), RGC_REMOVE);
  /* Created and dropped by name. */
  CHECK_EQ(decide_live(run, at(0x61620003, LONG, 90)), RGC_KEEP);
  drop_on_another_thread(gc, 0x61620003);
  decide_live(run, at(0x61620003, LONG, 85));
  CHECK_EQ(decide_live(run, at(0x61620003, NEXT_LONG, 90)), RGC_REMOVE);
  /* Unknown, and then dropped. */
  CHECK_EQ(decide_live(run, at(0x61620009, LONG, 90)), RGC_KEEP);
  drop_on_another_thread(gc, 0x61620009);
  CHECK_EQ(decide_live(run, at(0x61620009, NEXT_LONG, 90)), RGC_REMOVE);
  /* Switched off everything stays, from the next row on; then it goes again. */
  set_enabled_elsewhere(gc, 0);
  CHECK_EQ(decide_live(run, at(0x61620009, "1", 90)), RGC_KEEP);
  CHECK_EQ(decide_live(run, at(0x61620009, "1", 70)), RGC_KEEP);
  set_enabled_elsewhere(gc, 1);
  CHECK_EQ(decide_live(run, at(0x61620009, "2", 90)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  drain(gc);
  api.rgc_detach(gc);
  /* A created schema is valid for a later filter, too. A drop by name ends with detach. */
  run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, at(0x61620002, LONG, 90)), RGC_KEEP);
  api.rgc_destroy(gc);
  /* A run goes on with what was known. */
  CHECK_EQ(decide_live(run, at(0x61620005, LONG, 90)), RGC_KEEP);
  CHECK_EQ(decide_live(run, at(0x61620009, LONG, 90)), RGC_KEEP);
  api.rgc_filter_destroy(run);
  engine_free(engine);
}

/* Switched off from the start; and runs that are made after the host gave the context up. */
static void states_of_the_context(void) {
  rgc_t* gc = context("");
  void* factory = NULL;
  SUCCEEDS(factory = api.rgc_factory_state(gc, RGC_KIND_DROPPED_ONLY, errptr));
  api.rgc_set_enabled(gc, 0);
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr));
  CHECK_EQ(decide_live(run, at(0x61620000, "a", 90)), RGC_KEEP);
  api.rgc_filter_destroy(run);
  api.rgc_set_enabled(gc, 1);
  api.rgc_destroy(gc);
  for (size_t k = 0; k < 4; ++k) {
    run = run_of(gc, kinds[k]);
    CHECK_EQ(decide_live(run, at(0x61620000, "a", 90)), RGC_REMOVE);
    CHECK_EQ(decide_live(run, at(0x61620001, "a", 90)), RGC_KEEP);
    api.rgc_filter_destroy(run);
  }
  api.rgc_factory_destructor(factory);
}

/* Lists that arrive while filters decide: a filter never drops a schema that is in all of them, and
 * never keeps one that is in none. */
static void* load_lists(void* gc) {
  for (int i = 0; i < 300; ++i) {
    if (i % 2 == 0) SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(0x61620003, 0x61620001), 0x61620004, errptr));
    else SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(0x61620001, 0x61620002, 0x61620003), 0x61620004, errptr));
    SUCCEEDS(api.rgc_schema_create(gc, 1, 0x70000000 + (uint32_t)i, errptr));
  }
  return NULL;
}
static void at_once(void) {
  rgc_t* gc = context("");
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, load_lists, gc) == 0);
  int wrong = 0;
  for (int round = 0; round < 300; ++round) {
    rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
    wrong += decide_live(run, at(0x61620000, "a", 90)) != RGC_REMOVE;
    wrong += decide_live(run, at(0x61620001, "a", 90)) != RGC_KEEP;
    decide_live(run, at(0x61620002, "a", 90));
    wrong += decide_live(run, at(0x61620003, "a", 90)) != RGC_KEEP;
    wrong += decide_live(run, at(0x61620004, "a", 90)) != RGC_REMOVE;
    wrong += decide_live(run, at(0x61620005, "a", 90)) != RGC_KEEP;
    api.rgc_filter_destroy(run);
  }
  CHECK_EQ(wrong, 0);
  pthread_join(thread, NULL);
  api.rgc_destroy(gc);
}

void test_schema_runs(void) {
  everywhere("");
  everywhere("remove_mode=skip");
  counted();
  rows();
  changes_in_the_middle();
  states_of_the_context();
  at_once();
}
