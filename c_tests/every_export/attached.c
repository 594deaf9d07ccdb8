/* attached.c - see attached.h. */
#define _GNU_SOURCE
#include "attached.h"

#include <time.h>

const rgc_column_family_t families[5] = {
    {sizeof *families, RGC_CF_DEFAULT, "default", NULL}, {sizeof *families, RGC_CF_WRITE, "write", NULL},
    {sizeof *families, RGC_CF_LOCK, "lock", NULL},       {sizeof *families, RGC_CF_OTHER, "raft", NULL},
    {sizeof *families, RGC_CF_LEDGER, "ledger", NULL},
};

void attach(rgc_t* gc, struct mem_engine* engine, size_t n) {
  SUCCEEDS(api.rgc_attach_engine(gc, &mem_functions, engine, families, n, errptr));
}

struct key key_of(const char* bytes, size_t len) {
  struct key key = {.len = len};
  REQUIRE(len <= sizeof key.data);
  memcpy(key.data, bytes, len);
  return key;
}

size_t ledger_records(struct mem_engine* engine, uint32_t cf) {
  pthread_mutex_lock(&engine->turn);
  size_t n = mem_count(engine->store, cf, key_of(BYTES(LEDGER_PREFIX)), key_of(BYTES("\1rocks_gc0")));
  /* The types of keyspaces are recorded there, too. */
  n -= mem_count(engine->store, cf, key_of(BYTES(LEDGER_PREFIX "k")), key_of(BYTES(LEDGER_PREFIX "l")));
  pthread_mutex_unlock(&engine->turn);
  return n - ledger_probes(engine, cf);
}

size_t ledger_probes(struct mem_engine* engine, uint32_t cf) {
  pthread_mutex_lock(&engine->turn);
  size_t n = mem_count(engine->store, cf, key_of(BYTES(LEDGER_PREFIX "p")), key_of(BYTES(LEDGER_PREFIX "q")));
  pthread_mutex_unlock(&engine->turn);
  return n;
}

int recorded_state(struct mem_engine* engine, uint32_t cf) {
  pthread_mutex_lock(&engine->turn);
  size_t n = 0;
  struct pair* records = mem_read(engine->store, cf, BYTES(LEDGER_PREFIX "d"), BYTES(LEDGER_PREFIX "e"), &n);
  pthread_mutex_unlock(&engine->turn);
  REQUIRE(n <= 1);
  /* Behind the version of the format. */
  int state = n == 0 ? -1 : records[0].value.data[1];
  pairs_free(records, n);
  return state;
}

rgc_debt_t debt_of(const rgc_t* gc) {
  rgc_debt_t debt;
  memset(&debt, 0xee, sizeof debt);
  debt.struct_size = sizeof debt;
  SUCCEEDS(api.rgc_debt(gc, &debt, errptr));
  CHECK_EQ(debt.struct_size, sizeof debt);
  return debt;
}

uint64_t debts_of(const rgc_t* gc) { return debt_of(gc).debts; }

const char* hex_of(const char* bytes, size_t len) {
  static char text[1024];
  REQUIRE(len * 2 + 3 < sizeof text);
  char* at = text + sprintf(text, "0x");
  for (size_t i = 0; i < len; ++i) at += sprintf(at, "%02x", (unsigned char)bytes[i]);
  return text;
}

void drain(rgc_t* gc) { SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 60000, errptr), 0)); }

void run_over(rgc_t* gc, struct mem_engine* engine, uint32_t cf, int kind) {
  pthread_mutex_lock(&engine->turn);
  size_t n = 0;
  struct pair* pairs = mem_read(engine->store, cf, NULL, 0, NULL, 0, &n);
  pthread_mutex_unlock(&engine->turn);
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, kind, NULL, errptr));
  for (size_t i = 0; i < n; ++i) {
    api.rgc_filter_decide(run, 0, RGC_VALUE, pairs[i].key.data, pairs[i].key.len, pairs[i].value.data, pairs[i].value.len, NULL, NULL);
  }
  api.rgc_filter_destroy(run);
  pairs_free(pairs, n);
}

