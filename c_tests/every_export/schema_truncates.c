/* schema_truncates.c - rgc_schema_truncate: which versions it deletes, in which order, and how the
 * host stops it, raises it, or drops the schema meanwhile. */
#define _GNU_SOURCE
#include <time.h>

#include "replay.h"


/* "ab\0\1", with neighbours on both sides. */
#define TRUNCATED 0x61620001u

static void put_record(struct mem_engine* engine, uint32_t keyspace, uint32_t id, const char* rest, uint64_t ts, int is_long) {
  char record[] = {'P', (char)(ts - 5), 'v', 1, 'a'};
  mem_put(engine->store, CF_WRITE, id_key('x', keyspace, id, rest, ts), record, is_long ? 2 : 5);
  if (is_long) mem_put(engine->store, CF_DEFAULT, id_key('x', keyspace, id, rest, ts - 5), BYTES("long"));
}

/* Rows of one version to forty, some all below 50, some all above. */
static struct mem_engine* filled(void) {
  struct mem_engine* engine = engine_new();
  struct mem_store* store = engine->store;
  mem_keys_per_file(store, 5);
  static const uint64_t versions[] = {10, 48, 49, 50, 51, 54, 55, 56, 90};
  for (size_t v = 0; v < sizeof versions / sizeof *versions; ++v) {
    uint64_t ts = versions[v];
    for (uint32_t id = TRUNCATED - 1; id <= TRUNCATED + 1; ++id) {
      mem_put(store, CF_DEFAULT, id_key('r', 1, id, "", ts), BYTES("v\0"));
      mem_put(store, CF_DEFAULT, id_key('r', 1, id, "every version", ts), BYTES("v\0"));
      mem_put(store, CF_DEFAULT, id_key('r', 2, id, "every version", ts), BYTES("v\0"));
      if (ts <= 50) mem_put(store, CF_DEFAULT, id_key('r', 1, id, "old ones only", ts), BYTES("v\0"));
      if (ts > 50) mem_put(store, CF_DEFAULT, id_key('r', 1, id, "new ones only", ts), BYTES("v\0"));
      put_record(engine, 1, id, "", ts, v % 2 == 0);
      put_record(engine, 1, id, "every version, each with a long user key", ts, v % 2 == 1);
      put_record(engine, 2, id, "every version", ts, 1);
      if (ts <= 50) put_record(engine, 1, id, "old ones only", ts, 1);
      if (ts > 50) put_record(engine, 1, id, "new ones only", ts, 1);
      /* A value that waits for its transaction. */
      mem_put(store, CF_DEFAULT, id_key('x', 1, id, "locked", 20), BYTES("long"));
      mem_put(store, CF_LOCK, row_of_key(id_key('x', 1, id, "locked", 0)), BYTES("lock"));
      mem_put(store, CF_RAFT, id_key('r', 1, id, "", ts), BYTES("log"));
      mem_put(store, CF_WRITE, id_key('t', 1, id, "", ts), BYTES("P\5v\1a"));
    }
    mem_put(store, CF_DEFAULT, user_key('r', 1, BYTES("ab\0"), ts), BYTES("v\0"));
    mem_put(store, CF_DEFAULT, user_key('r', 1, BYTES("ab"), ts), BYTES("v\0"));
    if (v % 3 == 0) {
      mem_flush(store, CF_DEFAULT);
      mem_flush(store, CF_WRITE);
    }
  }
  for (uint64_t ts = 11; ts < 51; ++ts) {
    mem_put(store, CF_DEFAULT, id_key('r', 1, TRUNCATED, "forty", ts), ts == 30 ? "\2" : "v\0", ts == 30 ? 1 : 2);
    put_record(engine, 1, TRUNCATED, "forty", ts, 1);
  }
  mem_put(store, CF_WRITE, id_key('x', 1, TRUNCATED, "deleted", 49), BYTES("D\x20"));
  mem_put(store, CF_WRITE, id_key('x', 1, TRUNCATED, "deleted", 60), BYTES("D\x34"));
  mem_put(store, CF_WRITE, id_key('x', 1, TRUNCATED, "others", 49), BYTES("L\x20"));
  mem_put(store, CF_WRITE, id_key('x', 1, TRUNCATED, "others", 48), BYTES("R\x30"));
  put_record(engine, 1, TRUNCATED, "others", 47, 1);
  return engine;
}

struct seen {
  int n, state;
  uint64_t up_to;
};
static int see(void* state, const rgc_schema_info_t* info) {
  struct seen* seen = state;
  if (info->keyspace != 1 || info->id != TRUNCATED) return 0;
  ++seen->n;
  seen->state = info->state;
  seen->up_to = info->truncated_up_to_ts;
  return 0;
}
static void check_shown(const rgc_t* gc, int state, uint64_t up_to) {
  struct seen seen = {0, -1, 77};
  api.rgc_schemas_foreach(gc, see, &seen);
  CHECK_EQ(seen.n, 1);
  CHECK_EQ(seen.state, state);
  CHECK_EQ(seen.up_to, up_to);
  CHECK_EQ(api.rgc_schema_state(gc, 1, TRUNCATED), state);
}

