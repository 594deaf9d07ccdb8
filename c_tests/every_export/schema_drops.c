/* schema_drops.c - rgc_schema_drop: what it deletes at once, what the worker deletes, what stays,
 * and that a drop is permanent. */
#define _GNU_SOURCE
#include <time.h>

#include "schema_keys.h"


/* "ab\0\1", with neighbours on both sides. */
#define DROPPED 0x61620001u
static const uint32_t ids[] = {0x61620000, DROPPED, 0x61620002, 0x616200ff, 0x61620100};

/* The same keys in every family, in the last level, in level 0, and in the memtable; locks without
 * timestamps. */
static struct mem_engine* filled(size_t rows) {
  struct mem_engine* engine = engine_new();
  struct mem_store* store = engine->store;
  mem_keys_per_file(store, 3);
  static const char* const short_keys[] = {"", "a", "ab", "abc", "b"};
  for (uint64_t ts = 10; ts <= 40; ts += 10) {
    for (uint32_t keyspace = 1; keyspace <= 2; ++keyspace) {
      for (size_t i = 0; i < sizeof ids / sizeof *ids; ++i) {
        for (size_t r = 0; r < rows; ++r) {
          char rest[48];
          snprintf(rest, sizeof rest, r == 0 ? "" : r % 2 == 0 ? "k%02zu and so on, for long" : "k%02zu", r);
          char record[] = {'P', (char)(ts - 5)};
          mem_put(store, CF_DEFAULT, id_key('r', keyspace, ids[i], rest, ts), BYTES("v\0"));
          mem_put(store, CF_WRITE, id_key('x', keyspace, ids[i], rest, ts), record, 2);
          mem_put(store, CF_DEFAULT, id_key('x', keyspace, ids[i], rest, ts - 5), BYTES("long"));
          mem_put(store, CF_LOCK, row_of_key(id_key('x', keyspace, ids[i], rest, 0)), BYTES("lock"));
          mem_put(store, CF_RAFT, id_key('r', keyspace, ids[i], rest, ts), BYTES("log"));
          mem_put(store, CF_WRITE, id_key('t', keyspace, ids[i], rest, ts), BYTES("P\5v\1a"));
          mem_put(store, CF_WRITE, id_key('m', keyspace, ids[i], rest, ts), BYTES("P\5v\1a"));
        }
      }
      for (size_t i = 0; i < sizeof short_keys / sizeof *short_keys; ++i) {
        mem_put(store, CF_DEFAULT, user_key('r', keyspace, short_keys[i], strlen(short_keys[i]), ts), BYTES("v\0"));
        mem_put(store, CF_LOCK, row_of_key(user_key('x', keyspace, short_keys[i], strlen(short_keys[i]), 0)), BYTES("lock"));
      }
      /* Three bytes, and the padding that looks like the id's last one. */
      mem_put(store, CF_DEFAULT, user_key('r', keyspace, BYTES("ab\0"), ts), BYTES("v\0"));
    }
    for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) {
      if (ts < 40) mem_flush(store, cf);
      if (ts == 20) mem_compact(store, cf, NULL, 0, NULL, 0, 1);
    }
  }
  return engine;
}

static int of_the_dropped(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  return is_of_schema(pair->key.data, pair->key.len, 1, DROPPED);
}

/* The keys of keyspace 1 that begin with the id, of a mode: [start, end). */
static struct key start_of(char mode) {
  struct key key = id_key(mode, 1, DROPPED, "", 0);
  key.len = 9;
  return key;
}
static struct key end_of(char mode) {
  struct key key = id_key(mode, 1, DROPPED + 1, "", 0);
  key.len = 8;
  return key;
}
static int is_within(struct bytes start, struct bytes end) {
  static const char modes[] = "rx";
  for (size_t m = 0; m < 2; ++m) {
    struct key low = start_of(modes[m]);
    struct key high = end_of(modes[m]);
    if (bytes_compare(start.data, start.len, OF(low)) >= 0 && bytes_compare(end.data, end.len, OF(high)) <= 0) return 1;
  }
  return 0;
}

