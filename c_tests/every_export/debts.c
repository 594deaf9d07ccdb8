/* debts.c - the files that destroys leave: rgc_debt shows them, and the worker compacts them. */
#include "debts.h"

static void arguments(void) {
  rgc_t* gc = gc_at_80("");
  rgc_debt_t debt = {.struct_size = sizeof debt, .debts = 7};
  FAILS(api.rgc_debt(NULL, &debt, errptr), "Invalid argument");
  FAILS(api.rgc_debt(gc, &debt, errptr), "Invalid argument", "no store");
  struct mem_engine* engine = debts_filled(100);
  attach(gc, engine, 2);
  FAILS(api.rgc_debt(gc, NULL, errptr), "Invalid argument", "out");
  static const size_t wrong[] = {0, 1, sizeof(size_t) - 1};
  for (size_t i = 0; i < 3; ++i) {
    debt.struct_size = wrong[i];
    FAILS(api.rgc_debt(gc, &debt, errptr), "Invalid argument", "struct_size");
    CHECK_EQ(debt.debts, 7);
  }
  /* A host that wants less gets less, and one with a later header gets what there is. */
  debt.struct_size = 2 * sizeof(size_t);
  debt.files = 7;
  SUCCEEDS(api.rgc_debt(gc, &debt, errptr));
  CHECK(debt.struct_size == 2 * sizeof(size_t) && debt.debts == 0 && debt.files == 7);
  struct {
    rgc_debt_t debt;
    char later[16];
  } larger;
  memset(&larger, 0xee, sizeof larger);
  larger.debt.struct_size = sizeof larger;
  SUCCEEDS(api.rgc_debt(gc, &larger.debt, errptr));
  CHECK_EQ(larger.debt.struct_size, sizeof debt);
  CHECK_EQ(larger.debt.debts + larger.debt.files + larger.debt.bytes, 0);
  CHECK_EQ((unsigned char)larger.later[0], 0xee);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  decide_live(run, debts_key(0, 10));
  debt.struct_size = sizeof debt;
  FAILS(api.rgc_debt(gc, &debt, errptr), "Aborted");
  api.rgc_filter_destroy(run);
  /* The engine's own errors. */
  stall(engine, 1);
  debts_destroy(gc, 3, 7, 0);
  engine_fail(engine, FILES, WITH_TEXT, 0);
  FAILS(engine_fail(engine, FILES, WITH_TEXT, 0); api.rgc_debt(gc, &debt, errptr), "IO error", NO_SPACE);
  engine_fail(engine, FILES, WITH_TEXT, -1);
  check_debts(gc, 1, RGC_DESTROY_CLEARED);
  api.rgc_detach(gc);
  FAILS(api.rgc_debt(gc, &debt, errptr), "Invalid argument", "no store");
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* The keys of the range are dead at once, and on disk until the worker can compact. */
static void opened_and_paid(int flags) {
  int is_reusable = flags == RGC_DESTROY_REUSABLE;
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = debts_filled(100);
  attach(gc, engine, 5);
  check_debts(gc, 0, -1);
  stall(engine, 1);
  debts_destroy(gc, 3, 7, flags);
  check_rows_gone(engine, 3, 7);
  check_debts(gc, 1, is_reusable ? -1 : RGC_DESTROY_CLEARED);
  CHECK_EQ(recorded_state(engine, CF_LEDGER), RGC_DESTROY_CLEARED);
  CHECK_EQ(debt_of(gc).files, 2);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 400, errptr), 1));
  CHECK_EQ(engine_calls(engine, COMPACT), 0);
  CHECK_EQ(entries_of(engine, CF_DEFAULT), 10);
  /* A new key comes while the debt is open. A range that is not reusable drops it. */
  mem_judge(engine->store, CF_DEFAULT, gc, RGC_KIND_RAW);
  pthread_mutex_lock(&engine->turn);
  mem_put(engine->store, CF_DEFAULT, debts_key(4, 90), BYTES("v\0"));
  pthread_mutex_unlock(&engine->turn);
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  CHECK_EQ(stats_of(gc).dropped, !is_reusable);
  stall(engine, 0);
  drain(gc);
  check_debts(gc, 0, is_reusable ? -1 : RGC_DESTROY_DONE);
  CHECK_EQ(recorded_state(engine, CF_LEDGER), is_reusable ? -1 : RGC_DESTROY_DONE);
  CHECK_EQ(engine_calls(engine, COMPACT), 2);
  CHECK_EQ(engine_calls(engine, FLUSH), 2);
  CHECK_EQ(entries_of(engine, CF_DEFAULT), is_reusable ? 7 : 6);
  CHECK_EQ(entries_of(engine, CF_WRITE), 6);
  CHECK_EQ(mem_has(engine->store, CF_DEFAULT, debts_key(4, 90)), is_reusable);
  mem_compact_all(engine->store);
  CHECK_EQ(mem_has(engine->store, CF_DEFAULT, debts_key(4, 90)), is_reusable);
  check_rows_gone(engine, 3, 7);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Ten ranges end in one file. The worker waits for the last of them, and compacts it once. */
