/* debt_faults.c - payments of debts that fail at any call of the engine, or wait for a rate. */
#define _GNU_SOURCE
#include "debts.h"

/* Lets the worker pay until it has paid or a call of the engine has failed. Returns the number of
 * failed calls. */
static size_t pay_until_the_fault(rgc_t* gc, struct mem_engine* engine) {
  for (int i = 0;; ++i) {
    size_t left = 1;
    SUCCEEDS(left = api.rgc_worker_drain(gc, 2, errptr));
    pthread_mutex_lock(&engine->turn);
    size_t failed = engine->failed;
    pthread_mutex_unlock(&engine->turn);
    if (failed != 0 || left == 0) return failed;
    REQUIRE(i < 10000);
  }
}

static void check_paid(rgc_t* gc, struct mem_engine* engine, int flags) {
  check_debts(gc, 0, flags == 0 ? RGC_DESTROY_DONE : -1);
  CHECK_EQ(recorded_state(engine, CF_LEDGER), flags == 0 ? RGC_DESTROY_DONE : -1);
  CHECK_EQ(entries_of(engine, CF_DEFAULT), 6);
  CHECK_EQ(entries_of(engine, CF_WRITE), 6);
  check_rows_gone(engine, 3, 7);
  mem_compact_all(engine->store);
  check_rows_gone(engine, 3, 7);
}

/* Every call of a payment fails in turn, in every way. The process ends, and the next one pays. */
static void interrupted(int flags) {
  for (int how = WITH_TEXT; how <= UNKNOWN; ++how) {
    for (long n = 0;; ++n) {
      REQUIRE(n < 1000);
      rgc_t* gc = gc_at_80("");
      struct mem_engine* engine = debts_filled(100);
      attach(gc, engine, 5);
      debts_destroy(gc, 3, 7, flags);
      engine_fail(engine, ANY, how, n);
      size_t failed = pay_until_the_fault(gc, engine);
      CHECK_EQ(api.rgc_destroyed_count(gc), flags == 0);
      check_rows_gone(engine, 3, 7);
      api.rgc_destroy(gc);
      engine_fail(engine, ANY, how, -1);
      gc = gc_at_80("");
      attach(gc, engine, 5);
      CHECK_EQ(api.rgc_destroyed_count(gc), flags == 0);
      drain(gc);
      check_paid(gc, engine, flags);
      api.rgc_destroy(gc);
      engine_free(engine);
      if (failed == 0) break;
    }
  }
}

/* The worker itself pays again after a failure. */
static void again(void) {
  static const int functions[] = {FLUSH, COMPACT, FILES, WRITE};
  for (size_t i = 0; i < 4; ++i) {
    rgc_t* gc = gc_at_80("");
    struct mem_engine* engine = debts_filled(100);
    attach(gc, engine, 5);
    debts_destroy(gc, 3, 7, 0);
    engine_fail(engine, functions[i], WITH_TEXT, 0);
    drain(gc);
    CHECK_EQ(engine->failed, 1);
    check_paid(gc, engine, 0);
    api.rgc_destroy(gc);
    engine_free(engine);
  }
}

struct destroying {
  rgc_t* gc;
  struct key start, end;
  char* error;
};
static void* destroy_elsewhere(void* state) {
  struct destroying* call = state;
  call->error = NULL;
  api.rgc_destroy_range(call->gc, OF(call->start), OF(call->end), 0, NULL, &call->error);
  return NULL;
}

/* Detaches while a destroy waits for its rate, which would take minutes. */
static void detach_during(struct destroying* call) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, destroy_elsewhere, call) == 0);
  for (int i = 0; i < 5; ++i) pause_a_little();
  double begun = seconds_since(0);
  CHECK_EQ(api.rgc_detach(call->gc), 1);
  pthread_join(thread, NULL);
  CHECK(seconds_since(begun) < 10);
  CHECK(call->error != NULL && strncmp(call->error, "Aborted", 7) == 0);
  api.rgc_free(call->error);
  api.rgc_destroy(call->gc);
}

