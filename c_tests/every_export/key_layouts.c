/* key_layouts.c - how options change a filter: prefixes, plain keys, history, unknown keyspaces. */
#include "parts.h"

/* A plain key: prefix, user key, timestamp. */
static struct key plain_key(const char* user_key, uint64_t ts) {
  struct key key = {0};
  key.len = strlen(user_key);
  memcpy(key.data, user_key, key.len);
  for (int shift = 56; shift >= 0; shift -= 8) key.data[key.len++] = (char)(~ts >> shift);
  return key;
}

static struct key with_prefix(char prefix, struct key key) {
  memmove(key.data + 1, key.data, key.len++);
  key.data[0] = prefix;
  return key;
}

static void data_prefix(void) {
  rgc_t* gc = gc_at_80("data_prefix=z");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_KEEP);
  CHECK_EQ(decide_live(run, with_prefix('z', raw_key(1, "a", 70))), RGC_KEEP);
  CHECK_EQ(decide_live(run, with_prefix('z', raw_key(1, "a", 60))), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).unparsed_keys, 2);
  api.rgc_destroy(gc);
}

static void plain(void) {
  rgc_t* gc = gc_with("key_layout=plain;history=latest;plain_keys=4");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 80), 1);
  struct key key = plain_key("user", 1);
  CHECK_EQ(api.rgc_safe_point_for_key(gc, key.data, key.len), 80);
  CHECK_EQ(api.rgc_safe_point_for_key(gc, key.data, key.len - 1), 0);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, plain_key("abc", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, plain_key("abc", 60)), RGC_KEEP);
  CHECK_EQ(decide_live(run, plain_key("user", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, plain_key("user", 60)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).unparsed_keys, 2);
  api.rgc_destroy(gc);

  gc = gc_with("key_layout=plain;history=latest;plain_keys=prefix_free;ledger_prefix=own/");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 80), 1);
  run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, plain_key("a", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, plain_key("a", 60)), RGC_REMOVE);
  CHECK_EQ(decide_live(run, plain_key("own/record", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, plain_key("own/record", 60)), RGC_KEEP);
  CHECK_EQ(decide_live(run, plain_key("user", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, plain_key("user", 60)), RGC_REMOVE);
  /* A timestamp alone is no key. */
  CHECK_EQ(decide_live(run, plain_key("", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, plain_key("", 60)), RGC_KEEP);
  api.rgc_filter_destroy(run);
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  api.rgc_destroy(gc);
}

/* Plain keys do not tell raw rows from transactions: a context serves the one or the other. */
static void one_kind_in_plain(void) {
  static const int kinds[] = {RGC_KIND_RAW, RGC_KIND_TXN};
  for (int first = 0; first < 2; ++first) {
    int other = kinds[1 - first];
    rgc_t* gc = gc_with("key_layout=plain;history=latest;plain_keys=4");
    CHECK_EQ(api.rgc_advance_global_safe_point(gc, 80), 1);
    rgc_filter_t* run = run_of(gc, kinds[first]);
    FAILS(CHECK(api.rgc_filter_create(gc, other, NULL, errptr) == NULL), "Invalid argument", "plain");
    FAILS(CHECK(api.rgc_factory_state(gc, other, errptr) == NULL), "Invalid argument", "plain");
    api.rgc_filter_destroy(run);
    FAILS(CHECK(api.rgc_filter_create(gc, other, NULL, errptr) == NULL), "Invalid argument", "plain");
    run = run_of(gc, kinds[first]);
    /* Good as a value and as a record: alive, and a put with a short value. */
    CHECK_EQ(decide(run, plain_key("user", 81), BYTES("P\5v\0")), RGC_KEEP);
    CHECK_EQ(decide(run, plain_key("user", 80), BYTES("P\5v\0")), RGC_KEEP);
    CHECK_EQ(decide(run, plain_key("user", 79), BYTES("P\5v\0")), RGC_REMOVE);
    api.rgc_filter_destroy(run);
    api.rgc_destroy(gc);

    gc = gc_with("key_layout=plain;history=latest;plain_keys=4");
    void* state = NULL;
    SUCCEEDS(state = api.rgc_factory_state(gc, kinds[first], errptr));
    CHECK_EQ(api.rgc_advance_global_safe_point(gc, 80), 1);
    FAILS(CHECK(api.rgc_filter_create(gc, other, NULL, errptr) == NULL), "Invalid argument", "plain");
    api.rgc_filter_destroy(run_of(gc, kinds[first]));
    api.rgc_factory_destructor(state);
    api.rgc_destroy(gc);
  }
}

/* snapshot: the first version below the safe point stays as well, for readers at it. */
static void history(void) {
  rgc_t* gc = gc_at_80("history=snapshot");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 100)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 80)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 70)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_REMOVE);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 79)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "b", 78)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

static void unknown_keyspaces(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  rgc_t* gc = gc_with("");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 80), 1);
  api.rgc_set_logger(remember, &log, RGC_LOG_WARN);
  CHECK_EQ(removals_of_a_row(gc), 0);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  CHECK_EQ(stats_of(gc).kept_unknown_keyspace, 3);
  CHECK_CONTAINS(log.text, "never registered");
  CHECK_CONTAINS(log.text, "rgc_set_keyspace_gc_type");
  api.rgc_destroy(gc);

  gc = gc_with("unknown_keyspace=global");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 80), 1);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 80);
  CHECK_EQ(removals_of_a_row(gc), 2);
  SUCCEEDS(api.rgc_pause_keyspace(gc, 1, errptr));
  CHECK_EQ(removals_of_a_row(gc), 0);
  CHECK_EQ(stats_of(gc).kept_unknown_keyspace, 0);
  api.rgc_destroy(gc);
}

void test_key_layouts(void) {
  data_prefix();
  plain();
  one_kind_in_plain();
  history();
  unknown_keyspaces();
}
