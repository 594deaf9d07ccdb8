/* worker.c - rows that runs hand over, and what the worker makes of them. */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>

#include "attached.h"
#include "parts.h"

/* Waits so long that a worker which does what it must not would have done it. */

#define LIVE BYTES("v\0")
#define MARK BYTES("\2")
#define SHORT(start_ts) BYTES("P" start_ts "v\1a")

static void check_queue(const rgc_t* gc, uint64_t queued, uint64_t done, uint64_t refused, uint64_t unparsed) {
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued, queued);
  CHECK_EQ(stats.rows_done, done);
  CHECK_EQ(stats.rows_deferred, refused);
  CHECK_EQ(stats.rows_left_unparsed, unparsed);
  CHECK_EQ(stats.pending, 0);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
}

static int is_one_row(struct bytes left, struct bytes right) {
  return left.len == right.len && memcmp(left.data, right.data, left.len - 8) == 0;
}

static void raw_rows(void) {
  rgc_t* gc = gc_at_80("ttl_grace_seconds=10");
  struct mem_engine* engine = engine_new();
  struct mem_store* store = engine->store;
  uint64_t now = 1000;
  api.rgc_set_clock(gc, fixed_clock, &now);
  static const char* const rows[] = {"dea", "dead", "dead0000", "dead00001", "deae", "deaf"};
  for (uint64_t ts = 40; ts < 80; ts += 10) {
    for (size_t i = 0; i < 6; ++i) {
      if (i % 2 == 0) mem_put(store, CF_DEFAULT, raw_key(1, rows[i], ts), LIVE);
      else mem_put(store, CF_DEFAULT, raw_key(1, rows[i], ts), ts == 70 ? "\2" : "\0", 1);
    }
    /* Above, at, below the safe point, and in keyspaces that nobody named. */
    mem_put(store, CF_DEFAULT, raw_key(1, "e", ts), LIVE);
    mem_put(store, CF_DEFAULT, raw_key(1, "f", ts), LIVE);
    mem_put(store, CF_DEFAULT, raw_key(1, "g", ts), LIVE);
    mem_put(store, CF_DEFAULT, raw_key(2, "dead", ts), MARK);
    mem_put(store, CF_DEFAULT, raw_key(0, "dead", ts), MARK);
    mem_put(store, CF_DEFAULT, mode_key('x', 1, "dead", ts), MARK);
  }
  mem_put(store, CF_DEFAULT, raw_key(1, "e", 90), MARK);
  mem_put(store, CF_DEFAULT, raw_key(1, "f", 80), MARK);
  mem_put(store, CF_DEFAULT, raw_key(1, "g", 79), MARK);
  mem_put(store, CF_DEFAULT, raw_key(1, "h", 70), BYTES("v\0\0\0\0\0\0\x03\xde\1")); /* 990: just expired */
  mem_put(store, CF_DEFAULT, raw_key(1, "h", 60), LIVE);
  mem_put(store, CF_DEFAULT, raw_key(1, "i", 70), BYTES("v\0\0\0\0\0\0\x03\xdf\1"));
  mem_put(store, CF_DEFAULT, raw_key(1, "i", 60), LIVE);
  size_t before = mem_count_all(store, CF_DEFAULT);
  attach(gc, engine, 2);
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  check_queue(gc, 5, 5, 0, 0);
  CHECK_EQ(mem_count_all(store, CF_DEFAULT), before - 3 * 4 - 5 - 2);
  for (uint64_t ts = 40; ts < 80; ts += 10) {
    for (size_t i = 0; i < 6; ++i) CHECK_EQ(mem_has(store, CF_DEFAULT, raw_key(1, rows[i], ts)), i % 2 == 0);
    CHECK(mem_has(store, CF_DEFAULT, raw_key(1, "e", ts)) && mem_has(store, CF_DEFAULT, raw_key(1, "f", ts)));
    CHECK(!mem_has(store, CF_DEFAULT, raw_key(1, "g", ts)));
  }
  CHECK(!mem_has(store, CF_DEFAULT, raw_key(1, "h", 60)) && mem_has(store, CF_DEFAULT, raw_key(1, "i", 60)));
  /* Each row oldest first, the mark last; a batch may hold several. */
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    for (size_t j = 0; call->function == WRITE && j < call->n; ++j) {
      CHECK_EQ(call->ops[j].op, RGC_OP_DELETE);
      CHECK_EQ(call->ops[j].cf, CF_DEFAULT);
      if (j == 0 || !is_one_row(call->ops[j - 1].key, call->ops[j].key)) continue;
      CHECK(memcmp(call->ops[j - 1].key.data, call->ops[j].key.data, call->ops[j].key.len) > 0);
    }
  }
  /* The same rows again are no rows any more. */
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  check_queue(gc, 5, 5, 0, 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Does one batch delete exactly this record and this value? 1 = both in one batch, -1 = in two
 * batches, 0 = neither. */
static int is_together(const struct mem_engine* engine, struct key record, struct key value) {
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    int has_record = 0;
    int has_value = 0;
    for (size_t j = 0; call->function == WRITE && j < call->n; ++j) {
      const struct op* op = &call->ops[j];
      has_record |= op->cf == CF_WRITE && bytes_compare(op->key.data, op->key.len, record.data, record.len) == 0;
      has_value |= op->cf == CF_DEFAULT && bytes_compare(op->key.data, op->key.len, value.data, value.len) == 0;
    }
    if (has_record || has_value) return has_record && has_value ? 1 : -1;
  }
  return 0;
}

