/* destroy_errors.c - what destroying refuses, how records end, and calls from inside a filter, a
 * callback or the engine. */
#define _GNU_SOURCE
#include <time.h>

#include "attached.h"
#include "parts.h"

/* A bound as pointer and length. */
#define OF(key) (key).data, (key).len

static void refused(void) {
  rgc_t* gc = gc_at_80("data_prefix=z");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 5);
  engine_forget(engine);
  struct key a = key_of(BYTES("zr\0\0\1a"));
  struct key b = key_of(BYTES("zr\0\0\1b"));
  FAILS(api.rgc_destroy_range(NULL, OF(a), OF(b), 0, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_range(gc, NULL, 0, OF(b), 0, NULL, errptr), "Invalid argument", "missing");
  FAILS(api.rgc_destroy_range(gc, OF(a), NULL, 0, 0, NULL, errptr), "Invalid argument", "missing");
  FAILS(api.rgc_destroy_range(gc, a.data, 0, OF(b), 0, NULL, errptr), "Invalid argument", "missing");
  FAILS(api.rgc_destroy_range(gc, OF(a), b.data, 0, 0, NULL, errptr), "Invalid argument", "missing");
  FAILS(api.rgc_destroy_range(gc, NULL, 3, OF(b), 0, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_range(gc, OF(a), NULL, 3, 0, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_range(gc, NULL, 0, NULL, 0, 0, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_range(gc, OF(b), OF(a), 0, NULL, errptr), "Invalid argument");
  FAILS(api.rgc_destroy_range(gc, OF(a), OF(a), 0, NULL, errptr), "Invalid argument");
  static const int flags[] = {4, 8, -1, 7, INT32_MIN};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) {
    FAILS(api.rgc_destroy_range(gc, OF(a), OF(b), flags[i], NULL, errptr), "Invalid argument");
  }
  /* The library's own keys. */
  static const struct {
    const char *start, *end;
  } own[] = {{"\1rocks_gc/", "\1rocks_gc0"}, {"\1rocks_gc/x", "\1rocks_gc/y"}, {"\1", "\2"}, {"\1rocks_gc.", "\1rocks_gc/x"},
             {"\1rocks_gc/x", "\2"},         {"\1rocks_gc/", "\1rocks_gc/a"},   {"\1", "z"}, {"\1rocks_gc/\xff\xff", "\xff"}};
  for (size_t i = 0; i < sizeof own / sizeof *own; ++i) {
    size_t end_len = strlen(own[i].end);
    FAILS(api.rgc_destroy_range(gc, own[i].start, strlen(own[i].start), own[i].end, end_len, 0, NULL, errptr), "Invalid argument");
  }
  /* A struct without room; it is the library's to fill. */
  rgc_destroy_report_t small = {.struct_size = 1};
  FAILS(api.rgc_destroy_range(gc, OF(b), OF(a), 0, &small, errptr), "Invalid argument");
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  for (int function = 0; function < STALLED; ++function) CHECK_EQ(engine_calls(engine, function), 0);
  /* Beside its own keys, to the byte. */
  SUCCEEDS(api.rgc_destroy_range(gc, BYTES("\1"), BYTES("\1rocks_gc/"), 0, NULL, errptr));
  SUCCEEDS(api.rgc_destroy_range(gc, BYTES("\1rocks_gc0"), BYTES("\xff\xff"), 0, NULL, errptr));
  CHECK_EQ(api.rgc_destroyed_count(gc), 2);
  FAILS(api.rgc_destroy_range(gc, OF(a), OF(b), RGC_DESTROY_REUSABLE, NULL, errptr), "Busy", "ff");
  FAILS(api.rgc_destroy_keyspace(gc, 5, RGC_DESTROY_REUSABLE, NULL, errptr), "Busy", "ff");
  SUCCEEDS(api.rgc_destroy_range(gc, OF(a), OF(b), 0, NULL, errptr));
  CHECK_EQ(api.rgc_destroyed_count(gc), 3);
  FAILS(api.rgc_release_destroyed(gc, OF(a), BYTES("zr"), errptr), "Not found");
  FAILS(api.rgc_release_destroyed(gc, BYTES("\1"), BYTES("\1rocks_gc0"), errptr), "Not found");
  FAILS(api.rgc_release_destroyed(NULL, OF(a), OF(b), errptr), "Invalid argument");
  FAILS(api.rgc_release_destroyed(gc, NULL, 0, NULL, 0, errptr), "Not found");
  FAILS(api.rgc_release_destroyed(gc, NULL, 5, OF(b), errptr), "Invalid argument");
  SUCCEEDS(api.rgc_release_destroyed(gc, BYTES("\1rocks_gc0"), BYTES("\xff\xff"), errptr));
  FAILS(api.rgc_release_destroyed(gc, BYTES("\1rocks_gc0"), BYTES("\xff\xff"), errptr), "Not found");
  CHECK_EQ(api.rgc_destroyed_count(gc), 2);
  /* No record covers the range any more. Records beside it, and its own, make no difference. */
  struct key c = key_of(BYTES("zr\0\0\1c"));
  SUCCEEDS(api.rgc_destroy_range(gc, OF(b), OF(c), RGC_DESTROY_REUSABLE, NULL, errptr));
  CHECK_EQ(api.rgc_destroyed_count(gc), 2);
  FAILS(api.rgc_destroy_range(gc, OF(a), OF(c), RGC_DESTROY_REUSABLE, NULL, errptr), "Busy", "7a");
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Reports of every size. */
static void sizes(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 1);
  struct {
    rgc_destroy_report_t known;
    char more[16];
  } report;
  struct {
    rgc_collect_report_t known;
    char more[16];
  } collected;
  struct key a = raw_key(1, "a", 1);
  struct key b = raw_key(1, "b", 1);
  for (size_t size = 0; size <= sizeof report; ++size) {
    memset(&report, 0xee, sizeof report);
    report.known.struct_size = size;
    mem_put(engine->store, CF_DEFAULT, raw_key(1, "aa", 1), BYTES("v\0"));
    api.rgc_destroy_range(gc, OF(a), OF(b), 0, &report.known, NULL);
    for (size_t i = size < sizeof report.known ? size : sizeof report.known; i < sizeof report; ++i) {
      if (i >= sizeof(size_t) && ((unsigned char*)&report)[i] != 0xee) CHECK(!"a byte behind struct_size was written");
    }
    if (size >= sizeof report.known) CHECK(report.known.struct_size == sizeof report.known && report.known.keys_deleted == 1);
  }
  for (size_t size = 0; size <= sizeof collected; ++size) {
    memset(&collected, 0xee, sizeof collected);
    collected.known.struct_size = size;
    api.rgc_collect(gc, NULL, NULL, 0, NULL, 0, 0, &collected.known, NULL);
    for (size_t i = size < sizeof collected.known ? size : sizeof collected.known; i < sizeof collected; ++i) {
      if (i >= sizeof(size_t) && ((unsigned char*)&collected)[i] != 0xee) CHECK(!"a byte behind struct_size was written");
    }
    if (size >= sizeof collected.known) CHECK_EQ(collected.known.struct_size, sizeof collected.known);
  }
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* STARTED, DONE, gone. */
static void records(void) {
  rgc_t* gc = gc_at_80("recheck=manual;recheck_seconds=100");
  struct mem_engine* engine = engine_new();
  uint64_t now = 5000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  attach(gc, engine, 2);
  struct key a = raw_key(1, "a", 0);
  struct key b = raw_key(1, "b", 0);
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "aa", 9), BYTES("v\0"));
  engine_fail(engine, FLUSH, WITH_TEXT, 0);
  FAILS(api.rgc_destroy_range(gc, OF(a), OF(b), 0, NULL, errptr); engine_fail(engine, FLUSH, WITH_TEXT, 0), "IO error",
        "No space left on device");
  engine_forget(engine);
  /* STARTED is not to be forgotten, and not to be rechecked. */
  CHECK_EQ(api.rgc_destroyed_count(gc), 1);
  FAILS(api.rgc_release_destroyed(gc, OF(a), OF(b), errptr), "Busy");
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, UINT64_MAX, NULL, errptr), 0));
  CHECK_EQ(ledger_records(engine, CF_DEFAULT), 1);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(a), OF(b), 0, NULL, errptr));
  CHECK_EQ(api.rgc_destroyed_count(gc), 1);

  /* Late data waits for the recheck, which has its time. */
  struct key late = raw_key(1, "aa", 90);
  mem_put(engine->store, CF_DEFAULT, late, BYTES("v\0"));
  rgc_destroy_report_t report = {.struct_size = sizeof report};
  static const uint64_t early[] = {0, 1, 4999, 5000, 5099};
  for (size_t i = 0; i < sizeof early / sizeof *early; ++i) {
    SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, early[i], &report, errptr), 0));
    CHECK_EQ(report.keys_deleted, 0);
    CHECK(mem_has(engine->store, CF_DEFAULT, late));
  }
  /* A recheck that fails leaves the record. */
  engine_fail(engine, FLUSH, WITH_TEXT, 0);
  FAILS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5100, NULL, errptr), 0); engine_fail(engine, FLUSH, WITH_TEXT, 0), "IO error");
  engine_forget(engine);
  CHECK_EQ(api.rgc_destroyed_count(gc), 1);
  CHECK_EQ(ledger_records(engine, CF_DEFAULT), 1);
  mem_put(engine->store, CF_DEFAULT, late, BYTES("v\0"));
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5100, &report, errptr), 1));
  CHECK_EQ(report.keys_deleted, 1);
  CHECK(!mem_has(engine->store, CF_DEFAULT, late));
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  CHECK_EQ(ledger_records(engine, CF_DEFAULT), 0);
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, UINT64_MAX, &report, errptr), 0));
  FAILS(CHECK_EQ(api.rgc_recheck_destroyed(NULL, 5100, NULL, errptr), 0), "Invalid argument");

  /* Each at its own time. */
  SUCCEEDS(api.rgc_destroy_range(gc, OF(a), OF(b), 0, NULL, errptr));
  now = 5050;
  struct key c = raw_key(1, "c", 0);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(b), OF(c), 0, NULL, errptr));
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5149, NULL, errptr), 1));
  FAILS(api.rgc_release_destroyed(gc, OF(a), OF(b), errptr), "Not found");
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5150, NULL, errptr), 1));
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  api.rgc_destroy(gc);
  engine_free(engine);

  /* By the worker, when the clock says so. */
  gc = gc_at_80("recheck_seconds=1");
  engine = engine_new();
  attach(gc, engine, 1);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(a), OF(b), 0, NULL, errptr));
  mem_put(engine->store, CF_DEFAULT, late, BYTES("v\0"));
  for (int i = 0; i < 100 && api.rgc_destroyed_count(gc) != 0; ++i) nanosleep(&(struct timespec){0, 50 * 1000 * 1000}, NULL);
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  CHECK_EQ(ledger_records(engine, CF_DEFAULT), 0);
  CHECK(!mem_has(engine->store, CF_DEFAULT, late));
  api.rgc_destroy(gc);
  engine_free(engine);
}