static void burst(int flags) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = debts_filled(100);
  attach(gc, engine, 5);
  engine_forget(engine);
  for (int i = 1; i < 9; ++i) debts_destroy(gc, i, i + 1, flags);
  CHECK_EQ(engine_calls(engine, COMPACT), 0);
  wait_until_paid(gc);
  size_t compactions[2] = {0, 0};
  size_t recorded = 0;
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    if (call->function == COMPACT) ++compactions[call->cf];
    if (call->function == WRITE && (call->flags & RGC_WRITE_FLAG_SYNC) && call->n == 8) ++recorded;
  }
  CHECK_EQ(compactions[CF_DEFAULT], 1);
  CHECK_EQ(compactions[CF_WRITE], 1);
  CHECK_EQ(recorded, 1);
  CHECK_EQ(debts_of(gc), 0);
  CHECK_EQ(api.rgc_destroyed_count(gc), flags == 0 ? 8 : 0);
  CHECK_EQ(entries_of(engine, CF_DEFAULT), 2);
  check_rows_gone(engine, 1, 9);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A debt outlives a detach, and the next worker pays it. A family that is missing waits. */
static void next_attach(int flags) {
  int listed = flags == RGC_DESTROY_REUSABLE ? -1 : RGC_DESTROY_CLEARED;
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = debts_filled(100);
  attach(gc, engine, 2);
  stall(engine, 1);
  debts_destroy(gc, 3, 7, flags);
  CHECK_EQ(api.rgc_detach(gc), 1);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  api.rgc_destroy(gc);
  gc = gc_at_80("");
  attach(gc, engine, 2);
  check_debts(gc, 1, listed);
  check_rows_gone(engine, 3, 7);
  api.rgc_destroy(gc);
  stall(engine, 0);
  /* Without the write family. */
  gc = gc_at_80("");
  attach(gc, engine, 1);
  drain(gc);
  check_debts(gc, 0, listed);
  CHECK_EQ(recorded_state(engine, CF_DEFAULT), RGC_DESTROY_CLEARED);
  CHECK_EQ(entries_of(engine, CF_WRITE), 10);
  api.rgc_destroy(gc);
  gc = gc_at_80("");
  attach(gc, engine, 2);
  drain(gc);
  check_debts(gc, 0, listed < 0 ? -1 : RGC_DESTROY_DONE);
  CHECK_EQ(recorded_state(engine, CF_DEFAULT), listed < 0 ? -1 : RGC_DESTROY_DONE);
  CHECK_EQ(entries_of(engine, CF_WRITE), 6);
  check_rows_gone(engine, 3, 7);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Another compaction holds the files: the debt is open until they are compacted. */
static void held_files(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = debts_filled(100);
  attach(gc, engine, 5);
  hold_files(engine, 1);
  debts_destroy(gc, 3, 7, 0);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 2500, errptr), 1));
  /* It was tried more than once, and not without pause. */
  size_t tries = engine_calls(engine, COMPACT);
  CHECK(tries >= 4 && tries <= 20);
  check_debts(gc, 1, RGC_DESTROY_CLEARED);
  check_rows_gone(engine, 3, 7);
  hold_files(engine, 0);
  drain(gc);
  check_debts(gc, 0, RGC_DESTROY_DONE);
  CHECK_EQ(entries_of(engine, CF_DEFAULT), 6);
  check_rows_gone(engine, 3, 7);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* The record of a cleared range may go. The debt remains, and new keys stay. */
