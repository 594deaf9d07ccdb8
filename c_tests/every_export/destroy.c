/* destroy.c - destroying a range: what is deleted, in which order, and what is left after a
 * failure. The files that a destroy leaves are in debts.c. */
#include "attached.h"
#include "parts.h"

/* A range of rows of keyspace 1: [k03, k07) out of k00 .. k09. */
static struct key row_of(const char* user_key) {
  struct key key = raw_key(1, user_key, 0);
  key.len -= 8;
  return key;
}
#define START row_of("k03")
#define END row_of("k07")

static void put_row(struct mem_engine* engine, int i, uint64_t ts) {
  char user[8];
  snprintf(user, sizeof user, "k%02d", i);
  char record[] = {'P', (char)ts};
  mem_put(engine->store, CF_DEFAULT, raw_key(1, user, ts), BYTES("v\0"));
  mem_put(engine->store, CF_WRITE, raw_key(1, user, ts), record, 2);
  mem_put(engine->store, CF_LOCK, row_of(user), BYTES("lock"));
  mem_put(engine->store, CF_RAFT, raw_key(1, user, ts), BYTES("log"));
}

/* The same in every family: rows in the last level, in level 0, and in the memtable. */
static struct mem_engine* filled(void) {
  struct mem_engine* engine = engine_new();
  mem_keys_per_file(engine->store, 3);
  for (uint64_t ts = 10; ts <= 40; ts += 10) {
    for (int i = 0; i < 10; ++i) put_row(engine, i, ts);
    for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) {
      if (ts < 40) mem_flush(engine->store, cf);
      if (ts == 20) mem_compact(engine->store, cf, NULL, 0, NULL, 0, 1);
    }
  }
  return engine;
}

static void check_destroyed(struct mem_engine* engine, struct key start, struct key end) {
  pthread_mutex_lock(&engine->turn);
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) CHECK_EQ(mem_count(engine->store, cf, start, end), 0);
  pthread_mutex_unlock(&engine->turn);
}

struct digests {
  uint64_t of[CF_RAFT + 1];
};
/* Of all that lies outside; the ledger lies below it. */
static struct digests outside(struct mem_engine* engine, struct key start, struct key end) {
  struct digests digests;
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) {
    size_t records = ledger_records(engine, cf);
    CHECK_EQ(records, 0);
    digests.of[cf] = mem_digest_outside(engine->store, cf, start, end);
  }
  return digests;
}
static void check_outside(struct mem_engine* engine, struct key start, struct key end, const struct digests* before) {
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) CHECK_EQ(mem_digest_outside(engine->store, cf, start, end), before->of[cf]);
}

static int begins_with(const struct op* op, const char* prefix) {
  size_t len = strlen(prefix);
  return op->key.len >= len && memcmp(op->key.data, prefix, len) == 0;
}

/* The record is durable before any other write. The write family is deleted before the default one.
 * Files of locks stay. The files at the borders are not compacted. Probes are no records, and a
 * crash may lose them. */
static void check_order(struct mem_engine* engine, uint32_t ledger) {
  int is_recorded = 0;
  int is_default_on = 0;
  pthread_mutex_lock(&engine->turn);
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    if (call->function == DELETE_FILES) {
      CHECK(call->cf != CF_LOCK);
      CHECK(call->cf != ledger || ledger == CF_DEFAULT);
    }
    CHECK(call->function != COMPACT);
    if (call->function == DELETE_FILES || call->function == FLUSH) CHECK(is_recorded);
    if (call->function != WRITE) continue;
    for (size_t j = 0; j < call->n; ++j) {
      const struct op* op = &call->ops[j];
      if (begins_with(op, LEDGER_PREFIX) && !begins_with(op, LEDGER_PREFIX "p")) {
        CHECK_EQ(op->cf, ledger);
        CHECK((call->flags & RGC_WRITE_FLAG_SYNC) != 0);
        is_recorded = 1;
        continue;
      }
      CHECK(is_recorded);
      if (begins_with(op, LEDGER_PREFIX)) continue;
      if (op->cf == CF_DEFAULT) is_default_on = 1;
      if (op->cf == CF_WRITE) CHECK(!is_default_on);
    }
  }
  CHECK(is_recorded);
  pthread_mutex_unlock(&engine->turn);
}

