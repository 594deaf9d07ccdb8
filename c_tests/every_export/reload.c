/* reload.c - rgc_reload_ledger: what replication writes into the ledger of an attached store. */
#include "attached.h"
#include "parts.h"

static struct pair* records(struct mem_engine* engine, size_t* n) {
  return mem_read(engine->store, CF_DEFAULT, BYTES(LEDGER_PREFIX), BYTES("\1rocks_gc0"), n);
}

/* The worker reads the store, too. */
static void forget_all(struct mem_engine* engine) {
  size_t n;
  pthread_mutex_lock(&engine->turn);
  struct pair* all = records(engine, &n);
  for (size_t i = 0; i < n; ++i) mem_delete(engine->store, CF_DEFAULT, key_of(all[i].key.data, all[i].key.len));
  pthread_mutex_unlock(&engine->turn);
  pairs_free(all, n);
}

/* Replication: the second ledger is as the first one. */
static void replicate(struct mem_engine* from, struct mem_engine* to) {
  forget_all(to);
  size_t n;
  pthread_mutex_lock(&from->turn);
  struct pair* all = records(from, &n);
  pthread_mutex_unlock(&from->turn);
  pthread_mutex_lock(&to->turn);
  for (size_t i = 0; i < n; ++i) {
    mem_put(to->store, CF_DEFAULT, key_of(all[i].key.data, all[i].key.len), all[i].value.data, all[i].value.len);
  }
  pthread_mutex_unlock(&to->turn);
  pairs_free(all, n);
}

static size_t known(const rgc_t* gc) { return api.rgc_destroyed_count(gc); }

void test_reload(void) {
  rgc_t *primary = gc_at_80("recheck=manual"), *standby = gc_at_80("recheck=manual");
  struct mem_engine *from = engine_new(), *to = engine_new();
  attach(primary, from, 2);
  attach(standby, to, 2);
  /* Nothing yet, and twice. */
  SUCCEEDS(api.rgc_reload_ledger(standby, errptr));
  CHECK_EQ(removals_of_a_row(standby), 2);
  SUCCEEDS(api.rgc_destroy_keyspace(primary, 2, 0, NULL, errptr));
  SUCCEEDS(api.rgc_destroy_keyspace_after(primary, 3, 50, 0, errptr));
  replicate(from, to);
  CHECK_EQ(known(standby), 0);
  for (int round = 0; round < 2; ++round) {
    SUCCEEDS(api.rgc_reload_ledger(standby, errptr));
    CHECK_EQ(known(standby), 4);
  }
  FAILS(api.rgc_set_keyspace_gc_type(standby, 2, RGC_GC_KEYSPACE_LEVEL, errptr), "Invalid argument", "destroyed");

  /* A damaged record: nothing changes. */
  struct key damaged = key_of(BYTES(LEDGER_PREFIX "dx"));
  pthread_mutex_lock(&to->turn);
  mem_put(to->store, CF_DEFAULT, damaged, BYTES("?"));
  pthread_mutex_unlock(&to->turn);
  FAILS(api.rgc_reload_ledger(standby, errptr), "Corruption", hex_of(damaged.data, damaged.len));
  CHECK_EQ(known(standby), 4);
  pthread_mutex_lock(&to->turn);
  mem_delete(to->store, CF_DEFAULT, damaged);
  pthread_mutex_unlock(&to->turn);

  /* A keyspace that the host uses. */
  SUCCEEDS(api.rgc_destroy_keyspace(primary, 1, 0, NULL, errptr));
  replicate(from, to);
  FAILS(api.rgc_reload_ledger(standby, errptr), "Invalid argument", "keyspace 1");
  CHECK_EQ(known(standby), 4);
  CHECK_EQ(removals_of_a_row(standby), 2);
  remove_keyspace_1_elsewhere(standby);
  SUCCEEDS(api.rgc_reload_ledger(standby, errptr));
  CHECK_EQ(known(standby), 6);

  /* What the ledger no longer has is forgotten. */
  SUCCEEDS(api.rgc_take_back_destroy_keyspace(primary, 3, errptr));
  replicate(from, to);
  SUCCEEDS(api.rgc_reload_ledger(standby, errptr));
  CHECK_EQ(known(standby), 4);
  forget_all(to);
  SUCCEEDS(api.rgc_reload_ledger(standby, errptr));
  CHECK_EQ(known(standby), 0);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(standby, 2, RGC_GC_KEYSPACE_LEVEL, errptr));

  CHECK_EQ(api.rgc_detach(standby), 1);
  FAILS(api.rgc_reload_ledger(standby, errptr), "Invalid argument", "no store");
  FAILS(api.rgc_reload_ledger(NULL, errptr), "Invalid argument", "gc is NULL");
  api.rgc_reload_ledger(NULL, NULL);
  CHECK_EQ(api.rgc_detach(primary), 1);
  api.rgc_destroy(standby);
  api.rgc_destroy(primary);
  engine_free(from);
  engine_free(to);
}