static void released(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = debts_filled(100);
  mem_judge(engine->store, CF_DEFAULT, gc, RGC_KIND_RAW);
  attach(gc, engine, 5);
  struct key start = debts_row(3);
  struct key end = debts_row(7);
  stall(engine, 1);
  debts_destroy(gc, 3, 7, 0);
  SUCCEEDS(api.rgc_release_destroyed(gc, OF(start), OF(end), errptr));
  check_debts(gc, 1, -1);
  FAILS(api.rgc_release_destroyed(gc, OF(start), OF(end), errptr), "Not found");
  pthread_mutex_lock(&engine->turn);
  mem_put(engine->store, CF_DEFAULT, debts_key(4, 90), BYTES("v\0"));
  pthread_mutex_unlock(&engine->turn);
  stall(engine, 0);
  drain(gc);
  check_debts(gc, 0, -1);
  CHECK_EQ(recorded_state(engine, CF_LEDGER), -1);
  CHECK_EQ(entries_of(engine, CF_DEFAULT), 7);
  CHECK(mem_has(engine->store, CF_DEFAULT, debts_key(4, 90)));
  check_rows_gone(engine, 3, 7);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A cleared range is rechecked: its late keys go, its record goes, and its debt is paid later. */
static void rechecked(int is_alone) {
  rgc_t* gc = gc_with("recheck=manual;recheck_seconds=100");
  uint64_t now = 5000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  struct mem_engine* engine = debts_filled(100);
  attach(gc, engine, 5);
  struct key start = debts_row(3);
  struct key end = debts_row(7);
  stall(engine, 1);
  debts_destroy(gc, 3, 7, 0);
  pthread_mutex_lock(&engine->turn);
  mem_put(engine->store, CF_DEFAULT, debts_key(4, 90), BYTES("v\0"));
  pthread_mutex_unlock(&engine->turn);
  rgc_destroy_report_t report = {.struct_size = sizeof report};
  SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5099, &report, errptr), 0));
  CHECK_EQ(report.keys_deleted, 0);
  check_debts(gc, 1, RGC_DESTROY_CLEARED);
  if (is_alone) {
    SUCCEEDS(api.rgc_recheck_destroyed_range(gc, OF(start), OF(end), &report, errptr));
  } else {
    SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, 5100, &report, errptr), 1));
  }
  CHECK_EQ(report.keys_deleted, 1);
  CHECK(!mem_has(engine->store, CF_DEFAULT, debts_key(4, 90)));
  check_debts(gc, 1, -1);
  CHECK_EQ(entries_of(engine, CF_WRITE), 10);
  if (is_alone) {
    FAILS(api.rgc_recheck_destroyed_range(gc, OF(start), OF(end), NULL, errptr), "Not found");
  } else {
    SUCCEEDS(CHECK_EQ(api.rgc_recheck_destroyed(gc, UINT64_MAX, NULL, errptr), 0));
  }
  stall(engine, 0);
  drain(gc);
  check_debts(gc, 0, -1);
  CHECK_EQ(recorded_state(engine, CF_LEDGER), -1);
  CHECK_EQ(entries_of(engine, CF_DEFAULT), 6);
  CHECK_EQ(entries_of(engine, CF_WRITE), 6);
  check_rows_gone(engine, 3, 7);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_debts(void) {
  arguments();
  opened_and_paid(0);
  opened_and_paid(RGC_DESTROY_REUSABLE);
  burst(0);
  burst(RGC_DESTROY_REUSABLE);
  next_attach(0);
  next_attach(RGC_DESTROY_REUSABLE);
  held_files();
  released();
  rechecked(0);
  rechecked(1);
}