struct key record_key(const char* user_key, uint64_t ts) { return mode_key('x', 1, user_key, ts); }

void put_dead_row(struct mem_engine* engine, const char* user_key, uint64_t versions) {
  mem_put(engine->store, CF_DEFAULT, raw_key(1, user_key, 70), BYTES("\2"));
  for (uint64_t ts = 70 - versions; ts < 70; ++ts) mem_put(engine->store, CF_DEFAULT, raw_key(1, user_key, ts), BYTES("v\0"));
}
void put_deleted_row(struct mem_engine* engine, const char* user_key, uint64_t versions) {
  mem_put(engine->store, CF_WRITE, record_key(user_key, 70), BYTES("D\x45"));
  for (uint64_t ts = 70 - versions; ts < 70; ++ts) {
    char record[] = {'P', (char)ts};
    mem_put(engine->store, CF_WRITE, record_key(user_key, ts), record, 2);
    mem_put(engine->store, CF_DEFAULT, record_key(user_key, ts), BYTES("long"));
  }
}
size_t left_of(struct mem_engine* engine, const char* user_key) {
  return mem_count(engine->store, CF_DEFAULT, raw_key(1, user_key, 100), raw_key(1, user_key, 0));
}
void check_reads_dead(struct mem_engine* engine, uint32_t cf, struct key newest, size_t left) {
  if (left != 0) CHECK(mem_has(engine->store, cf, newest));
}

void check_corrupt(rgc_t* gc, struct mem_engine* engine, const char* key, size_t key_len) {
  char* error = CHECK_GARBAGE;
  api.rgc_attach_engine(gc, &mem_functions, engine, families, 1, &error);
  int is_error = error != NULL && error != CHECK_GARBAGE;
  CHECK(is_error);
  if (is_error) {
    CHECK(strncmp(error, "Corruption: ", 12) == 0);
    CHECK_CONTAINS(error, hex_of(key, key_len));
    api.rgc_free(error);
  } else {
    fprintf(stderr, "the record %s is believed\n", hex_of(key, key_len));
  }
  static const int changing[] = {WRITE, DELETE_FILES, COMPACT, FLUSH};
  for (size_t i = 0; i < 4; ++i) CHECK_EQ(engine_calls(engine, changing[i]), 0);
}

size_t wait_for_the_fault(const rgc_t* gc, struct mem_engine* engine) {
  for (int i = 0;; ++i) {
    pthread_mutex_lock(&engine->turn);
    size_t failed = engine->failed;
    pthread_mutex_unlock(&engine->turn);
    if (failed != 0 || api.rgc_worker_pending(gc) == 0) return failed;
    REQUIRE(i < 20000);
    nanosleep(&(struct timespec){0, 1000 * 1000}, NULL);
  }
}

struct mem_engine* filled_keyspaces(void) {
  struct mem_engine* engine = engine_new();
  for (uint32_t keyspace = 0; keyspace < FILLED_KEYSPACES; ++keyspace) {
    mem_put(engine->store, CF_DEFAULT, raw_key(keyspace, "a", 9), BYTES("v\0"));
    mem_put(engine->store, CF_WRITE, mode_key('x', keyspace, "a", 9), BYTES("P\5v\1a"));
  }
  return engine;
}

size_t left_of_keyspace(struct mem_engine* engine, uint32_t keyspace) {
  pthread_mutex_lock(&engine->turn);
  size_t left = (size_t)mem_has(engine->store, CF_DEFAULT, raw_key(keyspace, "a", 9));
  left += (size_t)mem_has(engine->store, CF_WRITE, mode_key('x', keyspace, "a", 9));
  pthread_mutex_unlock(&engine->turn);
  return left;
}