static void destroys(const char* options, size_t attached, uint32_t ledger, int flags) {
  rgc_t* gc = gc_at_80(options);
  struct mem_engine* engine = filled();
  struct digests before = outside(engine, START, END);
  attach(gc, engine, attached);
  engine_forget(engine);
  rgc_destroy_report_t report = {.struct_size = sizeof report};
  memset((char*)&report + sizeof(size_t), 0xee, sizeof report - sizeof(size_t));
  SUCCEEDS(api.rgc_destroy_range(gc, START.data, START.len, END.data, END.len, flags, &report, errptr));
  CHECK_EQ(report.struct_size, sizeof report);
  check_destroyed(engine, START, END);
  check_order(engine, ledger);
  CHECK(report.files_dropped > 0 && report.file_bytes_dropped > 0);
  CHECK(report.keys_deleted > 0 || report.range_tombstones > 0);
  CHECK(report.files_left > 0 && report.file_bytes_left > 0);
  int is_reusable = (flags & RGC_DESTROY_REUSABLE) != 0;
  CHECK_EQ(api.rgc_destroyed_count(gc), !is_reusable);
  /* The record remembers the files, also of a range that is reusable. */
  CHECK_EQ(recorded_state(engine, ledger), RGC_DESTROY_CLEARED);
  CHECK_EQ(stats_of(gc).destroyed_records, !is_reusable);
  for (uint32_t cf = 0; cf <= CF_LEDGER; ++cf) CHECK(cf == ledger || ledger_records(engine, cf) == 0);
  /* Once more: there is nothing to do. */
  SUCCEEDS(api.rgc_destroy_range(gc, START.data, START.len, END.data, END.len, flags, &report, errptr));
  CHECK_EQ(report.files_dropped + report.keys_deleted + report.range_tombstones, 0);
  CHECK_EQ(api.rgc_destroyed_count(gc), !is_reusable);
  drain(gc);
  CHECK_EQ(recorded_state(engine, ledger), is_reusable ? -1 : RGC_DESTROY_DONE);
  /* Nothing comes back, and nothing else has gone. */
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) CHECK(mem_files_of(engine->store, cf, START, END) <= 1);
  mem_compact_all(engine->store);
  check_destroyed(engine, START, END);
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) CHECK_EQ(mem_files_of(engine->store, cf, START, END) <= 1, 1);
  api.rgc_detach(gc);
  if (!is_reusable) {
    attach(gc, engine, attached);
    CHECK_EQ(api.rgc_destroyed_count(gc), 1);
    SUCCEEDS(api.rgc_release_destroyed(gc, START.data, START.len, END.data, END.len, errptr));
    api.rgc_detach(gc);
  }
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  check_outside(engine, START, END, &before);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A bound with a timestamp cuts a row: its half is compacted by force. */
static void cut_rows(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = filled();
  attach(gc, engine, 4);
  struct key start = raw_key(1, "k03", 25);
  struct key end = raw_key(1, "k06", 25);
  engine_forget(engine);
  SUCCEEDS(api.rgc_destroy_range(gc, start.data, start.len, end.data, end.len, 0, NULL, errptr));
  check_destroyed(engine, start, end);
  /* Not by the worker later. */
  size_t forced = 0;
  pthread_mutex_lock(&engine->turn);
  for (size_t i = 0; i < engine->logged; ++i) forced += engine->log[i].function == COMPACT && engine->log[i].flags == 1;
  pthread_mutex_unlock(&engine->turn);
  CHECK(forced > 0);
  drain(gc);
  static const uint32_t versioned[] = {CF_DEFAULT, CF_WRITE, CF_RAFT};
  for (size_t i = 0; i < 3; ++i) {
    CHECK(mem_has(engine->store, versioned[i], raw_key(1, "k03", 30)) && !mem_has(engine->store, versioned[i], raw_key(1, "k03", 20)));
    CHECK(!mem_has(engine->store, versioned[i], raw_key(1, "k06", 30)) && mem_has(engine->store, versioned[i], raw_key(1, "k06", 20)));
  }
  mem_compact_all(engine->store);
  check_destroyed(engine, start, end);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Every call of the engine fails in turn, in every way. A repeated call, or the next attach,
 * finishes the destroy. */
static void interrupted(int flags, int is_repeated) {
  for (int how = WITH_TEXT; how <= UNKNOWN; ++how) {
    for (long n = 0;; ++n) {
      REQUIRE(n < 1000);
      /* All of the first kind of failure, some of the others. */
      long at = how == WITH_TEXT ? n : 3 * n;
      rgc_t* gc = gc_at_80("delete_range_min_keys=7;delete_batch_bytes=100");
      struct mem_engine* engine = filled();
      struct digests before = outside(engine, START, END);
      attach(gc, engine, 5);
      engine_fail(engine, ANY, how, at);
      char* error = CHECK_GARBAGE;
      rgc_destroy_report_t report = {.struct_size = sizeof report};
      api.rgc_destroy_range(gc, START.data, START.len, END.data, END.len, flags, &report, &error);
      size_t failed = engine->failed;
      engine_forget(engine);
      if (failed == 0) CHECK(error == NULL);
      if (error != NULL && how == WITH_TEXT) CHECK_CONTAINS(error, NO_SPACE);
      /* A range that is cleared and reusable belongs to its next owner, whatever failed behind it. */
      int state = recorded_state(engine, CF_LEDGER);
      int is_started = error != NULL && (state == RGC_DESTROY_STARTED || (state == RGC_DESTROY_CLEARED && flags == 0));
      api.rgc_free(error);
      if (is_started) CHECK_EQ(api.rgc_destroyed_count(gc), 1);
      /* Runs drop by it only if it is known to be durable. */
      if (is_started && !(how == UNKNOWN && at == 0)) {
        /* Dead until it is finished. */
        rgc_filter_t* run = run_of(gc, RGC_KIND_DROPPED_ONLY);
        CHECK_EQ(decide_live(run, raw_key(1, "k04", 90)), RGC_REMOVE);
        CHECK_EQ(decide_live(run, raw_key(1, "k07", 90)), RGC_KEEP);
        api.rgc_filter_destroy(run);
      }
      if (is_repeated) {
        SUCCEEDS(api.rgc_destroy_range(gc, START.data, START.len, END.data, END.len, flags, &report, errptr));
      } else {
        size_t records = ledger_records(engine, CF_LEDGER);
        api.rgc_detach(gc);
        /* In a new process. */
        api.rgc_destroy(gc);
        gc = gc_at_80("");
        attach(gc, engine, 5);
        if (records == 0 && failed != 0) {
          SUCCEEDS(api.rgc_destroy_range(gc, START.data, START.len, END.data, END.len, flags, &report, errptr));
        }
      }
      check_destroyed(engine, START, END);
      CHECK_EQ(api.rgc_destroyed_count(gc), flags == 0);
      drain(gc);
      CHECK_EQ(ledger_records(engine, CF_LEDGER), flags == 0);
      if (!is_repeated) CHECK_EQ(ledger_probes(engine, CF_LEDGER), 0);
      CHECK_EQ(recorded_state(engine, CF_LEDGER), flags == 0 ? RGC_DESTROY_DONE : -1);
      mem_compact_all(engine->store);
      check_destroyed(engine, START, END);
      check_outside(engine, START, END, &before);
      api.rgc_destroy(gc);
      engine_free(engine);
      if (failed == 0) break;
    }
  }
}

static void keyspaces(void) {
  static const uint32_t ids[] = {0, 1, RGC_KEYSPACE_MAX};
  for (size_t i = 0; i < 3; ++i) {
    rgc_t* gc = gc_with("");
    struct mem_engine* engine = engine_new();
    struct mem_store* store = engine->store;
    static const char modes[] = "rx";
    static const uint32_t all[] = {0, 1, 2, RGC_KEYSPACE_MAX - 1, RGC_KEYSPACE_MAX};
    for (size_t j = 0; j < 5; ++j) {
      for (size_t m = 0; m < 2; ++m) {
        mem_put(store, CF_DEFAULT, mode_key(modes[m], all[j], "", UINT64_MAX), BYTES("v\0"));
        mem_put(store, CF_DEFAULT, mode_key(modes[m], all[j], "\xff\xff\xff\xff\xff\xff\xff", 0), BYTES("v\0"));
        mem_put(store, CF_WRITE, mode_key(modes[m], all[j], "a", 9), BYTES("P\5"));
      }
    }
    mem_put(store, CF_DEFAULT, stored_key(BYTES("s\0\0\0"), 1), BYTES("behind r"));
    mem_put(store, CF_DEFAULT, stored_key(BYTES("t\0\0\0"), 1), BYTES("before x"));
    mem_put(store, CF_DEFAULT, stored_key(BYTES("y\0\0\0"), 1), BYTES("behind x"));
    attach(gc, engine, 2);
    rgc_destroy_report_t report = {.struct_size = sizeof report};
    SUCCEEDS(api.rgc_destroy_keyspace(gc, ids[i], RGC_DESTROY_FORCE, &report, errptr));
    CHECK(report.keys_deleted + report.files_dropped >= 5);
    CHECK_EQ(api.rgc_destroyed_count(gc), 2);
    /* Nothing is in files, so there is nothing to compact. */
    CHECK_EQ(debts_of(gc), 0);
    CHECK_EQ(mem_count_all(store, CF_DEFAULT), 23 - 4 + 2);
    CHECK_EQ(mem_count_all(store, CF_WRITE), 8);
    for (size_t m = 0; m < 2; ++m) {
      rgc_range_t range = {.struct_size = sizeof range};
      SUCCEEDS(api.rgc_keyspace_range(gc, modes[m], ids[i], &range, errptr));
      CHECK_EQ(mem_count(store, CF_DEFAULT, key_of(range.start, range.start_len), key_of(range.end, range.end_len)), 0);
      SUCCEEDS(api.rgc_release_destroyed(gc, range.start, range.start_len, range.end, range.end_len, errptr));
      api.rgc_free(range.start);
      api.rgc_free(range.end);
    }
    CHECK_EQ(api.rgc_destroyed_count(gc), 0);
    SUCCEEDS(api.rgc_destroy_keyspace(gc, 2, RGC_DESTROY_REUSABLE | RGC_DESTROY_FORCE, NULL, errptr));
    CHECK_EQ(api.rgc_destroyed_count(gc), 0);
    CHECK_EQ(mem_count_all(store, CF_WRITE), 6);
    FAILS(api.rgc_destroy_keyspace(gc, RGC_KEYSPACE_MAX + 1, 0, NULL, errptr), "Invalid argument", "16777216");
    FAILS(api.rgc_destroy_keyspace(gc, RGC_KEYSPACE_NONE, 0, NULL, errptr), "Invalid argument");
    FAILS(api.rgc_destroy_keyspace(gc, 1, 4, NULL, errptr), "Invalid argument", "4");
    FAILS(api.rgc_destroy_keyspace(gc, 1, -1, NULL, errptr), "Invalid argument");
    api.rgc_destroy(gc);
    engine_free(engine);
  }
  rgc_t* gc = gc_with("key_layout=plain;history=latest;plain_keys=4");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 1);
  FAILS(api.rgc_destroy_keyspace(gc, 1, 0, NULL, errptr), "Invalid argument", "plain");
  /* Ranges of the plain layout are ranges as all others. */
  mem_put(engine->store, CF_DEFAULT, key_of(BYTES("abcd\0\0\0\0\0\0\0\1")), BYTES("v\0"));
  SUCCEEDS(api.rgc_destroy_range(gc, BYTES("ab"), BYTES("ac"), 0, NULL, errptr));
  CHECK_EQ(mem_count(engine->store, CF_DEFAULT, key_of(BYTES("a")), key_of(BYTES("b"))), 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_destroy(void) {
  destroys("", 5, CF_LEDGER, 0);
  destroys("", 4, CF_DEFAULT, 0);
  destroys("", 5, CF_LEDGER, RGC_DESTROY_REUSABLE);
  destroys("delete_range_min_keys=5", 5, CF_LEDGER, RGC_DESTROY_FORCE);
  destroys("delete_range_min_keys=0;delete_batch_bytes=40", 4, CF_DEFAULT, RGC_DESTROY_FORCE | RGC_DESTROY_REUSABLE);
  cut_rows();
  interrupted(0, 1);
  interrupted(0, 0);
  interrupted(RGC_DESTROY_REUSABLE, 1);
  interrupted(RGC_DESTROY_REUSABLE, 0);
  keyspaces();
}
