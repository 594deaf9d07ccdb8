/* foreach_schemas.c - what an operator is shown of schemas, and what may be called meanwhile. */
#include "schema_keys.h"

struct schemas {
  size_t n;
  rgc_schema_info_t info[32];
};
static int take_schema(void* state, const rgc_schema_info_t* info) {
  struct schemas* seen = state;
  CHECK_EQ(info->struct_size, sizeof *info);
  REQUIRE(seen->n < 32);
  seen->info[seen->n++] = *info;
  return 0;
}
static int stop_at_a_schema(void* n, const rgc_schema_info_t* info) {
  (void)info;
  ++*(int*)n;
  return INT32_MIN;
}

static void schemas(void) {
  rgc_t* gc = gc_with("schema_id=prefix");
  struct mem_engine* engine = engine_new();
  SUCCEEDS(api.rgc_schemas_load(gc, 2, IDS(9, 8, 8), 20, errptr));
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(1, 2, 3), 3, errptr));
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(5, 3), 7, errptr));
  SUCCEEDS(api.rgc_schema_create(gc, 1, 6, errptr));
  SUCCEEDS(api.rgc_schema_create(gc, 1, 5, errptr));
  SUCCEEDS(api.rgc_schema_create(gc, 0, UINT32_MAX, errptr));
  attach(gc, engine, 1);
  api.rgc_set_enabled(gc, 0);
  SUCCEEDS(api.rgc_schema_drop(gc, RGC_KEYSPACE_MAX, 0, errptr));
  SUCCEEDS(api.rgc_schema_truncate(gc, 2, 9, 77, errptr));
  SUCCEEDS(api.rgc_schema_drop(gc, 2, 8, errptr));
  static const rgc_schema_info_t expected[] = {
      {0, 0, UINT32_MAX, RGC_SCHEMA_VALID, 0}, {0, 1, 3, RGC_SCHEMA_VALID, 0},   {0, 1, 5, RGC_SCHEMA_VALID, 0},
      {0, 1, 6, RGC_SCHEMA_VALID, 0},          {0, 2, 8, RGC_SCHEMA_DROPPED, 0}, {0, 2, 9, RGC_SCHEMA_TRUNCATING, 77},
      {0, RGC_KEYSPACE_MAX, 0, RGC_SCHEMA_DROPPED, 0},
  };
  enum { EXPECTED = sizeof expected / sizeof *expected };
  for (int round = 0; round < 2; ++round) {
    struct schemas seen = {0};
    api.rgc_schemas_foreach(gc, take_schema, &seen);
    CHECK_EQ(seen.n, EXPECTED);
    for (size_t i = 0; i < EXPECTED && i < seen.n; ++i) {
      CHECK_EQ(seen.info[i].keyspace, expected[i].keyspace);
      CHECK_EQ(seen.info[i].id, expected[i].id);
      /* Once the worker is done it is valid. */
      CHECK_EQ(seen.info[i].state, round == 1 && expected[i].state == RGC_SCHEMA_TRUNCATING ? RGC_SCHEMA_VALID : expected[i].state);
      CHECK_EQ(seen.info[i].truncated_up_to_ts, expected[i].truncated_up_to_ts);
    }
    api.rgc_set_enabled(gc, 1);
    drain(gc);
  }
  int n = 0;
  api.rgc_schemas_foreach(gc, stop_at_a_schema, &n);
  CHECK_EQ(n, 1);
  api.rgc_schemas_foreach(NULL, stop_at_a_schema, &n);
  api.rgc_schemas_foreach(gc, NULL, &n);
  CHECK_EQ(n, 1);
  /* What the host said stays; what the ledger said ends with detach. */
  CHECK_EQ(api.rgc_detach(gc), 1);
  struct schemas seen = {0};
  api.rgc_schemas_foreach(gc, take_schema, &seen);
  CHECK_EQ(seen.n, EXPECTED - 1);
  for (size_t i = 0; i < seen.n; ++i) CHECK_EQ(seen.info[i].state, RGC_SCHEMA_VALID);
  api.rgc_destroy(gc);
  gc = gc_with("");
  api.rgc_schemas_foreach(gc, stop_at_a_schema, &n);
  CHECK_EQ(n, 1);
  api.rgc_destroy(gc);
  engine_free(engine);
  gc = gc_with("key_layout=plain;history=latest;plain_keys=8;schema_id=prefix");
  SUCCEEDS(api.rgc_schemas_load(gc, RGC_KEYSPACE_NONE, IDS(4), 20, errptr));
  seen.n = 0;
  api.rgc_schemas_foreach(gc, take_schema, &seen);
  CHECK(seen.n == 1 && seen.info[0].keyspace == RGC_KEYSPACE_NONE && seen.info[0].id == 4);
  api.rgc_destroy(gc);
}

