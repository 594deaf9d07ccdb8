/* schema_histories.c - a host that writes, drops, truncates, collects, compacts, crashes and
 * restarts at random. At every moment each row must read right. */
#include "schema_keys.h"

enum { ROWS = 4, MOST_IDS = 40, FIRST = 0x616200f0 };

struct schema {
  int is_valid;
  int is_dropped;        /* by name; else it left the list */
  int may_be_dropped;    /* a drop was answered with an error */
  uint64_t truncated;    /* ordered, and answered */
  uint64_t may_be;       /* ordered, and answered with an error */
  uint64_t newest[ROWS]; /* 0 = never written */
  char is_mark[ROWS];
};
struct host {
  uint64_t seed;
  rgc_t* gc;
  struct mem_engine* engine;
  struct schema schemas[MOST_IDS];
  uint32_t vended;
  uint64_t now, safe_point;
  int is_txn; /* records and long values; else RawKV */
};

static uint64_t below(struct host* host, uint64_t n) { return random_below(&host->seed, n); }

static struct key version(const struct host* host, uint32_t id, size_t row, uint64_t ts) {
  static const char* const rests[ROWS] = {"", "a", "a longer user key 1", "a longer user key 2"};
  return id_key(host->is_txn ? 'x' : 'r', 1, FIRST + id, rests[row], ts);
}

/* A record's start is one before it, and says whether there is a value: P5v1a. */
static int is_long(const struct pair* record) { return record->value.data[0] == 'P' && record->value.len < 4; }

/* The newest version that a reader finds; 0 = none. */
static uint64_t newest_of(struct host* host, uint32_t id, size_t row) {
  struct key start = version(host, id, row, UINT64_MAX);
  struct key end = version(host, id, row, 0);
  size_t n = 0;
  uint64_t ts = 0;
  pthread_mutex_lock(&host->engine->turn);
  struct pair* found = mem_read(host->engine->store, host->is_txn ? CF_WRITE : CF_DEFAULT, OF(start), OF(end), &n);
  for (size_t i = 0; i < n && ts == 0; ++i) {
    char type = found[i].value.data[0];
    if (host->is_txn && (type == 'R' || type == 'L')) continue;
    ts = ts_of_key(found[i].key.data, found[i].key.len);
    /* Nobody reads what is dropped, which goes in any order. */
    int is_read = host->schemas[id].is_valid && !host->schemas[id].may_be_dropped;
    if (host->is_txn && is_read && is_long(&found[i]) && !mem_has(host->engine->store, CF_DEFAULT, version(host, id, row, ts - 1))) {
      fprintf(stderr, "schema %u, row %zu: the value of %" PRIu64 " is not there\n", id, row, ts);
      CHECK(!"a record has its value");
    }
  }
  pthread_mutex_unlock(&host->engine->turn);
  pairs_free(found, n);
  return ts;
}

static void check_rows(struct host* host, int is_drained, const char* when) {
  for (uint32_t id = 0; id < host->vended; ++id) {
    const struct schema* schema = &host->schemas[id];
    /* Nobody reads what left the list. */
    if (!schema->is_valid && !schema->is_dropped) continue;
    for (size_t row = 0; row < ROWS; ++row) {
      uint64_t seen = newest_of(host, id, row);
      uint64_t written = schema->newest[row];
      int must_be_gone = is_drained && (schema->is_dropped || written <= schema->truncated);
      int may_be_gone = schema->is_dropped || schema->may_be_dropped || written <= schema->truncated || written <= schema->may_be ||
                        schema->is_mark[row];
      const char* what = NULL;
      if (seen != written && seen != 0 && !schema->is_dropped && !schema->may_be_dropped) what = "shows another version";
      if (seen == 0 && !may_be_gone) what = "is gone";
      if (seen != 0 && must_be_gone) what = "is still there";
      if (what == NULL) continue;
      fprintf(stderr, "%s: schema %u, row %zu, version %" PRIu64 ": %s: %" PRIu64 "\n", when, id, row, written, what, seen);
      CHECK(!"a row reads as it must");
      return;
    }
  }
}

static void load_list(struct host* host) {
  uint32_t ids[MOST_IDS];
  size_t n = 0;
  for (uint32_t id = 0; id < host->vended; ++id) {
    if (host->schemas[id].is_valid) ids[n++] = FIRST + id;
  }
  if (n != 0) SUCCEEDS(api.rgc_schemas_load(host->gc, 1, ids, n, FIRST + host->vended - 1, errptr));
}

