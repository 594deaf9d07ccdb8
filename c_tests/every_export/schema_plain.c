/* schema_plain.c - truncations in the plain layout: rows of both kinds, and between them keys of no
 * schema and invalid keys. */
#include "schema_keys.h"

#define TRUNCATED 0x61620001u

/* Keys of 8 + 8 bytes that begin with the id. Versions and records count by their own timestamp,
 * values by their record's. */
static int is_a_row(const struct pair* pair) { return pair->key.len == 16 && memcmp(pair->key.data, "ab\0\1", 4) == 0; }
static int of_raw(void* up_to, uint32_t cf, const struct pair* pair) {
  return cf == CF_DEFAULT && is_a_row(pair) && ts_of_key(pair->key.data, pair->key.len) <= *(uint64_t*)up_to;
}
static int of_records(void* up_to, uint32_t cf, const struct pair* pair) {
  /* A value's record is 5 later. */
  return is_a_row(pair) && ts_of_key(pair->key.data, pair->key.len) + (cf == CF_DEFAULT ? 5 : 0) <= *(uint64_t*)up_to;
}

static struct mem_engine* filled(int with_records) {
  struct mem_engine* engine = engine_new();
  for (char i = 0; i < 12; ++i) {
    char user[] = {'a', 'b', 0, (char)(i % 3), 'k', i, 'x', 'y', (char)0xff, (char)0xff, (char)0xff, (char)0xff};
    for (char ts = 40; ts < 60; ts += 5) {
      char record[] = {'P', (char)(ts - 5)};
      if (with_records) mem_put(engine->store, CF_WRITE, plain_key(user, 8, (uint64_t)ts), record, 2);
      mem_put(engine->store, CF_DEFAULT, plain_key(user, 8, (uint64_t)ts - (with_records ? 5 : 0)), BYTES("v\0"));
    }
    /* Not of the layout, which wants 8 bytes and a timestamp. */
    for (size_t len = 4; len < 12; ++len) mem_put(engine->store, with_records ? CF_WRITE : CF_DEFAULT, key_of(user, len), BYTES("other"));
  }
  return engine;
}

static void rows(int with_records, const char* more) {
  char options[160];
  snprintf(options, sizeof options, "key_layout=plain;history=latest;plain_keys=8;schema_id=prefix;%s", more);
  rgc_t* gc = gc_with(options);
  struct mem_engine* engine = filled(with_records);
  struct contents before = contents_of(engine);
  attach(gc, engine, with_records ? 2 : 1);
  for (uint64_t up_to = 45; up_to < 60; up_to += 9) {
    engine_forget(engine);
    SUCCEEDS(api.rgc_schema_truncate(gc, RGC_KEYSPACE_NONE, TRUNCATED, up_to, errptr));
    drain(gc);
    CHECK_GONE(engine, &before, with_records ? of_records : of_raw, &up_to);
    /* A record and its value in one batch; of a row the older before the newer. */
    for (size_t i = 0; i < engine->logged; ++i) {
      const struct call* call = &engine->log[i];
      size_t deleted[2] = {0, 0};
      for (size_t j = 0; call->function == WRITE && j < call->n; ++j) {
        if (call->ops[j].op == RGC_OP_DELETE && call->ops[j].key.len == 16) ++deleted[call->ops[j].cf == CF_WRITE];
      }
      if (with_records) CHECK_EQ(deleted[0], deleted[1]);
      else CHECK_EQ(deleted[1], 0);
    }
  }
  uint64_t up_to = 54;
  compact_everything(engine);
  CHECK_GONE(engine, &before, with_records ? of_records : of_raw, &up_to);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* A user key of 3 bytes has no schema, though with its timestamp it begins like one that has: 61 62
 * 00 and ff. */
static int none_of_them(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  (void)pair;
  return 0;
}
static void short_user_keys(int drops) {
  static const struct {
    const char* bytes;
    size_t len;
    uint32_t id;
  } users[] = {{BYTES("ab\0"), 0x616200ff}, {BYTES("ab"), 0x6162ffff}, {BYTES("a"), 0x61ffffff}, {BYTES(""), 0xffffffff}};
  for (size_t i = 0; i < sizeof users / sizeof *users; ++i) {
    rgc_t* gc = gc_with("key_layout=plain;history=latest;plain_keys=prefix_free;schema_id=prefix");
    struct mem_engine* engine = engine_new();
    for (uint64_t ts = 10; ts < 50; ts += 10) mem_put(engine->store, CF_DEFAULT, plain_key(users[i].bytes, users[i].len, ts), BYTES("v\0"));
    mem_flush(engine->store, CF_DEFAULT);
    struct contents before = contents_of(engine);
    attach(gc, engine, 1);
    if (drops) SUCCEEDS(api.rgc_schema_drop(gc, RGC_KEYSPACE_NONE, users[i].id, errptr));
    else SUCCEEDS(api.rgc_schema_truncate(gc, RGC_KEYSPACE_NONE, users[i].id, 50, errptr));
    drain(gc);
    CHECK_GONE(engine, &before, none_of_them, NULL);
    struct key key = plain_key(users[i].bytes, users[i].len, 10);
    CHECK_EQ(api.rgc_wal_should_skip(gc, OF(key)), 0);
    if (drops) {
      rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
      CHECK_EQ(decide_live(run, key), RGC_KEEP);
      api.rgc_filter_destroy(run);
    }
    api.rgc_destroy(gc);
    contents_free(&before);
    engine_free(engine);
  }
}

void test_schema_plain(void) {
  rows(0, "");
  rows(0, "delete_batch_bytes=40;delete_range_min_keys=2");
  rows(1, "");
  rows(1, "delete_batch_bytes=40;delete_range_min_keys=2");
  short_user_keys(1);
  short_user_keys(0);
}