static int is_ledger_op(const struct op* op) {
  return op->key.len >= sizeof LEDGER_PREFIX - 1 && memcmp(op->key.data, BYTES(LEDGER_PREFIX)) == 0;
}

struct done {
  size_t points, ranges, files, compactions;
};
/* The record is durable before any other write. The worker touches nothing beside the range, and
 * its batches are small. */
static struct done check_calls(const struct mem_engine* engine, uint32_t ledger, size_t max_bytes) {
  struct done done = {0, 0, 0, 0};
  int is_recorded = 0;
  for (size_t i = 0; i < engine->logged; ++i) {
    const struct call* call = &engine->log[i];
    if (call->function == DELETE_FILES || call->function == COMPACT || call->function == FLUSH) CHECK(is_recorded);
    if (call->function == DELETE_FILES) {
      ++done.files;
      CHECK(call->cf != CF_LOCK);
      CHECK(is_within(call->start, call->end));
    }
    done.compactions += call->function == COMPACT;
    if (call->function != WRITE) continue;
    size_t bytes = 0;
    for (size_t j = 0; j < call->n; ++j) {
      const struct op* op = &call->ops[j];
      if (is_ledger_op(op)) {
        CHECK_EQ(op->cf, ledger);
        if (op->op == RGC_OP_PUT) is_recorded |= (call->flags & RGC_WRITE_FLAG_SYNC) != 0;
        continue;
      }
      CHECK(is_recorded);
      CHECK((call->flags & RGC_WRITE_FLAG_NO_SLOWDOWN) != 0);
      CHECK(op->op == RGC_OP_DELETE || op->op == RGC_OP_DELETE_RANGE);
      bytes += op->key.len + op->value.len;
      if (op->op == RGC_OP_DELETE) CHECK(is_of_schema(op->key.data, op->key.len, 1, DROPPED));
      else CHECK(is_within(op->key, op->value));
      ++*(op->op == RGC_OP_DELETE ? &done.points : &done.ranges);
    }
    CHECK(bytes <= max_bytes + 2 * sizeof ((struct key*)0)->data);
  }
  CHECK(is_recorded);
  return done;
}

static size_t count_of(struct mem_engine* engine, uint32_t cf) {
  pthread_mutex_lock(&engine->turn);
  size_t n = mem_count(engine->store, cf, start_of('r'), end_of('r')) + mem_count(engine->store, cf, start_of('x'), end_of('x'));
  pthread_mutex_unlock(&engine->turn);
  return n;
}

