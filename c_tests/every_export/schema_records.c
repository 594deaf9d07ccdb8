/* schema_records.c - truncations of records of every shape, with timestamps as a cluster has them;
 * and rows that are collected meanwhile. */
#include "replay.h"

#define TRUNCATED 0x61620001u
/* 2024 or so. */
#define T 450000000000000000u

struct record {
  size_t len;
  char bytes[64];
};
static struct record record_of(char type, uint64_t start, const char* rest, size_t len) {
  struct record record = {1, {type}};
  for (; start > 127; start >>= 7) record.bytes[record.len++] = (char)(start & 127) | (char)0x80;
  record.bytes[record.len++] = (char)start;
  memcpy(record.bytes + record.len, rest, len);
  record.len += len;
  return record;
}

/* What follows type and start; whether the value lies in the default family. */
static const struct {
  char type;
  const char* rest;
  size_t len;
  int is_long;
} shapes[] = {
    {'P', BYTES(""), 1},
    {'P', BYTES("v\0"), 0},
    {'P', BYTES("v\5short"), 0},
    {'P', BYTES("R"), 1},
    {'P', BYTES("v\1aR"), 0},
    {'P', BYTES("RF\0\0\0\0\0\0\0\0"), 1},
    {'P', BYTES("v\1aRF\x06\x3e\xbe\x89\x1a\x0e\0\0"), 0},
    {'P', BYTES("l\0\0\0\0\0\0\x01\x59\x0b"), 1},
    {'P', BYTES("l\0\0\0\0\0\0\0\0\1S\1"), 1},
    {'P', BYTES("Rv\1a"), 0},
    {'P', BYTES("Zv\1a"), 1}, /* a field of a later version: what follows is not read */
    {'D', BYTES(""), 0},
    {'D', BYTES("RF\0\0\0\0\0\0\0\0"), 0},
    {'D', BYTES("l\0\0\0\0\0\0\x01\x59\x0b"), 0},
    {'L', BYTES(""), 0},
    {'L', BYTES("v\1a"), 0},
    {'R', BYTES(""), 0},
    {'R', BYTES("v\1p"), 0},
    {'R', BYTES("R"), 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void put_shape(struct mem_engine* engine, uint32_t id, const char* rest, uint64_t ts, size_t i) {
  struct record record = record_of(shapes[i].type, ts - 1000, shapes[i].rest, shapes[i].len);
  mem_put(engine->store, CF_WRITE, id_key('x', 1, id, rest, ts), record.bytes, record.len);
  if (shapes[i].is_long) mem_put(engine->store, CF_DEFAULT, id_key('x', 1, id, rest, ts - 1000), BYTES("long"));
}

/* Must it go? The number of a shape lies in its timestamp. */
static int goes(void* state, uint32_t cf, const struct pair* pair) {
  uint64_t up_to = *(uint64_t*)state;
  if (cf > CF_WRITE || !is_of_schema(pair->key.data, pair->key.len, 1, TRUNCATED)) return 0;
  uint64_t ts = ts_of_key(pair->key.data, pair->key.len);
  if (ts == T - 7) return 1; /* the test takes it away itself */
  return ts + (cf == CF_DEFAULT ? 1000 : 0) <= up_to;
}

static void of_every_shape(const char* options) {
  rgc_t* gc = gc_of_schemas(options);
  struct mem_engine* engine = engine_new();
  for (uint32_t id = TRUNCATED - 1; id <= TRUNCATED + 1; ++id) {
    for (size_t i = 0; i < SHAPES; ++i) {
      char rest[16];
      /* Alone in its row; and all of them in one, in both orders. */
      snprintf(rest, sizeof rest, "alone %02zu", i);
      put_shape(engine, id, rest, T + 1, i);
      snprintf(rest, sizeof rest, "two %02zu", i);
      put_shape(engine, id, rest, T + 5000, i);
      put_shape(engine, id, rest, T + 1, (i + 1) % SHAPES);
      put_shape(engine, id, "all", T + 100 * i, i);
      put_shape(engine, id, "turned", T + 100 * (SHAPES - i), i);
    }
    /* A transaction began before the timestamp and committed after it: its record and its value
     * stay. */
    struct record late = record_of('P', T - 7, "", 0);
    mem_put(engine->store, CF_WRITE, id_key('x', 1, id, "late", T + 9000), late.bytes, late.len);
    mem_put(engine->store, CF_DEFAULT, id_key('x', 1, id, "late", T - 7), BYTES("long"));
  }
  struct contents before = contents_of(engine);
  attach(gc, engine, 5);
  uint64_t up_to = 0;
  for (uint64_t step = 1; step <= 2001; step += 500) {
    up_to = T + step;
    SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, up_to, errptr));
    drain(gc);
    struct key late = id_key('x', 1, TRUNCATED, "late", T - 7);
    CHECK(mem_has(engine->store, CF_DEFAULT, late));
    /* But for that one, by timestamps. */
    mem_delete(engine->store, CF_DEFAULT, late);
    CHECK_GONE(engine, &before, goes, &up_to);
    mem_put(engine->store, CF_DEFAULT, late, BYTES("long"));
  }
  CHECK_EQ(stats_of(gc).rows_left_unparsed, 0);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* Filters and the worker collect the same rows meanwhile. Reads at or above the safe point, and
 * above the truncation, do not change. */
static int of_both(void* state, uint32_t cf, const struct pair* pair) {
  const struct truncation* order = state;
  if (cf != CF_DEFAULT || pair->key.data[0] != 'r') return 0;
  uint64_t ts = ts_of_key(pair->key.data, pair->key.len);
  if (is_of_schema(pair->key.data, pair->key.len, 1, order->id) && ts <= order->up_to) return 1;
  /* In every row 100 is there, the safe point is 80. */
  return ts < 80;
}
static void collected_meanwhile(const char* options) {
  rgc_t* gc = gc_of_schemas(options);
  struct mem_engine* engine = engine_new();
  for (uint32_t id = TRUNCATED - 1; id <= TRUNCATED + 1; ++id) {
    for (int i = 0; i < 30; ++i) {
      char rest[16];
      snprintf(rest, sizeof rest, "%03d", i);
      for (uint64_t ts = 40; ts <= 100; ts += 10) {
        int is_dead = ts == 70 && i % 2 == 0;
        /* Rows that end with a mark below the safe point go as a whole. */
        if (i % 2 == 0 && ts > 70) continue;
        mem_put(engine->store, CF_DEFAULT, id_key('r', 1, id, rest, ts), is_dead ? "\2" : "v\0", is_dead ? 1 : 2);
      }
      mem_flush(engine->store, CF_DEFAULT);
    }
  }
  struct contents before = contents_of(engine);
  struct truncation order = {TRUNCATED, 90};
  mem_judge(engine->store, CF_DEFAULT, gc, RGC_KIND_RAW);
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, TRUNCATED, 90, errptr));
  for (int round = 0; round < 3; ++round) {
    pthread_mutex_lock(&engine->turn);
    mem_compact_all(engine->store);
    pthread_mutex_unlock(&engine->turn);
    drain(gc);
  }
  CHECK_GONE(engine, &before, of_both, &order);
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.rows_queued, stats.rows_done);
  compact_everything(engine);
  CHECK_GONE(engine, &before, of_both, &order);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

void test_schema_records(void) {
  of_every_shape("");
  of_every_shape("delete_batch_bytes=64;delete_range_min_keys=3");
  collected_meanwhile("");
  collected_meanwhile("delete_batch_bytes=64;delete_range_min_keys=2;remove_mode=skip");
}
