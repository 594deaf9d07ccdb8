/* worker_batches.c - how the worker deletes: long rows in batches, range tombstones, and a host
 * that writes meanwhile. */
#include "attached.h"
#include "parts.h"

#define LIVE BYTES("v\0")
#define MARK BYTES("\2")

static int is_key(struct bytes bytes, struct key key) { return bytes_compare(bytes.data, bytes.len, key.data, key.len) == 0; }

/* Checks the batches of one row: small, oldest first, the newest version last and only after all
 * other deletes are durable. */
static void check_batches(const struct mem_engine* engine, uint32_t cf, struct key newest, size_t max_bytes) {
  size_t writes = 0;
  int is_durable = 0;
  int is_over = 0;
  const struct bytes* last = NULL;
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    if (call->function != WRITE) continue;
    size_t bytes = 0;
    CHECK(!is_over);
    CHECK((call->flags & RGC_WRITE_FLAG_NO_SLOWDOWN) != 0);
    for (size_t j = 0; j < call->n; ++j) {
      const struct op* op = &call->ops[j];
      bytes += op->key.len + op->value.len;
      CHECK_EQ(op->op, RGC_OP_DELETE);
      if (op->cf != cf) continue;
      if (last != NULL) CHECK(bytes_compare(last->data, last->len, op->key.data, op->key.len) > 0);
      last = &op->key;
      if (!is_key(op->key, newest)) continue;
      is_over = 1;
      CHECK(writes == 0 || is_durable);
    }
    CHECK(bytes <= max_bytes + newest.len); /* a record and its value are not parted */
    is_durable = (call->flags & RGC_WRITE_FLAG_SYNC) != 0;
    ++writes;
  }
  CHECK(is_over);
  CHECK(writes > 2);
}

static void long_rows(void) {
  rgc_t* gc = gc_at_80("delete_batch_bytes=64;delete_range_min_keys=0");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  put_dead_row(engine, "a", 40);
  put_dead_row(engine, "b", 1);
  engine_forget(engine);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  decide(run, raw_key(1, "a", 70), MARK);
  api.rgc_filter_destroy(run);
  drain(gc);
  CHECK_EQ(left_of(engine, "a"), 0);
  CHECK_EQ(left_of(engine, "b"), 2);
  check_batches(engine, CF_DEFAULT, raw_key(1, "a", 70), 64);
  put_deleted_row(engine, "a", 40);
  engine_forget(engine);
  run_over(gc, engine, CF_WRITE, RGC_KIND_TXN);
  drain(gc);
  CHECK_EQ(mem_count_all(engine->store, CF_WRITE), 0);
  CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT), 2);
  check_batches(engine, CF_WRITE, record_key("a", 70), 64);
  /* Each value in the batch of its record. */
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    size_t pairs[2] = {0, 0};
    for (size_t j = 0; call->function == WRITE && j < call->n; ++j) {
      pairs[call->ops[j].cf] += !is_key(call->ops[j].key, record_key("a", 70));
    }
    CHECK_EQ(pairs[CF_DEFAULT], pairs[CF_WRITE]);
  }
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* From so many versions on one range tombstone, which reaches no newer version and no neighbour. */
static void range_tombstones(void) {
  rgc_t* gc = gc_at_80("delete_range_min_keys=10;delete_batch_bytes=64");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  put_dead_row(engine, "a", 3);
  put_dead_row(engine, "b", 20);
  put_dead_row(engine, "c", 3);
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "bb", 90), LIVE);
  engine_forget(engine);
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT), 1);
  size_t ranges = 0;
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    for (size_t j = 0; call->function == WRITE && j < call->n; ++j) {
      const struct op* op = &call->ops[j];
      if (op->op != RGC_OP_DELETE_RANGE) continue;
      ++ranges;
      struct key behind = raw_key(1, "bb", UINT64_MAX);
      struct key above = raw_key(1, "b", 80);
      CHECK(bytes_compare(op->key.data, op->key.len, above.data, above.len) > 0);
      CHECK(bytes_compare(op->value.data, op->value.len, behind.data, behind.len) <= 0);
    }
  }
  CHECK_EQ(ranges, 1);
  /* Long values go one by one, each with its record. */
  put_deleted_row(engine, "d", 30);
  engine_forget(engine);
  run_over(gc, engine, CF_WRITE, RGC_KIND_TXN);
  drain(gc);
  CHECK_EQ(mem_count_all(engine->store, CF_WRITE), 0);
  CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT), 1);
  check_batches(engine, CF_WRITE, record_key("d", 70), 64);
  CHECK_EQ(stats_of(gc).rows_done, 4);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A host that writes between the worker's last look and its write. */
static void write_a_newer_version(void* state, int function) {
  if (function != WRITE) return;
  struct mem_engine* engine = state;
  pthread_mutex_lock(&engine->turn);
  engine->during = NULL;
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "a", 90), LIVE);
  mem_put(engine->store, CF_WRITE, record_key("a", 90), BYTES("P\x55v\1a"));
  pthread_mutex_unlock(&engine->turn);
}

static void writes_in_between(void) {
  static const char* const options[] = {"delete_range_min_keys=0", "delete_range_min_keys=10",
                                        "delete_range_min_keys=10;delete_batch_bytes=64"};
  for (size_t i = 0; i < 3; ++i) {
    rgc_t* gc = gc_at_80(options[i]);
    struct mem_engine* engine = engine_new();
    attach(gc, engine, 2);
    put_dead_row(engine, "a", 20);
    put_deleted_row(engine, "a", 20);
    engine->during_state = engine;
    engine->during = write_a_newer_version;
    run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
    drain(gc);
    CHECK(mem_has(engine->store, CF_DEFAULT, raw_key(1, "a", 90)));
    CHECK_EQ(mem_count(engine->store, CF_DEFAULT, raw_key(1, "a", 71), raw_key(1, "a", 0)), 0);
    engine->during = write_a_newer_version;
    run_over(gc, engine, CF_WRITE, RGC_KIND_TXN);
    drain(gc);
    CHECK(mem_has(engine->store, CF_WRITE, record_key("a", 90)));
    CHECK_EQ(mem_count(engine->store, CF_WRITE, record_key("a", 71), record_key("a", 0)), 0);
    api.rgc_destroy(gc);
    engine_free(engine);
  }
}

void test_worker_batches(void) {
  long_rows();
  range_tombstones();
  writes_in_between();
}