static void records(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  struct mem_store* store = engine->store;
  /* Deleted rows: every eligible record goes, long values with it; what is newer stays. */
  mem_put(store, CF_WRITE, record_key("a", 90), SHORT("\x55"));
  mem_put(store, CF_WRITE, record_key("a", 85), BYTES("R\x55"));
  mem_put(store, CF_WRITE, record_key("a", 80), BYTES("L\x4f"));
  mem_put(store, CF_WRITE, record_key("a", 70), BYTES("D\x45"));
  mem_put(store, CF_WRITE, record_key("a", 60), BYTES("P\x37"));
  mem_put(store, CF_DEFAULT, record_key("a", 0x37), BYTES("long"));
  mem_put(store, CF_WRITE, record_key("a", 50), BYTES("R\x32"));
  mem_put(store, CF_WRITE, record_key("a", 40), SHORT("\x20"));
  mem_put(store, CF_DEFAULT, record_key("a", 0x20), BYTES("a lock's"));
  /* Long values behind the newest put. */
  mem_put(store, CF_WRITE, record_key("b", 70), BYTES("P\x41"));
  mem_put(store, CF_WRITE, record_key("b", 60), BYTES("P\x37"));
  mem_put(store, CF_WRITE, record_key("b", 50), BYTES("P\x2d"));
  for (uint64_t ts = 0; ts < 0x60; ++ts) mem_put(store, CF_DEFAULT, record_key("b", ts), BYTES("long"));
  /* A put that its fence makes a delete. */
  mem_put(store, CF_WRITE, record_key("c", 70), BYTES("P\x41" "F\0\0\0\0\0\0\0\x50"));
  mem_put(store, CF_DEFAULT, record_key("c", 0x41), BYTES("long"));
  /* One that is not deleted yet, and a record whose value is not there. */
  mem_put(store, CF_WRITE, record_key("d", 81), BYTES("D\x45"));
  mem_put(store, CF_WRITE, record_key("d", 80), SHORT("\x40"));
  mem_put(store, CF_WRITE, record_key("e", 80), SHORT("\x40"));
  mem_put(store, CF_WRITE, record_key("e", 79), BYTES("P\x41"));
  attach(gc, engine, 2);
  run_over(gc, engine, CF_WRITE, RGC_KIND_TXN);
  drain(gc);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued, 4);
  CHECK_EQ(stats.rows_done, 4);
  CHECK_EQ(mem_count(store, CF_WRITE, record_key("a", 80), record_key("a", 0)), 0);
  CHECK(mem_has(store, CF_WRITE, record_key("a", 85)) && mem_has(store, CF_WRITE, record_key("a", 90)));
  CHECK_EQ(is_together(engine, record_key("a", 60), record_key("a", 0x37)), 1);
  CHECK(mem_has(store, CF_DEFAULT, record_key("a", 0x20)));
  CHECK(mem_has(store, CF_WRITE, record_key("b", 70)));
  CHECK_EQ(is_together(engine, record_key("b", 60), record_key("b", 0x37)), 1);
  CHECK_EQ(is_together(engine, record_key("b", 50), record_key("b", 0x2d)), 1);
  for (uint64_t ts = 0; ts < 0x60; ++ts) CHECK_EQ(mem_has(store, CF_DEFAULT, record_key("b", ts)), ts != 0x37 && ts != 0x2d);
  CHECK_EQ(is_together(engine, record_key("c", 70), record_key("c", 0x41)), 1);
  CHECK_EQ(mem_count(store, CF_WRITE, record_key("d", 100), record_key("d", 0)), 2);
  CHECK_EQ(mem_count(store, CF_WRITE, record_key("e", 100), record_key("e", 0)), 1);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* The worker looks for itself, when the run is over. */
