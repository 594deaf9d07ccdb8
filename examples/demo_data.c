/* demo_data.c - the data: six keyspaces, a version of most rows in every hour of a day, the same at
 * every run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"

enum { GLOBAL_HOURS = 6, USER_VALUE_BYTES = 64, STORED_VALUE_BYTES = USER_VALUE_BYTES + 9, BATCH = 1000, DELETE_PERCENT = 5 };

/* name, id, type, safe point in hours ago, % of rows, % with TTL, the part that must go: at least
 * and at most */
keyspace_t keyspaces[KEYSPACES] = {
    [ORDERS] = {"orders", 101, "keyspace level", 1, 30, 10, 0.90, 0.99, 0},    /* fast: its own safe point follows its readers */
    [REPORTS] = {"reports", 102, "keyspace level", 20, 20, 10, 0.05, 0.30, 0}, /* stuck: a reader of last night still runs */
    [USERS] = {"users", 201, "global", GLOBAL_HOURS, 20, 0, 0.50, 0.90, 0},
    [SESSIONS] = {"sessions", 202, "global", GLOBAL_HOURS, 15, 80, 0.50, 0.90, 0},
    [SCRATCH] = {"scratch", 301, "never named", NO_SAFE_POINT, 10, 10, 0, 0, 0},
    [ARCHIVE] = {"archive", 302, "removed", NO_SAFE_POINT, 5, 10, 0, 0, 0},
};

void plan_data(uint64_t thousands_of_versions) {
  const double versions_a_row = 18.9;
  for EACH_KEYSPACE(k) k->rows = 1 + (uint64_t)((double)thousands_of_versions * 10 * k->rows_percent / versions_a_row);
}

static uint64_t timestamp(uint64_t unix_seconds) { return (unix_seconds * 1000) << 18; }

uint64_t hours_ago(int hours) { return timestamp(NOW - (uint64_t)hours * 3600); }

uint64_t planned_safe_point(const keyspace_t* k) { return k->safe_point_hours == NO_SAFE_POINT ? 0 : hours_ago(k->safe_point_hours); }

/* Versions lie half an hour away from every safe point. */
static uint64_t written_at(int hour) { return NOW - (uint64_t)hour * 3600 - 1800; }

/* A pseudo-random number of a version (splitmix64). */
static uint64_t dice(const keyspace_t* k, uint64_t row, int hour, unsigned which) {
  uint64_t x = ((uint64_t)k->id << 40 ^ row << 8 ^ (uint64_t)hour) + UINT64_C(0x9e3779b97f4a7c15) * (which + 1);
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* Does the row have a version of that hour? Seven rows in ten are written to the end, the others
 * only up to some hour. */
static int has_version(const keyspace_t* k, uint64_t row, int hour) {
  uint64_t fate = dice(k, row, HOURS, 0);
  int last = fate % 10 < 7 ? 0 : 1 + (int)(fate / 10 % 16);
  return hour == last || (hour > last && dice(k, row, hour, 0) % 8 != 0);
}

/* A stored value of API V2: the user's value, 8 bytes of expiry if flag 1 is set, the flags; flag 2
 * is a delete mark. */
static size_t make_value(const keyspace_t* k, uint64_t row, int hour, char* out) {
  uint64_t kind = dice(k, row, hour, 1);
  unsigned percent = (unsigned)(kind % 100);
  if (percent < DELETE_PERCENT) {
    out[0] = 2;
    return 1;
  }
  for (unsigned i = 0; i < USER_VALUE_BYTES / 8; i++) {
    uint64_t bytes = dice(k, row, hour, 2 + i);
    memcpy(out + 8 * i, &bytes, 8);
  }
  char* end = out + USER_VALUE_BYTES;
  int has_ttl = percent < DELETE_PERCENT + k->ttl_percent;
  if (has_ttl) {
    uint64_t expiry = written_at(hour) + 3600 * (1 + kind / 100 % 40);
    for (int shift = 56; shift >= 0; shift -= 8) *end++ = (char)(expiry >> shift);
  }
  *end++ = (char)has_ttl;
  return (size_t)(end - out);
}

static void put_version(const keyspace_t* k, uint64_t row, int hour) {
  char user_key[64], value[STORED_VALUE_BYTES];
  int user_key_len = snprintf(user_key, sizeof user_key, "%s/%08" PRIu64, k->name, row);
  size_t len, value_len = make_value(k, row, hour, value);
  uint64_t ts = timestamp(written_at(hour)) + row;
  char* key;
  RGC(key = rgc.encode_key(demo.gc, RGC_MODE_RAW, k->id, user_key, (size_t)user_key_len, ts, &len, &err));
  rocksdb_writebatch_put(demo.batch, key, len, value, value_len);
  rgc.free(key);
}

static void write_batch(void) {
  stop_if_interrupted();
  ROCKSDB(rocksdb_write(demo.db, demo.write_options, demo.batch, &err));
  rocksdb_writebatch_clear(demo.batch);
}

void write_hours(int from, int to) {
  for (int hour = from; hour >= to; hour--) {
    for EACH_KEYSPACE(k) {
      for (uint64_t row = 0; row < k->rows; row++) {
        if (has_version(k, row, hour)) put_version(k, row, hour);
        if (rocksdb_writebatch_count(demo.batch) >= BATCH) write_batch();
      }
    }
    write_batch();
    if (hour % 4 == 0) ROCKSDB(rocksdb_flush(demo.db, demo.flush_options, &err));
    print_progress(HOURS - hour);
  }
}