static void load(rgc_t* gc) {
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(TRUNCATED - 1, TRUNCATED, TRUNCATED + 1), TRUNCATED + 1, errptr));
}

/* A host that writes while the worker deletes. */
static void write_newer(void* state, int function) {
  struct mem_engine* engine = state;
  if (function != WRITE) return;
  pthread_mutex_lock(&engine->turn);
  mem_put(engine->store, CF_DEFAULT, id_key('r', 1, TRUNCATED, "old ones only", 95), BYTES("v\0"));
  pthread_mutex_unlock(&engine->turn);
}

static void truncates(const char* options, uint64_t up_to, size_t max_bytes) {
  rgc_t* gc = gc_of_schemas(options);
  struct mem_engine* engine = filled();
  mem_put(engine->store, CF_DEFAULT, id_key('r', 1, TRUNCATED, "old ones only", 95), BYTES("v\0"));
  struct contents before = contents_of(engine);
  struct truncation order = {TRUNCATED, up_to};
  struct judged_by by = {&before, &order};
  load(gc);
  attach(gc, engine, 5);
  check_shown(gc, RGC_SCHEMA_VALID, 0);
  engine_forget(engine);
  engine->during_state = engine;
  if (up_to < 95) engine->during = write_newer;
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, up_to, errptr));
  drain(gc);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  check_shown(gc, RGC_SCHEMA_VALID, up_to);
  CHECK_EQ(api.rgc_schema_state(gc, 1, TRUNCATED + 1), RGC_SCHEMA_VALID);
  CHECK_GONE(engine, &before, goes_by_truncation, &by);
  size_t batches = check_replay(&before, &order, engine);
  CHECK((batches > 0) == (up_to >= 10));
  if (max_bytes != 0) CHECK(batches > 10);
  /* The order is durable first; what is deleted is written with care, in small batches. */
  int is_recorded = 0;
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    CHECK(call->function != DELETE_FILES);
    size_t bytes = 0;
    for (size_t j = 0; call->function == WRITE && j < call->n; ++j) {
      const struct op* op = &call->ops[j];
      if (op->cf == CF_LEDGER) {
        is_recorded |= op->op == RGC_OP_PUT && (call->flags & RGC_WRITE_FLAG_SYNC) != 0;
        continue;
      }
      CHECK(is_recorded);
      CHECK((call->flags & RGC_WRITE_FLAG_NO_SLOWDOWN) != 0);
      bytes += op->key.len + op->value.len;
    }
    /* A record and its value are not parted. */
    if (max_bytes != 0) CHECK(bytes <= max_bytes + 2 * sizeof ((struct key*)0)->data);
  }
  CHECK(is_recorded);
  compact_everything(engine);
  CHECK_GONE(engine, &before, goes_by_truncation, &by);
  CHECK_EQ(stats_of(gc).rows_left_unparsed, 0);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* Rests while it is switched off; the highest timestamp stands; stalls are waited for. */
static void raised(void) {
  rgc_t* gc = gc_of_schemas("");
  struct mem_engine* engine = filled();
  struct contents before = contents_of(engine);
  struct truncation order = {TRUNCATED, 49};
  struct judged_by by = {&before, &order};
  load(gc);
  attach(gc, engine, 5);
  api.rgc_set_enabled(gc, 0);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 30, errptr));
  check_shown(gc, RGC_SCHEMA_TRUNCATING, 30);
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 49, errptr));
  check_shown(gc, RGC_SCHEMA_TRUNCATING, 49);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 20, errptr));
  check_shown(gc, RGC_SCHEMA_TRUNCATING, 49);
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 60, errptr), 1));
  for (size_t i = 0; i < engine->logged; ++i) {
    for (size_t j = 0; j < engine->log[i].n; ++j) CHECK_EQ(engine->log[i].ops[j].cf, CF_LEDGER);
  }
  /* A filter ignores truncations: old versions stay until the worker deletes them. */
  api.rgc_set_enabled(gc, 1);
  pthread_mutex_lock(&engine->turn);
  engine->is_stalled = 1;
  pthread_mutex_unlock(&engine->turn);
  pause_a_little();
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  pthread_mutex_lock(&engine->turn);
  engine->is_stalled = 0;
  pthread_mutex_unlock(&engine->turn);
  drain(gc);
  check_shown(gc, RGC_SCHEMA_VALID, 49);
  CHECK_GONE(engine, &before, goes_by_truncation, &by);
  check_replay(&before, &order, engine);
  /* A lower one has nothing to do, a higher one has. */
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 20, errptr));
  drain(gc);
  check_shown(gc, RGC_SCHEMA_VALID, 49);
  CHECK_GONE(engine, &before, goes_by_truncation, &by);
  order.up_to = 55;
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 55, errptr));
  drain(gc);
  check_shown(gc, RGC_SCHEMA_VALID, 55);
  CHECK_GONE(engine, &before, goes_by_truncation, &by);
  check_replay(&before, &order, engine);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