static void drops(const char* options, size_t max_bytes, size_t attached, uint32_t ledger, int ranges) {
  rgc_t* gc = gc_of_schemas(options);
  struct mem_engine* engine = filled(12);
  struct contents before = contents_of(engine);
  size_t locks = count_of(engine, CF_LOCK);
  attach(gc, engine, attached);
  engine_forget(engine);
  /* The worker rests: what goes in the call is whole files. */
  api.rgc_set_enabled(gc, 0);
  size_t of_default = count_of(engine, CF_DEFAULT);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, DROPPED, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  CHECK_EQ(stats_of(gc).pending, 1);
  CHECK(ledger_records(engine, ledger) >= 1);
  CHECK(engine_calls(engine, DELETE_FILES) > 0);
  CHECK(count_of(engine, CF_DEFAULT) < of_default);
  CHECK(count_of(engine, CF_DEFAULT) > 0); /* level 0, the memtable, and files at the borders */
  CHECK_EQ(count_of(engine, CF_LOCK), locks);
  SUCCEEDS(CHECK_EQ(api.rgc_worker_drain(gc, 60, errptr), 1));
  CHECK(count_of(engine, CF_DEFAULT) > 0);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  CHECK_GONE(engine, &before, of_the_dropped, NULL);
  struct done done = check_calls(engine, ledger, max_bytes);
  CHECK((done.ranges > 0) == ranges);
  if (!ranges) CHECK(done.points > 0);
  CHECK(done.compactions > 0);
  for (uint32_t cf = 0; cf <= CF_LEDGER; ++cf) CHECK(cf == ledger || ledger_records(engine, cf) == 0);
  /* Once more: it is the same. */
  SUCCEEDS(api.rgc_schema_drop(gc, 1, DROPPED, errptr));
  drain(gc);
  CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_DROPPED);
  REFUSES(api.rgc_schema_create(gc, 1, DROPPED, errptr), NO_MORE);
  REFUSES(api.rgc_schema_truncate(gc, 1, DROPPED, 99, errptr), NO_MORE);
  compact_everything(engine);
  CHECK_GONE(engine, &before, of_the_dropped, NULL);
  api.rgc_destroy(gc);

  /* In a new process, whatever its lists say. */
  gc = gc_of_schemas("");
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(DROPPED, 0x61620000), DROPPED, errptr));
  SUCCEEDS(api.rgc_schema_create(gc, 1, DROPPED, errptr));
  attach(gc, engine, attached);
  drain(gc);
  CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 0x61620000), RGC_SCHEMA_VALID);
  CHECK_EQ(api.rgc_schema_state(gc, 2, DROPPED), RGC_SCHEMA_UNKNOWN);
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(DROPPED), DROPPED, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_DROPPED);
  REFUSES(api.rgc_schema_create(gc, 1, DROPPED, errptr), NO_MORE);
  CHECK(ledger_records(engine, ledger) >= 1);
  CHECK_GONE(engine, &before, of_the_dropped, NULL);
  /* What comes late goes in compactions, of every family. */
  static const int kinds[] = {RGC_KIND_RAW, RGC_KIND_TXN, RGC_KIND_DROPPED_ONLY, RGC_KIND_DROPPED_ONLY};
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) {
    mem_judge(engine->store, cf, gc, kinds[cf]);
    mem_put(engine->store, cf, id_key(cf == CF_WRITE ? 'x' : 'r', 1, DROPPED, "late", 90), BYTES("?"));
  }
  pthread_mutex_lock(&engine->turn);
  mem_compact_all(engine->store);
  pthread_mutex_unlock(&engine->turn);
  for (uint32_t cf = 0; cf <= CF_RAFT; ++cf) CHECK_EQ(count_of(engine, cf), 0);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* A detach before the worker had its turn; the next process goes on without being told. */
static void goes_on(void) {
  struct mem_engine* engine = filled(6);
  struct contents before = contents_of(engine);
  rgc_t* gc = gc_of_schemas("");
  attach(gc, engine, 5);
  api.rgc_set_enabled(gc, 0);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, DROPPED, errptr));
  api.rgc_detach(gc);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  /* What the ledger said ends with detach. */
  CHECK(api.rgc_schema_state(gc, 1, DROPPED) != RGC_SCHEMA_DROPPED);
  CHECK(count_of(engine, CF_DEFAULT) > 0);
  api.rgc_set_enabled(gc, 1);
  api.rgc_destroy(gc);
  gc = gc_of_schemas("");
  CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_UNKNOWN);
  attach(gc, engine, 5);
  CHECK_EQ(api.rgc_schema_state(gc, 1, DROPPED), RGC_SCHEMA_DROPPED);
  drain(gc);
  CHECK_GONE(engine, &before, of_the_dropped, NULL);
  compact_everything(engine);
  CHECK_GONE(engine, &before, of_the_dropped, NULL);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* The worker waits while the store stalls, repeats refused calls, and reports when no order is
 * left. */
