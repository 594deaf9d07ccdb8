/* stats.c - counters as a struct that grows, and as text. */
#include "parts.h"

/* The counters of rgc_stats_t by their names: those that this version counts, and all. */
#define COUNTED(X)                                                                                                         \
  X(runs_started) X(filters_not_needed) X(runs_closed) X(kept) X(removed) X(skipped) X(expired) X(delete_marked) X(unparsed_keys) \
  X(unparsed_values) X(kept_unknown_keyspace) X(safe_points_refused) X(gc_types_refused) X(rows_deferred) X(cache_bytes) \
  X(not_needed_no_safe_point) X(not_needed_nothing_dropped) X(not_needed_too_new) X(not_needed_little_garbage) \
  X(not_needed_nothing_expired) X(kept_no_own_safe_point) X(kept_other_kind) X(kept_disabled) X(own_safe_points_unused)
#define COUNTERS(X)                                                                                                        \
  COUNTED(X) X(dropped) X(late_dropped) X(kept_unknown_schema) X(rows_queued) X(rows_done) X(rows_left_unparsed) \
  X(pending) X(destroyed_records)

static void sizes(void) {
  rgc_t* gc = gc_at_80("");
  CHECK_EQ(removals_of_a_row(gc), 2);
  rgc_stats_t full = stats_of(gc);
  CHECK_EQ(full.runs_started, 1);
  CHECK(full.cache_bytes > 0);
  struct {
    rgc_stats_t known;
    char more[64];
  } out;
  /* As many bytes as there is room for; behind them nothing is touched. */
  for (size_t size = 0; size <= sizeof out; ++size) {
    memset(&out, 0xee, sizeof out);
    out.known.struct_size = size;
    api.rgc_stats(gc, &out.known);
    size_t written = size < sizeof full ? size : sizeof full;
    CHECK_EQ(out.known.struct_size, size < sizeof(size_t) ? size : written);
    if (written < sizeof(size_t)) written = sizeof(size_t);
    CHECK(memcmp((char*)&out + sizeof(size_t), (char*)&full + sizeof(size_t), written - sizeof(size_t)) == 0);
    for (size_t i = written; i < sizeof out; ++i) {
      if (((unsigned char*)&out)[i] != 0xee) CHECK(!"a byte behind struct_size was written");
    }
  }
  api.rgc_stats(gc, NULL);
  api.rgc_stats(NULL, NULL);
  rgc_stats_t none = stats_of(NULL);
#define IS_ZERO(counter) CHECK_EQ(none.counter, 0);
  COUNTERS(IS_ZERO)
#undef IS_ZERO
  CHECK_EQ(sizeof none, sizeof(size_t) + 32 * sizeof(uint64_t));
  api.rgc_destroy(gc);
}

/* The value of a metric, which stands at the beginning of a line; UINT64_MAX = it is not there. */
static uint64_t metric(const char* text, const char* name) {
  char line[80];
  snprintf(line, sizeof line, "\nrocks_gc_%s", name);
  for (const char* at = strstr(text, line); at != NULL; at = strstr(at + 1, line)) {
    at += strlen(line);
    if (strncmp(at, "_total", 6) == 0) at += 6;
    if (*at == ' ') return strtoull(at, NULL, 10);
  }
  return UINT64_MAX;
}

static void metrics(void) {
  rgc_t* gc = gc_at_80("");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 49), 0);
  CHECK_EQ(removals_of_a_row(gc), 2);
  char* text = api.rgc_metrics(gc);
  REQUIRE(text != NULL);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(metric(text, "global_safe_point"), 50);
#define IS_THERE(counter) CHECK_EQ(metric(text, #counter), stats.counter);
  COUNTED(IS_THERE)
#undef IS_THERE
  CHECK_EQ(stats.removed, 2);
  CHECK(strlen(text) > 6 && strcmp(text + strlen(text) - 6, "# EOF\n") == 0);
  api.rgc_free(text);
  CHECK(api.rgc_metrics(NULL) == NULL);
  api.rgc_destroy(gc);
}

/* What is kept for a reason of the host's is counted, and logged once. */
static void kept(void) {
  static struct log log;
  log = (struct log){0};
  CHECK(api.rgc_set_logger(remember, &log, RGC_LOG_INFO));
  rgc_t* gc = gc_with("");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 90), 1);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  CHECK_EQ(removals_of_a_row(gc), 0);
  CHECK_EQ(removals_of_a_row(gc), 0);
  CHECK_EQ(stats_of(gc).kept_no_own_safe_point, 6);
  static const char told[] = "keyspace 1 (mode r): it is registered as keyspace level and has no safe point of its own";
  const char* first = strstr(log.text, told);
  CHECK(first != NULL && strstr(first + 1, told) == NULL);

  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 80, errptr));
  set_enabled_elsewhere(gc, 0);
  CHECK_EQ(removals_of_a_row(gc), 0);
  CHECK_EQ(stats_of(gc).kept_disabled, 3);
  CHECK(strstr(log.text, "collecting is switched off") != NULL);
  set_enabled_elsewhere(gc, 1);
  CHECK_EQ(removals_of_a_row(gc), 2);

  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 2, 80, errptr)); /* never registered */
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 2, 81, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_GLOBAL, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 3, 80, errptr));
  CHECK_EQ(stats_of(gc).own_safe_points_unused, 2);

  rgc_filter_t* filter = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide(filter, mode_key('x', 1, "a", 9), BYTES("any")), RGC_KEEP);
  api.rgc_filter_destroy(filter);
  CHECK_EQ(stats_of(gc).kept_other_kind, 1);
  CHECK(strstr(log.text, "judge keys of other modes") != NULL);
  /* With filters for records, these are their values. */
  filter = run_of(gc, RGC_KIND_TXN);
  CHECK_EQ(decide(filter, raw_key(1, "a", 9), BYTES("v\0")), RGC_KEEP);
  api.rgc_filter_destroy(filter);
  CHECK_EQ(stats_of(gc).kept_other_kind, 2);
  filter = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide(filter, mode_key('x', 1, "a", 9), BYTES("any")), RGC_KEEP);
  api.rgc_filter_destroy(filter);
  CHECK_EQ(stats_of(gc).kept_other_kind, 2);
  api.rgc_destroy(gc);
  CHECK(api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF));
}

void test_stats(void) {
  kept();
  sizes();
  metrics();
}
