/* demo_look.c - reads everything back, and compares it with the rule: a version is garbage if and
 * only if it is below its effective safe point and is not the newest of its row, or is dead. */
#include <stdio.h>
#include <stdlib.h>

#include "demo.h"

look_t before[KEYSPACES], after[KEYSPACES];

static int is_dead(const char* value, size_t len) {
  unsigned flags = (unsigned char)value[len - 1];
  if (flags & 2) return 1;
  if (!(flags & 1)) return 0;
  uint64_t expiry = 0;
  for (size_t i = len - 9; i < len - 1; i++) expiry = expiry << 8 | (unsigned char)value[i];
  return expiry <= NOW;
}

/* FNV-1a; never 0. */
static uint64_t hash(const char* bytes, size_t len) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
  return h | 1;
}

/* A stored key's timestamp and the number of its row. */
static uint64_t take_apart(const keyspace_t* k, const char* bytes, size_t len, uint64_t* ts) {
  rgc_key_t key = {.struct_size = sizeof key};
  RGC(rgc.decode_key(demo.gc, bytes, len, &key, &err));
  uint64_t row = 0;
  for (size_t i = key.user_key_len - 8; i < key.user_key_len; i++) row = row * 10 + (uint64_t)(key.user_key[i] - '0');
  rgc.free(key.user_key);
  if (key.mode != RGC_MODE_RAW || key.keyspace != k->id || row >= k->rows) fail(k->name, "a key that was never written");
  *ts = key.ts;
  return row;
}

/* Reads the versions from where the iterator stands, newest first within a row. */
static void scan(const keyspace_t* k, rocksdb_iterator_t* it, look_t* look) {
  uint64_t safe_point = planned_safe_point(k), last_row = UINT64_MAX;
  for (; rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
    size_t len, value_len;
    const char* key = rocksdb_iter_key(it, &len);
    const char* value = rocksdb_iter_value(it, &value_len);
    uint64_t ts, row = take_apart(k, key, len, &ts);
    int is_newest = row != last_row;
    look->versions++;
    look->must_stay += is_newest || ts >= safe_point;
    if (is_newest) {
      int dead = is_dead(value, value_len);
      look->rows++;
      look->found[row] = dead ? 0 : hash(value, value_len);
      if (dead && ts < safe_point) {
        look->dead_rows++;
        look->must_stay--;
      }
      last_row = row;
    }
  }
}

static void look_at(const keyspace_t* k, look_t* look) {
  look->found = calloc(k->rows, sizeof *look->found);
  if (!look->found) fail(k->name, "out of memory");
  rgc_range_t range = {.struct_size = sizeof range};
  RGC(rgc.keyspace_range(demo.gc, RGC_MODE_RAW, k->id, &range, &err));
  const char *start = range.start, *end = range.end;
  ROCKSDB(rocksdb_approximate_sizes(demo.db, 1, &start, &range.start_len, &end, &range.end_len, &look->bytes, &err));
  rocksdb_readoptions_set_iterate_upper_bound(demo.read_options, end, range.end_len);
  demo.iterator = rocksdb_create_iterator(demo.db, demo.read_options);
  rocksdb_iter_seek(demo.iterator, start, range.start_len);
  scan(k, demo.iterator, look);
  ROCKSDB(rocksdb_iter_get_error(demo.iterator, &err));
  rocksdb_iter_destroy(demo.iterator);
  demo.iterator = NULL;
  rgc.free(range.start);
  rgc.free(range.end);
}

void look_at_all(look_t* looks) {
  for EACH_KEYSPACE(k) {
    stop_if_interrupted();
    look_at(k, &looks[k - keyspaces]);
  }
}

void free_looks(look_t* looks) {
  for (int i = 0; i < KEYSPACES; i++) {
    free(looks[i].found);
    looks[i].found = NULL;
  }
}

uint64_t same_reads(const keyspace_t* k) {
  const look_t *old = &before[k - keyspaces], *new = &after[k - keyspaces];
  uint64_t same = 0;
  for (uint64_t row = 0; row < k->rows; row++) same += old->found[row] == new->found[row];
  return same;
}

static int mistake(const keyspace_t* k, int wrong, const char* what) {
  if (wrong) fprintf(stderr, "demo: %s: %s\n", k->name, what);
  return wrong;
}

int count_mistakes(void) {
  int mistakes = 0;
  for EACH_KEYSPACE(k) {
    const look_t *old = &before[k - keyspaces], *new = &after[k - keyspaces];
    double gone = 1 - (double)new->versions / (double)old->versions;
    uint64_t safe_point = rgc.keyspace_safe_point(demo.gc, k->id);
    mistakes += mistake(k, safe_point != planned_safe_point(k), "its effective safe point is not the planned one");
    mistakes += mistake(k, old->rows != k->rows, "rows are missing from the start");
    mistakes += mistake(k, new->rows != k->rows - old->dead_rows, "other rows are gone than the dead ones");
    mistakes += mistake(k, same_reads(k) != k->rows, "readers of the newest version find something else than before");
    mistakes += mistake(k, new->versions < old->must_stay, "versions are gone that had to stay");
    mistakes += mistake(k, new->versions > old->must_stay, "versions are left that had to go");
    mistakes += mistake(k, new->must_stay != new->versions, "not those versions are left that had to stay");
    mistakes += mistake(k, gone < k->gone_min || gone > k->gone_max, "more or less is gone than a keyspace of its kind should lose");
  }
  return mistakes;
}