static void decides_anew(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  struct mem_store* store = engine->store;
  attach(gc, engine, 2);
  engine_forget(engine);
  static const char* const keys[] = {"a", "b", "c", "d"};
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  for (size_t i = 0; i < 4; ++i) {
    mem_put(store, CF_DEFAULT, raw_key(1, keys[i], 70), MARK);
    mem_put(store, CF_DEFAULT, raw_key(1, keys[i], 60), LIVE);
    CHECK_EQ(decide(run, raw_key(1, keys[i], 70), MARK), RGC_KEEP);
  }
  decide_live(run, raw_key(1, "z", 90));
  pause_a_little();
  CHECK_EQ(api.rgc_worker_pending(gc), 4);
  CHECK_EQ(stats_of(gc).pending, 4);
  for (int function = 0; function < FUNCTIONS; ++function) {
    if (function != STALLED) CHECK_EQ(engine_calls(engine, function), 0);
  }
  mem_put(store, CF_DEFAULT, raw_key(1, "b", 90), LIVE);
  mem_put(store, CF_DEFAULT, raw_key(1, "c", 75), LIVE);
  mem_put(store, CF_DEFAULT, raw_key(1, "d", 70), BYTES("\xff"));
  mem_put(store, CF_DEFAULT, raw_key(1, "a", 60), BYTES("\xff"));
  api.rgc_filter_destroy(run);
  drain(gc);
  check_queue(gc, 4, 3, 0, 1);
  CHECK_EQ(mem_count(store, CF_DEFAULT, raw_key(1, "a", 100), raw_key(1, "a", 0)), 0);
  CHECK_EQ(mem_count(store, CF_DEFAULT, raw_key(1, "b", 100), raw_key(1, "b", 0)), 3);
  CHECK_EQ(mem_count(store, CF_DEFAULT, raw_key(1, "c", 100), raw_key(1, "c", 0)), 3);
  CHECK_EQ(mem_count(store, CF_DEFAULT, raw_key(1, "d", 100), raw_key(1, "d", 0)), 2);
  /* The worker deletes any eligible record of a transaction's row. The older versions of a dead
   * RawKV row need not parse. */
  run = run_of(gc, RGC_KIND_TXN);
  for (size_t i = 0; i < 4; ++i) {
    mem_put(store, CF_WRITE, record_key(keys[i], 70), BYTES("D\5"));
    mem_put(store, CF_WRITE, record_key(keys[i], 60), SHORT("\5"));
    decide(run, record_key(keys[i], 70), BYTES("D\5"));
  }
  decide(run, record_key("z", 90), SHORT("\5"));
  mem_put(store, CF_WRITE, record_key("a", 60), BYTES("X\5"));
  mem_put(store, CF_WRITE, record_key("b", 90), BYTES("X\5"));
  mem_put(store, CF_WRITE, record_key("c", 75), SHORT("\5"));
  api.rgc_filter_destroy(run);
  drain(gc);
  check_queue(gc, 8, 6, 0, 2);
  CHECK_EQ(mem_count(store, CF_WRITE, record_key("a", 100), record_key("a", 0)), 2);
  CHECK_EQ(mem_count(store, CF_WRITE, record_key("b", 100), record_key("b", 0)), 1);
  CHECK_EQ(mem_count(store, CF_WRITE, record_key("d", 100), record_key("d", 0)), 0);
  CHECK(mem_has(store, CF_WRITE, record_key("c", 75)));
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* With the thread's name and signals: the worker is the only one who deletes. */
static void check_thread(void* state, int function) {
  if (function != WRITE) return;
  ++*(int*)state;
  char name[16];
  CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strcmp(name, "rocks_gc") == 0);
  sigset_t blocked;
  CHECK(pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0);
  static const int some[] = {SIGINT, SIGTERM, SIGALRM, SIGUSR1, SIGHUP, SIGCHLD, SIGPIPE};
  for (size_t i = 0; i < sizeof some / sizeof *some; ++i) CHECK(sigismember(&blocked, some[i]));
}