static rgc_t* subject;
static struct mem_engine* store_of_subject;
static struct key first, last;
static int turns;

/* Readers and advances work; what deletes or waits is refused. */
static void call_everything(void) {
  rgc_t* gc = subject;
  ++turns;
  stats_of(gc);
  api.rgc_free(api.rgc_metrics(gc));
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 80);
  CHECK_EQ(api.rgc_safe_point_for_key(gc, OF(first)), 80);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, api.rgc_global_safe_point(gc) + 1), 1);
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 2, 7, errptr));
  CHECK(api.rgc_worker_pending(gc) < 10);
  CHECK(api.rgc_destroyed_count(gc) < 10);
  struct mem_engine* engine = store_of_subject;
  static const char* const kinds[] = {"Invalid argument", "Not supported", "Busy", "Aborted"};
  rgc_debt_t debt = {.struct_size = sizeof debt};
  for (int i = 0; i < 8; ++i) {
    char* error = CHECK_GARBAGE;
    switch (i) {
      case 0: api.rgc_destroy_range(gc, OF(first), OF(last), 0, NULL, &error); break;
      case 1: api.rgc_destroy_keyspace(gc, 1, 0, NULL, &error); break;
      case 2: api.rgc_collect(gc, NULL, NULL, 0, NULL, 0, 0, NULL, &error); break;
      case 3: CHECK_EQ(api.rgc_worker_drain(gc, 1000000, &error), 0); break;
      case 4: CHECK_EQ(api.rgc_recheck_destroyed(gc, UINT64_MAX, NULL, &error), 0); break;
      case 5: api.rgc_release_destroyed(gc, OF(first), OF(last), &error); break;
      case 6: api.rgc_debt(gc, &debt, &error); break;
      default: api.rgc_attach_engine(gc, &mem_functions, engine, families, 5, &error); break;
    }
    CHECK(error != NULL && error != CHECK_GARBAGE);
    if (error == NULL || error == CHECK_GARBAGE) continue;
    int is_known = 0;
    for (size_t j = 0; j < 4; ++j) is_known |= strncmp(error, kinds[j], strlen(kinds[j])) == 0;
    if (!is_known) fprintf(stderr, "%d: %s\n", i, error);
    CHECK(is_known);
    api.rgc_free(error);
  }
  size_t destroyed = engine->calls[DESTRUCTOR];
  api.rgc_detach(gc);
  CHECK_EQ(engine->calls[DESTRUCTOR], destroyed);
}

