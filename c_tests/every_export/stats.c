/* stats.c - counters as a struct that grows, and as text. */
#include "parts.h"

/* The counters of rgc_stats_t by their names: those that this version counts, and all. */
#define COUNTED(X)                                                                                                         \
  X(runs_started) X(filters_not_needed) X(runs_closed) X(kept) X(removed) X(skipped) X(expired) X(delete_marked) X(unparsed_keys) \
  X(unparsed_values) X(kept_unknown_keyspace) X(safe_points_refused) X(gc_types_refused) X(rows_deferred) X(cache_bytes)
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
  CHECK_EQ(sizeof none, sizeof(size_t) + 23 * sizeof(uint64_t));
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

void test_stats(void) {
  sizes();
  metrics();
}