/* With runs inside of compactions: after the second one nothing dead is left. */
static void to_the_end(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  struct mem_store* store = engine->store;
  mem_judge(store, CF_DEFAULT, gc, RGC_KIND_RAW);
  mem_judge(store, CF_WRITE, gc, RGC_KIND_TXN);
  attach(gc, engine, 2);
  char user[16];
  for (uint64_t ts = 10; ts < 100; ts += 10) {
    for (int i = 0; i < 20; ++i) {
      snprintf(user, sizeof user, "%03d", i);
      int is_dead = i % 2 == 0 && ts == 70;
      if (i % 2 == 0 && ts > 70) continue;
      mem_put(store, CF_DEFAULT, raw_key(1, user, ts), is_dead ? "\2" : "v\0", is_dead ? 1 : 2);
      char record[] = {is_dead ? 'D' : 'P', (char)(ts - 5)};
      mem_put(store, CF_WRITE, record_key(user, ts), record, 2);
      if (!is_dead) mem_put(store, CF_DEFAULT, record_key(user, ts - 5), BYTES("long"));
    }
    mem_flush(store, ts % 20 == 0 ? CF_DEFAULT : CF_WRITE);
  }
  int writes = 0;
  engine->during_state = &writes;
  engine->during = check_thread;
  for (int round = 0; round < 3; ++round) {
    pthread_mutex_lock(&engine->turn);
    mem_compact_all(store);
    pthread_mutex_unlock(&engine->turn);
    drain(gc);
  }
  CHECK(writes > 0);
  for (int i = 0; i < 20; ++i) {
    snprintf(user, sizeof user, "%03d", i);
    size_t left = i % 2 == 0 ? 0 : 2;
    CHECK_EQ(mem_count(store, CF_DEFAULT, raw_key(1, user, 100), raw_key(1, user, 0)), left);
    /* 70 is the newest one below; 80 is at the safe point. */
    CHECK_EQ(mem_count(store, CF_WRITE, record_key(user, 100), record_key(user, 0)), left);
    CHECK_EQ(mem_count(store, CF_DEFAULT, record_key(user, 100), record_key(user, 0)), left);
  }
  rgc_stats_t stats = stats_of(gc);
  CHECK(stats.rows_queued >= 20);
  CHECK_EQ(stats.rows_queued, stats.rows_done);
  CHECK_EQ(stats.rows_deferred + stats.rows_left_unparsed, 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_worker(void) {
  raw_rows();
  records();
  decides_anew();
  to_the_end();
}