static int stop_at_a_range(void* n, const rgc_destroyed_info_t* info) {
  (void)info;
  ++*(int*)n;
  return 1;
}

/* What each may call. */
static rgc_t* subject;
static int calls;
static void call_readers_and_advances(void) {
  ++calls;
  stats_of(subject);
  api.rgc_free(api.rgc_metrics(subject));
  uint64_t before = api.rgc_global_safe_point(subject);
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, before + 1), 1);
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(subject, 1, 100 + before, errptr));
  CHECK_EQ(api.rgc_keyspace_safe_point(subject, 1), 100 + before);
  CHECK_EQ(api.rgc_schema_state(subject, 1, 5), RGC_SCHEMA_VALID);
  CHECK_EQ(api.rgc_destroyed_count(subject), 1);
  int n = 0;
  api.rgc_schemas_foreach(subject, stop_at_a_schema, &n);
  api.rgc_destroyed_foreach(subject, stop_at_a_range, &n);
  CHECK_EQ(n, 2);
  /* What waits, or takes the store, is refused there. */
  REFUSES(api.rgc_worker_drain(subject, 1, errptr), NO_MORE);
  REFUSES(api.rgc_schema_drop(subject, 1, 5, errptr), NO_MORE);
  REFUSES(api.rgc_destroy_range(subject, BYTES("b"), BYTES("c"), 0, NULL, errptr), NO_MORE);
  api.rgc_detach(subject);
  api.rgc_destroy(subject);
}
static int each_keyspace(void* state, const rgc_keyspace_info_t* info) {
  (void)state;
  (void)info;
  call_readers_and_advances();
  return 0;
}
static int each_destroyed(void* state, const rgc_destroyed_info_t* info) {
  (void)state;
  (void)info;
  call_readers_and_advances();
  return 0;
}
static int each_schema(void* state, const rgc_schema_info_t* info) {
  (void)state;
  (void)info;
  call_readers_and_advances();
  return 0;
}
static void inside(void) {
  subject = gc_at_80("schema_id=prefix");
  struct mem_engine* engine = engine_new();
  CHECK_EQ(api.rgc_advance_global_safe_point(subject, 50), 1);
  SUCCEEDS(api.rgc_schemas_load(subject, 1, IDS(5), 5, errptr));
  attach(subject, engine, 1);
  SUCCEEDS(api.rgc_destroy_range(subject, BYTES("b"), BYTES("c"), 0, NULL, errptr));
  calls = 0;
  api.rgc_keyspaces_foreach(subject, each_keyspace, NULL);
  CHECK_EQ(calls, 1);
  api.rgc_destroyed_foreach(subject, each_destroyed, NULL);
  CHECK_EQ(calls, 2);
  api.rgc_schemas_foreach(subject, each_schema, NULL);
  CHECK_EQ(calls, 3);
  CHECK_EQ(engine->calls[DESTRUCTOR], 0);
  drain(subject);
  api.rgc_destroy(subject);
  CHECK_EQ(engine->calls[DESTRUCTOR], 1);
  engine_free(engine);
}

void test_foreach_schemas(void) {
  schemas();
  inside();
}
