/* collect.c - rgc_collect: which files it takes, what its report says, and what it refuses. */
#include "attached.h"
#include "parts.h"

#define OF(key) (key).data, (key).len
enum { ROWS = 60, VERSIONS = 3 };

static struct key row(int i, uint64_t ts) {
  char user[8];
  snprintf(user, sizeof user, "k%03d", i);
  return raw_key(1, user, ts);
}

/* Of a transaction. */
static struct key record(int i, uint64_t ts) {
  char user[8];
  snprintf(user, sizeof user, "k%03d", i);
  return mode_key('x', 1, user, ts);
}

struct collecting {
  rgc_t* gc;
  struct mem_engine* engine;
};

/* Files in the last level; rows 20 to 39 will have garbage once the safe point is there. */
static struct collecting filled(size_t attached) {
  rgc_t* gc = gc_with("");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  struct mem_engine* engine = engine_new();
  mem_keys_per_file(engine->store, 10);
  for (int i = 0; i < ROWS; ++i) {
    int is_old = i >= 20 && i < 40;
    for (uint64_t ts = 10; ts < 10 + (is_old ? VERSIONS : 1); ++ts) {
      mem_put(engine->store, CF_DEFAULT, row(i, ts), BYTES("v\0"));
      mem_put(engine->store, CF_WRITE, record(i, ts), BYTES("P\1v\1a"));
      mem_put(engine->store, CF_LOCK, row(i, ts), BYTES("v\0"));
    }
  }
  mem_compact_all(engine->store);
  mem_judge(engine->store, CF_DEFAULT, gc, RGC_KIND_RAW);
  mem_judge(engine->store, CF_WRITE, gc, RGC_KIND_TXN);
  mem_judge(engine->store, CF_LOCK, gc, RGC_KIND_DROPPED_ONLY);
  attach(gc, engine, attached);
  SUCCEEDS(CHECK(api.rgc_advance_keyspace_safe_point(gc, 1, 80, errptr)));
  engine_forget(engine);
  return (struct collecting){gc, engine};
}

static void end(struct collecting it) {
  api.rgc_destroy(it.gc);
  engine_free(it.engine);
}

struct totals {
  uint64_t files, bytes, entries;
};
static void add_file(void* state, const rgc_file_t* file) {
  struct totals* totals = state;
  ++totals->files;
  totals->bytes += file->bytes;
  totals->entries += file->entries;
}
static struct totals totals_of(struct mem_engine* engine, uint32_t cf) {
  struct totals totals = {0, 0, 0};
  mem_files(engine->store, cf, add_file, &totals);
  return totals;
}

static rgc_collect_report_t collect(rgc_t* gc, const char* family, struct key start, struct key last, uint64_t max_bytes) {
  rgc_collect_report_t report;
  memset(&report, 0xee, sizeof report);
  report.struct_size = sizeof report;
  const char* from = start.len == 0 ? NULL : start.data;
  const char* to = last.len == 0 ? NULL : last.data;
  SUCCEEDS(api.rgc_collect(gc, family, from, start.len, to, last.len, max_bytes, &report, errptr));
  CHECK_EQ(report.struct_size, sizeof report);
  CHECK_EQ(report.files_considered, report.files_compacted + report.files_skipped);
  CHECK(report.files_without_garbage + report.files_over_budget <= report.files_skipped);
  CHECK(report.files_read <= report.files_considered);
  CHECK(report.elapsed_microseconds < 60 * 1000 * 1000);
  return report;
}

/* A dry run changes nothing. Of files without properties it says how many it would read. */
static void dry_run(rgc_t* gc, struct mem_engine* engine) {
  size_t compactions = engine_calls(engine, COMPACT);
  size_t flushes = engine_calls(engine, FLUSH);
  rgc_collect_report_t report = {.struct_size = sizeof report};
  SUCCEEDS(api.rgc_collect_dry_run(gc, NULL, NULL, 0, NULL, 0, 0, &report, errptr));
  CHECK(report.files_considered > 0 && report.files_read > 0);
  CHECK_EQ(report.files_with_figures, 0);
  CHECK_EQ(report.garbage_versions + report.garbage_bytes, 0);
  CHECK_EQ(engine_calls(engine, COMPACT), compactions);
  CHECK_EQ(engine_calls(engine, FLUSH), flushes);
  api.rgc_collect_dry_run(gc, NULL, NULL, 0, NULL, 0, 0, NULL, NULL);
  FAILS(api.rgc_collect_dry_run(gc, "no such", NULL, 0, NULL, 0, 0, NULL, errptr), "Not found", "no such");
  FAILS(api.rgc_collect_dry_run(gc, NULL, "b", 1, "a", 1, 0, NULL, errptr), "Invalid argument", "inverted");
  FAILS(api.rgc_collect_dry_run(NULL, NULL, NULL, 0, NULL, 0, 0, NULL, errptr), "Invalid argument", "gc");
  report.struct_size = 3;
  FAILS(api.rgc_collect_dry_run(gc, NULL, NULL, 0, NULL, 0, 0, &report, errptr), "Invalid argument", "struct_size");
  rgc_t* without_store = gc_with("");
  FAILS(api.rgc_collect_dry_run(without_store, NULL, NULL, 0, NULL, 0, 0, NULL, errptr), "Invalid argument", "attached");
  api.rgc_destroy(without_store);
}