static void runs_keep(void) {
  rgc_t* gc = gc_of_schemas("");
  struct mem_engine* engine = filled();
  load(gc);
  attach(gc, engine, 5);
  pthread_mutex_lock(&engine->turn);
  engine->is_stalled = 1;
  pthread_mutex_unlock(&engine->turn);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 99, errptr));
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, id_key('r', 1, TRUNCATED, "a", 90)), RGC_KEEP);
  CHECK_EQ(decide_live(run, id_key('r', 1, TRUNCATED, "a", 80)), RGC_KEEP);
  CHECK_EQ(decide_live(run, id_key('r', 1, TRUNCATED, "b", 10)), RGC_KEEP);
  api.rgc_filter_destroy(run);
  struct key key = id_key('r', 1, TRUNCATED, "a", 90);
  CHECK_EQ(api.rgc_wal_should_skip(gc, OF(key)), 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* Dropped while its old versions are deleted: all of it goes. */
static int of_the_schema(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  return is_of_schema(pair->key.data, pair->key.len, 1, TRUNCATED);
}
static void overtaken(int is_on) {
  rgc_t* gc = gc_of_schemas(is_on ? "delete_bytes_per_second=20000;delete_batch_bytes=64" : "");
  struct mem_engine* engine = filled();
  struct contents before = contents_of(engine);
  load(gc);
  attach(gc, engine, 5);
  api.rgc_set_enabled(gc, (unsigned char)is_on);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 50, errptr));
  if (is_on) pause_a_little();
  SUCCEEDS(api.rgc_schema_drop(gc, 1, TRUNCATED, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, TRUNCATED), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  CHECK_EQ(api.rgc_schema_state(gc, 1, TRUNCATED), RGC_SCHEMA_DROPPED);
  CHECK_GONE(engine, &before, of_the_schema, NULL);
  api.rgc_destroy(gc);
  /* Nor does the order of then come back. */
  gc = gc_of_schemas("");
  attach(gc, engine, 5);
  CHECK_EQ(api.rgc_schema_state(gc, 1, TRUNCATED), RGC_SCHEMA_DROPPED);
  drain(gc);
  CHECK_GONE(engine, &before, of_the_schema, NULL);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* A row with a record that does not parse stays as it is; its neighbours go. */
static int but_for_a_row(void* state, uint32_t cf, const struct pair* pair) {
  struct key row = row_of_key(id_key('x', 1, TRUNCATED, "every version, each with a long user key", 0));
  if (pair->key.len == row.len + 8 && memcmp(pair->key.data, row.data, row.len) == 0) return 0;
  return goes_by_truncation(state, cf, pair);
}
static void unparsed(void) {
  static const char* const records[] = {"", "X\5", "P", "P\5v", "P\5v\5a"};
  for (size_t i = 0; i < sizeof records / sizeof *records; ++i) {
    rgc_t* gc = gc_of_schemas("");
    struct mem_engine* engine = filled();
    struct key bad = id_key('x', 1, TRUNCATED, "every version, each with a long user key", 48);
    mem_put(engine->store, CF_WRITE, bad, records[i], strlen(records[i]));
    struct contents before = contents_of(engine);
    struct truncation order = {TRUNCATED, 50};
    struct judged_by by = {&before, &order};
    load(gc);
    attach(gc, engine, 5);
    SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 50, errptr));
    drain(gc);
    CHECK_GONE(engine, &before, but_for_a_row, &by);
    CHECK_EQ(stats_of(gc).rows_left_unparsed, 1);
    check_shown(gc, RGC_SCHEMA_VALID, 50);
    api.rgc_destroy(gc);
    contents_free(&before);
    engine_free(engine);
  }
}

void test_schema_truncates(void) {
  truncates("", 50, 0);
  truncates("delete_batch_bytes=64;delete_range_min_keys=0", 50, 64);
  truncates("delete_batch_bytes=100;delete_range_min_keys=6", 55, 100);
  truncates("delete_range_min_keys=1", 48, 0);
  truncates("", UINT64_MAX - 1, 0);
  truncates("", 1, 0);
  raised();
  runs_keep();
  overtaken(0);
  overtaken(1);
  unparsed();
}
