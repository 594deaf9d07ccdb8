/* debts_store.c - see debts.h. */
#define _GNU_SOURCE
#include "debts.h"

#include <time.h>

#include "mem_parts.h"

struct key debts_key(int i, uint64_t ts) {
  char user[8];
  snprintf(user, sizeof user, "k%02d", i);
  return raw_key(1, user, ts);
}

struct key debts_row(int i) {
  struct key key = debts_key(i, 0);
  key.len -= 8;
  return key;
}

struct mem_engine* debts_filled(size_t keys_per_file) {
  struct mem_engine* engine = engine_new();
  mem_keys_per_file(engine->store, keys_per_file);
  for (int i = 0; i < 10; ++i) {
    mem_put(engine->store, CF_DEFAULT, debts_key(i, 10), BYTES("v\0"));
    mem_put(engine->store, CF_WRITE, debts_key(i, 10), BYTES("P\5v\1a"));
  }
  mem_compact_all(engine->store);
  return engine;
}

void debts_destroy(rgc_t* gc, int start, int end, int flags) {
  struct key from = debts_row(start);
  struct key to = debts_row(end);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(from), OF(to), flags, NULL, errptr));
}

void check_rows_gone(struct mem_engine* engine, int start, int end) {
  pthread_mutex_lock(&engine->turn);
  for (uint32_t cf = CF_DEFAULT; cf <= CF_WRITE; ++cf) {
    for (int i = 0; i < 10; ++i) CHECK_EQ(mem_has(engine->store, cf, debts_key(i, 10)), i < start || i >= end);
  }
  pthread_mutex_unlock(&engine->turn);
}

size_t entries_of(struct mem_engine* engine, uint32_t cf) {
  pthread_mutex_lock(&engine->turn);
  const struct family* family = &engine->store->families[cf];
  size_t n = family->num_ranges;
  for (size_t i = 0; i < family->n; ++i) {
    const struct entry* entry = &family->entries[i];
    n += entry->file != 0 && bytes_compare(entry->pair.key.data, entry->pair.key.len, BYTES(LEDGER_PREFIX "\xff")) > 0;
  }
  pthread_mutex_unlock(&engine->turn);
  return n;
}

struct listed {
  int n, state;
};
static int take_state(void* state, const rgc_destroyed_info_t* info) {
  struct listed* listed = state;
  ++listed->n;
  listed->state = info->state;
  return 0;
}

void check_debts(const rgc_t* gc, uint64_t debts, int state) {
  rgc_debt_t debt = debt_of(gc);
  CHECK_EQ(debt.debts, debts);
  CHECK_EQ(debt.files > 0, debts > 0);
  CHECK_EQ(debt.bytes > 0, debts > 0);
  CHECK_EQ(api.rgc_worker_pending(gc), debts);
  struct listed listed = {0, -1};
  api.rgc_destroyed_foreach(gc, take_state, &listed);
  CHECK_EQ(listed.n, state >= 0);
  CHECK_EQ(listed.state, state);
  CHECK_EQ(api.rgc_destroyed_count(gc), state >= 0);
  CHECK_EQ(stats_of(gc).destroyed_records, state >= 0);
}

void hold_files(struct mem_engine* engine, int are_held) {
  pthread_mutex_lock(&engine->turn);
  engine->compacts_nothing = are_held;
  pthread_mutex_unlock(&engine->turn);
}

void stall(struct mem_engine* engine, int is_stalled) {
  pthread_mutex_lock(&engine->turn);
  engine->is_stalled = is_stalled;
  pthread_mutex_unlock(&engine->turn);
}

void wait_until_paid(const rgc_t* gc) {
  for (int i = 0; i < 2000 && api.rgc_worker_pending(gc) != 0; ++i) nanosleep(&(struct timespec){0, 10 * 1000 * 1000}, NULL);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
}

double seconds_since(double then) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9 - then;
}