static void come_up(struct host* host) {
  static const char* const options[] = {"", "delete_batch_bytes=60", "delete_range_min_keys=2", "delete_batch_bytes=60;remove_mode=skip"};
  char all[120];
  snprintf(all, sizeof all, "schema_id=prefix;%s", options[below(host, 4)]);
  host->gc = gc_with(all);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(host->gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  if (host->safe_point != 0) SUCCEEDS(api.rgc_advance_keyspace_safe_point(host->gc, 1, host->safe_point, errptr));
  load_list(host);
  mem_judge(host->engine->store, CF_DEFAULT, host->gc, RGC_KIND_RAW);
  mem_judge(host->engine->store, CF_WRITE, host->gc, RGC_KIND_TXN);
  attach(host->gc, host->engine, 5);
}

static void go_down(struct host* host) {
  api.rgc_detach(host->gc);
  engine_forget(host->engine);
  mem_judge(host->engine->store, CF_DEFAULT, NULL, 0);
  mem_judge(host->engine->store, CF_WRITE, NULL, 0);
  api.rgc_destroy(host->gc);
}

static void write_some(struct host* host) {
  for (int i = 0; i < 6; ++i) {
    uint32_t id = (uint32_t)below(host, host->vended);
    struct schema* schema = &host->schemas[id];
    if (!schema->is_valid || schema->may_be_dropped) continue;
    size_t row = below(host, ROWS);
    int is_mark = below(host, 4) == 0;
    host->now += 2;
    struct key key = version(host, id, row, host->now);
    pthread_mutex_lock(&host->engine->turn);
    if (host->is_txn) {
      int is_other = below(host, 4) == 0;
      char record[12] = {is_other ? "RL"[below(host, 2)] : is_mark ? 'D' : 'P'};
      size_t len = 1;
      uint64_t ts = host->now - 1;
      for (; ts > 127; ts >>= 7) record[len++] = (char)(ts & 127) | (char)0x80;
      record[len++] = (char)ts;
      int is_long_put = !is_other && !is_mark && below(host, 2) == 0 && len < 4;
      if (!is_long_put) memcpy(record + len, "v\1a", 3);
      if (is_long_put) mem_put(host->engine->store, CF_DEFAULT, version(host, id, row, host->now - 1), BYTES("long"));
      mem_put(host->engine->store, CF_WRITE, key, record, is_long_put ? len : len + 3);
      pthread_mutex_unlock(&host->engine->turn);
      if (is_other) continue;
    } else {
      mem_put(host->engine->store, CF_DEFAULT, key, is_mark ? "\2" : "v\0", is_mark ? 1 : 2);
      pthread_mutex_unlock(&host->engine->turn);
    }
    schema->newest[row] = host->now;
    schema->is_mark[row] = (char)is_mark;
  }
}

static void vend(struct host* host) {
  if (host->vended == MOST_IDS) return;
  SUCCEEDS(api.rgc_schema_create(host->gc, 1, FIRST + host->vended, errptr));
  host->schemas[host->vended++].is_valid = 1;
}

static void drop(struct host* host, uint32_t id) {
  struct schema* schema = &host->schemas[id];
  if (!schema->is_valid) return;
  char* error = NULL;
  api.rgc_schema_drop(host->gc, 1, FIRST + id, &error);
  if (error == NULL) {
    schema->is_dropped = 1;
    schema->is_valid = 0;
  } else {
    schema->may_be_dropped = 1;
  }
  api.rgc_free(error);
}

static void truncate(struct host* host, uint32_t id) {
  struct schema* schema = &host->schemas[id];
  if (!schema->is_valid || schema->may_be_dropped || host->now == 0) return;
  uint64_t up_to = host->now - below(host, host->now < 20 ? 1 : 20);
  if (up_to == 0) return;
  char* error = NULL;
  api.rgc_schema_truncate(host->gc, 1, FIRST + id, up_to, &error);
  uint64_t* ordered = error == NULL ? &schema->truncated : &schema->may_be;
  if (up_to > *ordered) *ordered = up_to;
  api.rgc_free(error);
}

static void compact_some(struct host* host) {
  pthread_mutex_lock(&host->engine->turn);
  uint32_t cf = host->is_txn && below(host, 2) == 0 ? CF_WRITE : CF_DEFAULT;
  mem_flush(host->engine->store, cf);
  struct key start = version(host, (uint32_t)below(host, host->vended), 0, UINT64_MAX);
  struct key end = version(host, host->vended, 0, 0);
  if (below(host, 3) == 0) mem_compact(host->engine->store, cf, NULL, 0, NULL, 0, 1);
  else mem_compact(host->engine->store, cf, OF(start), OF(end), below(host, 2) == 0);
  pthread_mutex_unlock(&host->engine->turn);
}

static void step(struct host* host) {
  uint32_t some = (uint32_t)below(host, host->vended);
  switch (below(host, 16)) {
    case 0: vend(host); break;
    case 1: drop(host, some); break;
    case 2: case 3: truncate(host, some); break;
    case 4:
      if (host->now > host->safe_point + 5) {
        host->safe_point = host->now - below(host, 5);
        SUCCEEDS(api.rgc_advance_keyspace_safe_point(host->gc, 1, host->safe_point, errptr));
      }
      break;
    case 5: case 6: compact_some(host); break;
    case 7:
      drain(host->gc);
      check_rows(host, 1, "drained");
      break;
    case 8:
      /* The process ends; the store fails from some call on, or does not. */
      if (below(host, 2) == 0) {
        engine_fail(host->engine, ANY, (int)below(host, UNKNOWN + 1), (long)below(host, 30));
        pthread_mutex_lock(&host->engine->turn);
        host->engine->fails_on = 1;
        pthread_mutex_unlock(&host->engine->turn);
        drop(host, some);
        truncate(host, (uint32_t)below(host, host->vended));
      }
      go_down(host);
      check_rows(host, 0, "down");
      come_up(host);
      break;
    case 9:
      if (below(host, 4) == 0 && host->vended > 3) host->schemas[some].is_valid = 0;
      load_list(host);
      break;
    default: write_some(host);
  }
  check_rows(host, 0, "at once");
}

/* At the end every value of a schema that lives has its record. */
static void check_values(struct host* host) {
  struct contents now = contents_of(host->engine);
  for (size_t i = 0; i < now.n[CF_DEFAULT]; ++i) {
    const struct pair* pair = &now.of[CF_DEFAULT][i];
    uint32_t keyspace = 0, id = 0;
    if (!schema_of_key(pair->key.data, pair->key.len, &keyspace, &id) || !host->schemas[id - FIRST].is_valid) continue;
    struct key record = key_of(pair->key.data, pair->key.len - 8);
    uint64_t commit = ts_of_key(pair->key.data, pair->key.len) + 1;
    for (int shift = 56; shift >= 0; shift -= 8) record.data[record.len++] = (char)(~commit >> shift);
    if (mem_has(host->engine->store, CF_WRITE, record)) continue;
    fprintf(stderr, "the value %s has no record\n", hex_of(pair->key.data, pair->key.len));
    CHECK(!"a value has its record");
    break;
  }
  contents_free(&now);
}

static void history(uint64_t seed, int is_txn) {
  struct host host = {.seed = seed, .engine = engine_new(), .is_txn = is_txn};
  mem_keys_per_file(host.engine->store, 4);
  come_up(&host);
  vend(&host);
  vend(&host);
  for (int i = 0; i < 150; ++i) step(&host);
  /* Once more what was not answered; then all of it is as it was ordered. */
  for (uint32_t id = 0; id < host.vended; ++id) {
    if (!host.schemas[id].is_valid || !host.schemas[id].may_be_dropped) continue;
    SUCCEEDS(api.rgc_schema_drop(host.gc, 1, FIRST + id, errptr));
    host.schemas[id].is_valid = 0;
    host.schemas[id].is_dropped = 1;
  }
  drain(host.gc);
  check_rows(&host, 1, "at the end");
  go_down(&host);
  compact_everything(host.engine);
  check_rows(&host, 1, "compacted");
  if (is_txn) check_values(&host);
  engine_free(host.engine);
}

void test_schema_histories(uint64_t seed) {
  for (uint64_t i = 0; i < 12; ++i) history(i < 6 ? 1000 + i : (seed | 1) + 2 * i, i % 2 == 1);
}