static void stalls_and_says(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  rgc_t* gc = gc_of_schemas("");
  struct mem_engine* engine = filled(4);
  struct contents before = contents_of(engine);
  attach(gc, engine, 5);
  pthread_mutex_lock(&engine->turn);
  engine->is_stalled = 1;
  pthread_mutex_unlock(&engine->turn);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, DROPPED, errptr));
  pause_a_little();
  CHECK_EQ(api.rgc_worker_pending(gc), 1);
  CHECK(count_of(engine, CF_DEFAULT) > 0);
  api.rgc_set_logger(remember, &log, RGC_LOG_INFO);
  pthread_mutex_lock(&engine->turn);
  engine->is_stalled = 0;
  engine->busy[WRITE] = 2;
  pthread_mutex_unlock(&engine->turn);
  drain(gc);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  CHECK_CONTAINS(log.text, "schema");
  CHECK_GONE(engine, &before, of_the_dropped, NULL);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* Several at once, in two keyspaces, with the same ids. */
static int of_several(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  return is_of_schema(pair->key.data, pair->key.len, 1, DROPPED) || is_of_schema(pair->key.data, pair->key.len, 2, DROPPED) ||
         is_of_schema(pair->key.data, pair->key.len, 2, 0x616200ff);
}
static void several(void) {
  rgc_t* gc = gc_of_schemas("delete_range_min_keys=20");
  struct mem_engine* engine = filled(5);
  struct contents before = contents_of(engine);
  attach(gc, engine, 5);
  api.rgc_set_enabled(gc, 0);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, DROPPED, errptr));
  SUCCEEDS(api.rgc_schema_drop(gc, 1, DROPPED, errptr));
  SUCCEEDS(api.rgc_schema_drop(gc, 2, DROPPED, errptr));
  SUCCEEDS(api.rgc_schema_drop(gc, 2, 0x616200ff, errptr));
  CHECK_EQ(api.rgc_worker_pending(gc), 3);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  compact_everything(engine);
  CHECK_GONE(engine, &before, of_several, NULL);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* In the plain layout keys that are too short lie between; nothing goes by files. */
static int of_plain(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  return pair->key.len >= 12 && memcmp(pair->key.data, "ab\0\1", 4) == 0;
}
static void plain(const char* options) {
  rgc_t* gc = gc_with(options);
  struct mem_engine* engine = engine_new();
  mem_keys_per_file(engine->store, 3);
  for (uint64_t ts = 10; ts <= 40; ts += 10) {
    for (char i = 0; i < 10; ++i) {
      char user[] = {'a', 'b', 0, (char)(i % 3), 'k', i, 'x', 'y'};
      mem_put(engine->store, CF_DEFAULT, plain_key(user, 8, ts), BYTES("v\0"));
      for (size_t len = 4; len < 12; ++len) {
        char bytes[] = {'a', 'b', 0, 1, 'k', i, 'z', 1, 2, 3, 4, 5};
        mem_put(engine->store, CF_DEFAULT, key_of(bytes, len), BYTES("short"));
        mem_put(engine->store, CF_LOCK, key_of(bytes, len), BYTES("short"));
      }
    }
    mem_flush(engine->store, CF_DEFAULT);
    mem_compact(engine->store, CF_DEFAULT, NULL, 0, NULL, 0, 1);
  }
  struct contents before = contents_of(engine);
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_schema_drop(gc, RGC_KEYSPACE_NONE, DROPPED, errptr));
  drain(gc);
  CHECK_EQ(engine_calls(engine, DELETE_FILES), 0);
  CHECK_GONE(engine, &before, of_plain, NULL);
  compact_everything(engine);
  CHECK_GONE(engine, &before, of_plain, NULL);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

void test_schema_drops(void) {
  drops("", 32768, 5, CF_LEDGER, 0);
  drops("delete_range_min_keys=5", 32768, 4, CF_DEFAULT, 1);
  drops("delete_range_min_keys=0;delete_batch_bytes=100", 100, 5, CF_LEDGER, 0);
  goes_on();
  stalls_and_says();
  several();
  plain("key_layout=plain;history=latest;plain_keys=8;schema_id=prefix");
  plain("key_layout=plain;history=latest;plain_keys=8;schema_id=prefix;delete_range_min_keys=5");
  plain("key_layout=plain;history=latest;plain_keys=prefix_free;schema_id=prefix;delete_batch_bytes=100");
}