static const struct key none = {0};

static void everything(void) {
  struct collecting it = filled(2);
  struct mem_store* store = it.engine->store;
  struct totals before[2] = {totals_of(it.engine, CF_DEFAULT), totals_of(it.engine, CF_WRITE)};
  CHECK_EQ(before[0].files, 10);
  dry_run(it.gc, it.engine);
  rgc_collect_report_t report = collect(it.gc, NULL, none, none, 0);
  struct totals after[2] = {totals_of(it.engine, CF_DEFAULT), totals_of(it.engine, CF_WRITE)};
  CHECK_EQ(report.files_considered, before[0].files + before[1].files);
  CHECK_EQ(report.bytes_before, before[0].bytes + before[1].bytes);
  CHECK_EQ(report.bytes_after, after[0].bytes + after[1].bytes);
  CHECK_EQ(report.versions_removed, before[0].entries + before[1].entries - after[0].entries - after[1].entries);
  CHECK(report.files_read > 0);
  CHECK(report.files_compacted >= 2 * 6 && report.files_compacted <= 2 * 8);
  CHECK(report.files_without_garbage >= 2 * 2);
  CHECK_EQ(report.files_over_budget, 0);
  /* A row that a border cuts keeps one version more. */
  for (uint32_t cf = 0; cf <= CF_WRITE; ++cf) CHECK(mem_count_all(store, cf) <= ROWS + 6);
  CHECK_EQ(mem_count_all(store, CF_LOCK), 100);
  for (int i = 0; i < ROWS; ++i) CHECK(mem_has(store, CF_DEFAULT, row(i, i >= 20 && i < 40 ? 12 : 10)));
  /* Then there is none. */
  size_t compactions = engine_calls(it.engine, COMPACT);
  report = collect(it.gc, NULL, none, none, 0);
  CHECK_EQ(report.files_compacted + report.versions_removed, 0);
  CHECK_EQ(report.bytes_before, report.bytes_after);
  CHECK_EQ(engine_calls(it.engine, COMPACT), compactions);
  SUCCEEDS(api.rgc_collect(it.gc, NULL, NULL, 0, NULL, 0, 0, NULL, errptr));
  end(it);
}

static void some(void) {
  /* One family; a range; nothing of it. */
  struct collecting it = filled(3);
  uint64_t digest = mem_digest_outside(it.engine->store, CF_WRITE, none, (struct key){.len = 1});
  rgc_collect_report_t report = collect(it.gc, "default", none, none, 0);
  CHECK(report.files_compacted > 0);
  CHECK_EQ(mem_digest_outside(it.engine->store, CF_WRITE, none, (struct key){.len = 1}), digest);
  report = collect(it.gc, "write", record(0, 0), record(15, 0), 0);
  CHECK_EQ(report.files_compacted, 0);
  CHECK(report.files_considered >= 1 && report.files_considered < 4);
  report = collect(it.gc, "write", record(30, 99), none, 0);
  CHECK(report.files_compacted > 0);
  CHECK(mem_has(it.engine->store, CF_WRITE, record(20, 10)));
  CHECK(!mem_has(it.engine->store, CF_WRITE, record(37, 10)));
  report = collect(it.gc, "write", none, record(30, 99), 0);
  CHECK(!mem_has(it.engine->store, CF_WRITE, record(21, 10)));
  report = collect(it.gc, "lock", none, none, 0);
  CHECK_EQ(report.versions_removed, 0);
  CHECK_EQ(mem_count_all(it.engine->store, CF_LOCK), 100);
  end(it);
}

