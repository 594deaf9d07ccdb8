/* locks.c - rgc_oldest_lock: whose locks count, up to which timestamp, and what it does not guess. */
#include "attached.h"
#include "parts.h"

/* The key of a lock has no timestamp. */
static struct key lock_key(char mode, uint32_t keyspace, const char* user_key) {
  struct key key = mode_key(mode, keyspace, user_key, 0);
  key.len -= 8;
  return key;
}

static void put_lock(struct mem_engine* engine, struct key key, char type, unsigned char start_ts) {
  const char lock[] = {type, 4, 'p', 'k', (char)start_ts, 10, 'F'};
  mem_put(engine->store, CF_LOCK, key, lock, sizeof lock);
}

static uint64_t oldest(const rgc_t* gc, uint32_t keyspace, uint64_t up_to) {
  uint64_t ts = 77;
  SUCCEEDS(ts = api.rgc_oldest_lock(gc, keyspace, up_to, errptr));
  return ts;
}

static void found(void) {
  rgc_t* gc = gc_with("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 3);
  CHECK_EQ(oldest(gc, 1, UINT64_MAX), 0);
  put_lock(engine, lock_key('x', 1, "a"), 'P', 40);
  put_lock(engine, lock_key('x', 1, "b"), 'S', 30);
  put_lock(engine, lock_key('x', 1, "c"), 'D', 50);
  put_lock(engine, lock_key('x', 2, "a"), 'L', 9);
  struct key table = stored_key(BYTES("t_r_1"), 0), meta = stored_key(BYTES("m"), 0);
  table.len -= 8;
  meta.len -= 8;
  put_lock(engine, table, 'P', 8);
  put_lock(engine, meta, 'P', 7);
  CHECK_EQ(oldest(gc, 1, UINT64_MAX), 30);
  CHECK_EQ(oldest(gc, 1, 30), 30);
  CHECK_EQ(oldest(gc, 1, 29), 0);
  CHECK_EQ(oldest(gc, 2, 100), 9);
  CHECK_EQ(oldest(gc, 0, UINT64_MAX), 0);
  CHECK_EQ(oldest(gc, RGC_KEYSPACE_MAX, UINT64_MAX), 0);
  CHECK_EQ(oldest(gc, RGC_KEYSPACE_NONE, 100), 7);
  /* Resolved. */
  mem_delete(engine->store, CF_LOCK, lock_key('x', 1, "b"));
  CHECK_EQ(oldest(gc, 1, UINT64_MAX), 40);
  FAILS(CHECK_EQ(api.rgc_oldest_lock(gc, RGC_KEYSPACE_MAX + 1, 5, errptr), 0), "Invalid argument", "16777216");

  /* A damaged one, also above up_to: its timestamp is not known. */
  mem_put(engine->store, CF_LOCK, lock_key('x', 1, "z"), BYTES("P\4p"));
  struct key damaged = lock_key('x', 1, "z");
  FAILS(CHECK_EQ(api.rgc_oldest_lock(gc, 1, 1, errptr), 0), "Corruption", hex_of(damaged.data, damaged.len));
  CHECK_EQ(oldest(gc, 2, 100), 9);
  CHECK_EQ(api.rgc_oldest_lock(gc, 1, 1, NULL), 0);
  CHECK_EQ(api.rgc_detach(gc), 1);
  FAILS(CHECK_EQ(api.rgc_oldest_lock(gc, 1, 5, errptr), 0), "Invalid argument", "no store");
  FAILS(CHECK_EQ(api.rgc_oldest_lock(NULL, 1, 5, errptr), 0), "Invalid argument", "gc is NULL");
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void without_a_family(void) {
  rgc_t* gc = gc_with("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  FAILS(CHECK_EQ(api.rgc_oldest_lock(gc, 1, 5, errptr), 0), "Not supported", "RGC_CF_LOCK");
  CHECK_EQ(api.rgc_detach(gc), 1);
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void plain(void) {
  rgc_t* gc = gc_with("key_layout=plain;plain_keys=3;history=snapshot");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 3);
  put_lock(engine, key_of(BYTES("abc")), 'P', 6);
  put_lock(engine, key_of(BYTES("\xff\xff\xff")), 'P', 5);
  CHECK_EQ(oldest(gc, RGC_KEYSPACE_NONE, 100), 5);
  FAILS(CHECK_EQ(api.rgc_oldest_lock(gc, 1, 5, errptr), 0), "Invalid argument", "plain");
  CHECK_EQ(api.rgc_detach(gc), 1);
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_locks(void) {
  found();
  without_a_family();
  plain();
}