/* At a byte a second a payment takes minutes, and so does the row that a bound cuts. */
static void slow_compactions(int is_cut) {
  struct destroying call = {gc_at_80("compact_bytes_per_second=1"), debts_key(7, 20), debts_row(9), NULL};
  struct mem_engine* engine = debts_filled(5);
  attach(call.gc, engine, 5);
  debts_destroy(call.gc, 1, 3, 0);
  for (int i = 0; i < 100 && engine_calls(engine, COMPACT) == 0; ++i) pause_a_little();
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(call.gc, 300, errptr), 1));
  CHECK_EQ(engine_calls(engine, COMPACT), 1);
  check_debts(call.gc, 1, RGC_DESTROY_CLEARED);
  check_rows_gone(engine, 1, 3);
  if (is_cut) {
    detach_during(&call);
  } else {
    double begun = seconds_since(0);
    CHECK_EQ(api.rgc_detach(call.gc), 1);
    CHECK(seconds_since(begun) < 10);
    api.rgc_destroy(call.gc);
  }
  rgc_t* gc = gc_at_80("compact_bytes_per_second=0");
  attach(gc, engine, 5);
  drain(gc);
  CHECK_EQ(debts_of(gc), 0);
  CHECK_EQ(api.rgc_destroyed_count(gc), is_cut ? 2 : 1);
  CHECK_EQ(entries_of(engine, CF_WRITE), is_cut ? 6 : 8);
  for (int i = 0; i < 10; ++i) {
    CHECK_EQ(mem_has(engine->store, CF_DEFAULT, debts_key(i, 10)), i != 1 && i != 2 && !(is_cut && (i == 7 || i == 8)));
  }
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Holds the first compaction of a payment until the test lets it go. */
struct hold {
  pthread_mutex_t turn;
  int is_held, may_go;
};
static int flag_of(struct hold* hold, const int* flag) {
  pthread_mutex_lock(&hold->turn);
  int is_set = *flag;
  pthread_mutex_unlock(&hold->turn);
  return is_set;
}
static void set(struct hold* hold, int* flag) {
  pthread_mutex_lock(&hold->turn);
  *flag = 1;
  pthread_mutex_unlock(&hold->turn);
}
static void hold_a_compaction(void* state, int function) {
  struct hold* hold = state;
  if (function != COMPACT) return;
  set(hold, &hold->is_held);
  while (!flag_of(hold, &hold->may_go)) pause_a_little();
}

/* A range that is used and destroyed again while its debt is paid has a new debt, which the payment
 * in progress does not end. */
static void destroyed_again_meanwhile(void) {
  struct hold hold = {PTHREAD_MUTEX_INITIALIZER, 0, 0};
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = debts_filled(100);
  attach(gc, engine, 5);
  engine->during_state = &hold;
  engine->during = hold_a_compaction;
  debts_destroy(gc, 3, 7, RGC_DESTROY_REUSABLE);
  while (!flag_of(&hold, &hold.is_held)) pause_a_little();
  mem_put(engine->store, CF_DEFAULT, debts_key(4, 100), BYTES("again\0"));
  mem_flush(engine->store, CF_DEFAULT);
  debts_destroy(gc, 3, 7, RGC_DESTROY_REUSABLE);
  set(&hold, &hold.may_go);
  drain(gc);
  check_paid(gc, engine, RGC_DESTROY_REUSABLE);
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void slow_deletes(void) {
  struct destroying call = {gc_at_80("delete_bytes_per_second=1;delete_batch_bytes=20"), debts_row(3), debts_row(7), NULL};
  struct mem_engine* engine = debts_filled(100);
  attach(call.gc, engine, 5);
  detach_during(&call);
  CHECK_EQ(recorded_state(engine, CF_LEDGER), RGC_DESTROY_STARTED);
  rgc_t* gc = gc_at_80("delete_bytes_per_second=0");
  attach(gc, engine, 5);
  check_rows_gone(engine, 3, 7);
  drain(gc);
  check_paid(gc, engine, 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_debt_faults(void) {
  interrupted(0);
  interrupted(RGC_DESTROY_REUSABLE);
  again();
  slow_compactions(0);
  slow_compactions(1);
  slow_deletes();
  destroyed_again_meanwhile();
}