static void budgets(void) {
  for (uint64_t max_bytes = 1; max_bytes < 20000; max_bytes *= 3) {
    struct collecting it = filled(2);
    struct totals before = totals_of(it.engine, CF_DEFAULT);
    rgc_collect_report_t report = collect(it.gc, "default", none, none, max_bytes);
    if (max_bytes < 100) CHECK_EQ(report.files_compacted, 0);
    if (max_bytes > 2 * before.bytes) CHECK(report.files_compacted >= 6);
    if (report.files_compacted < 6) CHECK(report.files_over_budget > 0);
    CHECK_EQ(report.versions_removed, before.entries - totals_of(it.engine, CF_DEFAULT).entries);
    end(it);
  }
}

/* The worker finishes the rows that filters give it; the next collect removes its tombstones. */
static void dead_rows(void) {
  struct collecting it = filled(2);
  for (int i = 0; i < 20; ++i) mem_put(it.engine->store, CF_DEFAULT, row(i, 70), BYTES("\2"));
  for (int i = 0; i < 20; ++i) mem_put(it.engine->store, CF_WRITE, record(i, 70), BYTES("D\1"));
  mem_flush(it.engine->store, CF_DEFAULT);
  mem_flush(it.engine->store, CF_WRITE);
  rgc_collect_report_t report = collect(it.gc, NULL, none, none, 0);
  CHECK(report.files_compacted > 0);
  drain(it.gc);
  CHECK_EQ(mem_count(it.engine->store, CF_DEFAULT, row(0, 100), row(19, 0)), 0);
  mem_flush(it.engine->store, CF_DEFAULT);
  mem_flush(it.engine->store, CF_WRITE);
  report = collect(it.gc, NULL, none, none, 0);
  CHECK(report.files_compacted > 0);
  CHECK(report.versions_removed >= 20);
  CHECK_EQ(mem_files_of(it.engine->store, CF_DEFAULT, row(0, 100), row(19, 0)), 0);
  end(it);
}

static void refused(void) {
  struct collecting it = filled(2);
  struct key a = row(1, 1);
  struct key b = row(2, 1);
  FAILS(api.rgc_collect(NULL, NULL, NULL, 0, NULL, 0, 0, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_collect(it.gc, "nobody's", NULL, 0, NULL, 0, 0, NULL, errptr), "Not found", "nobody's");
  FAILS(api.rgc_collect(it.gc, "", NULL, 0, NULL, 0, 0, NULL, errptr), "Not found");
  FAILS(api.rgc_collect(it.gc, "lock", NULL, 0, NULL, 0, 0, NULL, errptr), "Not found", "lock");
  FAILS(api.rgc_collect(it.gc, NULL, OF(b), OF(a), 0, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_collect(it.gc, NULL, NULL, 5, OF(a), 0, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_collect(it.gc, NULL, OF(b), NULL, 5, 0, NULL, errptr), "Invalid argument");
  rgc_collect_report_t report = {.struct_size = 3};
  FAILS(api.rgc_collect(it.gc, NULL, NULL, 0, NULL, 0, 0, &report, errptr), "Invalid argument");
  for (int function = 0; function < STALLED; ++function) CHECK_EQ(engine_calls(it.engine, function), 0);
  end(it);
}

static void failures(void) {
  for (int how = WITH_TEXT; how <= UNKNOWN; ++how) {
    for (long n = 0;; n += how == WITH_TEXT ? 1 + n / 8 : 1 + n / 2) {
      struct collecting it = filled(2);
      engine_fail(it.engine, ANY, how, n);
      char* error = CHECK_GARBAGE;
      api.rgc_collect(it.gc, NULL, NULL, 0, NULL, 0, 0, NULL, &error);
      size_t failed = it.engine->failed;
      CHECK((error == NULL) == (failed == 0));
      if (error != NULL && (how == WITH_TEXT || how == UNKNOWN)) CHECK(strcmp(error, NO_SPACE) == 0 || strstr(error, NO_SPACE) != NULL);
      api.rgc_free(error);
      engine_forget(it.engine);
      collect(it.gc, NULL, none, none, 0);
      for (int i = 0; i < ROWS; ++i) CHECK(mem_has(it.engine->store, CF_DEFAULT, row(i, i >= 20 && i < 40 ? 12 : 10)));
      CHECK(mem_count_all(it.engine->store, CF_DEFAULT) <= ROWS + 6);
      end(it);
      if (failed == 0) break;
    }
  }
}

void test_collect(void) {
  everything();
  some();
  budgets();
  dead_rows();
  refused();
  failures();
}