static void during_a_call(void* state, int function) {
  (void)state;
  (void)function;
  if (turns < 60) call_everything();
}
static void during_a_message(void* state, int level, const char* message) {
  (void)state;
  (void)level;
  (void)message;
  call_everything();
}
static uint64_t during_a_look(void* state) {
  (void)state;
  call_everything();
  return 1000;
}

static void inside(void) {
  subject = gc_at_80("");
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, 1), 1);
  struct mem_engine* engine = store_of_subject = engine_new();
  first = raw_key(1, "a", 0);
  last = raw_key(1, "b", 0);
  turns = 0;
  engine->during = during_a_call;
  attach(subject, engine, 5);
  CHECK(turns > 0);
  for (int round = 0; round < 4; ++round) {
    turns = 0;
    put_dead_row(engine, round == 0 ? "a" : "c", 10);
    mem_flush(engine->store, CF_DEFAULT);
    switch (round) {
      case 0: SUCCEEDS(api.rgc_destroy_range(subject, OF(first), OF(last), 0, NULL, errptr)); break;
      /* This store's compactions ask for no filter. */
      case 1: FAILS(api.rgc_collect(subject, NULL, NULL, 0, NULL, 0, 0, NULL, errptr), "Invalid argument", "factory"); break;
      case 2: run_over(subject, engine, CF_DEFAULT, RGC_KIND_RAW); break;
      default: SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(subject, UINT64_MAX, NULL, errptr), 1)); break;
    }
    drain(subject);
    CHECK(turns > 0);
  }
  engine_forget(engine);
  CHECK_EQ(api.rgc_destroyed_count(subject), 0);

  turns = 0;
  api.rgc_set_clock(subject, during_a_look, NULL);
  CHECK_EQ(removals_of_a_row(subject), 2);
  CHECK_EQ(turns, 1);
  api.rgc_set_clock(subject, NULL, NULL);
  api.rgc_set_logger(during_a_message, NULL, RGC_LOG_WARN);
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, 1), 0);
  CHECK_EQ(turns, 2);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);

  /* A thread is in a run from its first decision to the run's end. */
  rgc_filter_t* run = run_of(subject, RGC_KIND_RAW);
  drain(subject);
  decide_live(run, raw_key(1, "a", 90));
  call_everything();
  decide_live(run, raw_key(1, "b", 90));
  call_everything();
  api.rgc_filter_destroy(run);
  drain(subject);
  SUCCEEDS(api.rgc_destroy_range(subject, OF(first), OF(last), RGC_DESTROY_REUSABLE, NULL, errptr));
  CHECK_EQ(engine->calls[DESTRUCTOR], 0);
  api.rgc_detach(subject);
  CHECK_EQ(engine->calls[DESTRUCTOR], 1);
  api.rgc_destroy(subject);
  engine_free(engine);
}

void test_destroy_errors(void) {
  refused();
  sizes();
  records();
  inside();
}
