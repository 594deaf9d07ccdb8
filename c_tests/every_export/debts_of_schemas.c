/* debts_of_schemas.c - the files that dropped and truncated schemas leave. */
#include "debts.h"
#include "schema_keys.h"

#define SCHEMA 0x61620001u
enum { ROWS = 4, OLD = 10, NEW = 60 };

/* Three schemas, each with ROWS rows of two versions in the default and in the write family. Each
 * family is one file. */
static struct mem_engine* filled(void) {
  struct mem_engine* engine = engine_new();
  mem_keys_per_file(engine->store, 100);
  for (uint32_t id = SCHEMA - 1; id <= SCHEMA + 1; ++id) {
    for (int row = 0; row < ROWS; ++row) {
      char rest[] = {(char)('a' + row), 0};
      for (uint64_t ts = OLD; ts <= NEW; ts += NEW - OLD) {
        mem_put(engine->store, CF_DEFAULT, id_key('r', 1, id, rest, ts), BYTES("v\0"));
        mem_put(engine->store, CF_WRITE, id_key('x', 1, id, rest, ts), BYTES("P\5v\1a"));
      }
    }
  }
  mem_compact_all(engine->store);
  return engine;
}

static rgc_t* attached(struct mem_engine* engine) {
  rgc_t* gc = gc_of_schemas("");
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(SCHEMA - 1, SCHEMA, SCHEMA + 1), SCHEMA + 1, errptr));
  attach(gc, engine, 5);
  return gc;
}

/* Checks how many keys a family shows, and how many its files hold. */
static void check_keys(struct mem_engine* engine, size_t shown, size_t held) {
  for (uint32_t cf = CF_DEFAULT; cf <= CF_WRITE; ++cf) {
    pthread_mutex_lock(&engine->turn);
    CHECK_EQ(mem_count_all(engine->store, cf), shown);
    pthread_mutex_unlock(&engine->turn);
    CHECK_EQ(entries_of(engine, cf), held);
  }
}

/* The keys are dead when the worker has deleted them. Their files are a debt. Then they are gone
 * without rgc_collect, and so are the tombstones. */
static void paid(int is_drop, int is_detached) {
  struct mem_engine* engine = filled();
  rgc_t* gc = attached(engine);
  size_t all = 2 * 3 * ROWS;
  size_t left = is_drop ? all - 2 * ROWS : all - ROWS;
  hold_files(engine, 1);
  if (is_drop) SUCCEEDS(api.rgc_schema_drop(gc, 1, SCHEMA, errptr));
  else SUCCEEDS(api.rgc_schema_truncate(gc, 1, SCHEMA, 50, errptr));
  for (int i = 0; i < 200 && debts_of(gc) == 0; ++i) pause_a_little();
  rgc_debt_t debt = debt_of(gc);
  CHECK_EQ(debt.debts, 1);
  CHECK(debt.files >= 2 && debt.bytes > 0);
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 300, errptr), 1));
  CHECK(engine_calls(engine, COMPACT) >= 2);
  /* The worker has flushed the tombstones. */
  check_keys(engine, left, all + all - left);
  CHECK_EQ(api.rgc_schema_state(gc, 1, SCHEMA), is_drop ? RGC_SCHEMA_DROPPED : RGC_SCHEMA_VALID);
  if (is_detached) {
    api.rgc_detach(gc);
    CHECK_EQ(api.rgc_worker_pending(gc), 0);
    api.rgc_destroy(gc);
    gc = attached(engine);
    CHECK_EQ(debts_of(gc), 1);
    CHECK_EQ(api.rgc_schema_state(gc, 1, SCHEMA), is_drop ? RGC_SCHEMA_DROPPED : RGC_SCHEMA_VALID);
  }
  hold_files(engine, 0);
  drain(gc);
  CHECK_EQ(debts_of(gc), 0);
  check_keys(engine, left, left);
  CHECK_EQ(api.rgc_schema_state(gc, 1, SCHEMA), is_drop ? RGC_SCHEMA_DROPPED : RGC_SCHEMA_VALID);
  /* Paid once: the next worker has nothing to do. */
  api.rgc_destroy(gc);
  engine_forget(engine);
  gc = attached(engine);
  drain(gc);
  CHECK_EQ(debts_of(gc), 0);
  CHECK_EQ(engine_calls(engine, COMPACT) + engine_calls(engine, FLUSH), 0);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A truncation that finds no old version deletes nothing, and compacts nothing. */
static void nothing_to_truncate(void) {
  struct mem_engine* engine = filled();
  rgc_t* gc = attached(engine);
  engine_forget(engine);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, SCHEMA, OLD - 1, errptr));
  drain(gc);
  CHECK_EQ(debts_of(gc), 0);
  CHECK_EQ(engine_calls(engine, COMPACT) + engine_calls(engine, FLUSH), 0);
  CHECK_EQ(api.rgc_schema_state(gc, 1, SCHEMA), RGC_SCHEMA_VALID);
  check_keys(engine, 2 * 3 * ROWS, 2 * 3 * ROWS);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* A destroyed range and a schema in one file are paid by one compaction. */
static void together(void) {
  struct mem_engine* engine = filled();
  rgc_t* gc = attached(engine);
  engine_forget(engine);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, SCHEMA, errptr));
  for (int i = 0; i < 200 && debts_of(gc) == 0; ++i) pause_a_little();
  struct key start = row_of_key(id_key('r', 1, SCHEMA - 1, "b", 0));
  struct key end = row_of_key(id_key('r', 1, SCHEMA - 1, "c", 0));
  SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
  wait_until_paid(gc);
  CHECK_EQ(debts_of(gc), 0);
  size_t compactions = 0;
  for (size_t i = 0; i < engine->logged; ++i) compactions += engine->log[i].function == COMPACT && engine->log[i].cf == CF_DEFAULT;
  CHECK_EQ(compactions, 1);
  CHECK_EQ(mem_count_all(engine->store, CF_DEFAULT), 2 * 2 * ROWS - 2);
  CHECK_EQ(mem_count_all(engine->store, CF_WRITE), 2 * 2 * ROWS);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_debts_of_schemas(void) {
  for (int is_drop = 0; is_drop <= 1; ++is_drop) {
    paid(is_drop, 0);
    paid(is_drop, 1);
  }
  nothing_to_truncate();
  together();
}
