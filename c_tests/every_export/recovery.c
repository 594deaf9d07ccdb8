/* recovery.c - what a WAL filter leaves out: which keys, which records of a batch; and that it
 * keeps every other byte. */
#include "batch.h"

/* Keyspace 1: id 0x61620001 is valid, others up to 0x61620004 are not. 2 is TOMBSTONE, 3 ARCHIVED,
 * 4 without schemas. */
static rgc_t* context(const char* options) {
  rgc_t* gc = gc_of_schemas(options);
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(0x61620001), 0x61620004, errptr));
  for (uint32_t id = 2; id <= 3; ++id) {
    rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = id, .name = "gone"};
    meta.state = id == 2 ? RGC_KEYSPACE_TOMBSTONE : RGC_KEYSPACE_ARCHIVED;
    SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
  }
  return gc;
}

/* By the rule; a keyspace's id is read only if byte 8 says that there is one. */
static int is_ignored(const char* key, size_t len) {
  const unsigned char* bytes = (const unsigned char*)key;
  if (len < 9 || (bytes[0] != 'r' && bytes[0] != 'x') || bytes[8] < 0xfb) return 0;
  uint32_t keyspace = (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  uint32_t id;
  if (keyspace == 2) return 1;
  return keyspace == 1 && schema_of_key(key, len, &keyspace, &id) && id != 0x61620001 && id <= 0x61620004;
}

enum { KEYS = 4 * 5 * 10 };
static struct key keys[KEYS + 8];
static size_t num_keys;

static void make_keys(void) {
  static const char modes[] = "rxmt";
  static const struct {
    const char* bytes;
    size_t len;
  } users[] = {{BYTES("")},          {BYTES("a")},        {BYTES("ab\0")},           {BYTES("ab\0\0")},
               {BYTES("ab\0\0tail of a longer key")},
               {BYTES("ab\0\1tail")}, {BYTES("ab\0\4tail")},
               {BYTES("ab\0\5")},  {BYTES("zzzz")},     {BYTES("\0\0\0\0\0")}};
  num_keys = 0;
  for (size_t m = 0; m < 4; ++m) {
    for (uint32_t keyspace = 0; keyspace < 5; ++keyspace) {
      for (size_t u = 0; u < 10; ++u) {
        keys[num_keys] = user_key(modes[m], keyspace, users[u].bytes, users[u].len, 90);
        /* Locks have no timestamp. */
        if (u % 2 == 1) keys[num_keys].len -= 8;
        ++num_keys;
      }
    }
  }
  /* Three raw bytes: in no keyspace. */
  keys[num_keys++] = stored_key(BYTES("r\0\0"), 9);
  keys[num_keys++] = stored_key(BYTES("x\0\0"), 9);
  keys[num_keys++] = key_of(BYTES("\1rocks_gc/"));
  keys[num_keys++] = key_of(BYTES("\1rocks_gc/ab\0\0and so on"));
  keys[num_keys++] = key_of(BYTES("r"));
  keys[num_keys++] = key_of(BYTES(""));
}

static void single_keys(void) {
  rgc_t* gc = context("");
  int ignored = 0;
  for (size_t i = 0; i < num_keys; ++i) {
    int said = api.rgc_wal_should_skip(gc, OF(keys[i]));
    CHECK_EQ(said, is_ignored(OF(keys[i])));
    if (said != is_ignored(OF(keys[i]))) fprintf(stderr, "%s\n", hex_of(OF(keys[i])));
    ignored += said;
    CHECK_EQ(api.rgc_wal_should_skip(NULL, OF(keys[i])), 0);
  }
  CHECK(ignored > 20);
  CHECK_EQ(api.rgc_wal_should_skip(gc, NULL, 0), 0);
  CHECK_EQ(api.rgc_wal_should_skip(gc, NULL, 9), 0);
  api.rgc_destroy(gc);
  /* Under a prefix; and without schemas only keyspaces count. */
  gc = context("data_prefix=z");
  for (size_t i = 0; i < num_keys; ++i) {
    char bytes[160] = "z";
    memcpy(bytes + 1, keys[i].data, keys[i].len);
    CHECK_EQ(api.rgc_wal_should_skip(gc, bytes, keys[i].len + 1), is_ignored(OF(keys[i])));
    CHECK_EQ(api.rgc_wal_should_skip(gc, OF(keys[i])), 0);
  }
  api.rgc_destroy(gc);
  gc = gc_with("");
  for (size_t i = 0; i < num_keys; ++i) CHECK_EQ(api.rgc_wal_should_skip(gc, OF(keys[i])), 0);
  rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = 2, .state = RGC_KEYSPACE_TOMBSTONE, .name = "gone"};
  SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
  for (size_t i = 0; i < num_keys; ++i) {
    int in_two = is_ignored(OF(keys[i])) && keys[i].data[3] == 2;
    CHECK_EQ(api.rgc_wal_should_skip(gc, OF(keys[i])), in_two);
  }
  api.rgc_destroy(gc);
  /* In the plain layout. */
  gc = gc_with("key_layout=plain;history=latest;plain_keys=8;schema_id=prefix");
  SUCCEEDS(api.rgc_schemas_load(gc, RGC_KEYSPACE_NONE, IDS(0x61626364), 0x61626366, errptr));
  struct key dropped = plain_key("abcexxxx", 8, 5);
  struct key valid = plain_key("abcdxxxx", 8, 5);
  struct key own = key_of(BYTES(LEDGER_PREFIX "01234567"));
  CHECK_EQ(api.rgc_wal_should_skip(gc, OF(dropped)), 1);
  CHECK_EQ(api.rgc_wal_should_skip(gc, dropped.data, 11), 0);
  CHECK_EQ(api.rgc_wal_should_skip(gc, OF(valid)), 0);
  CHECK_EQ(api.rgc_wal_should_skip(gc, OF(own)), 0);
  api.rgc_destroy(gc);
}

static const uint32_t ours[] = {0, 3, 300};
static int is_ours(long cf) { return cf <= 0 || cf == 3 || cf == 300; }

/* What is written into a batch and what must be left of it. */
static struct batch batch, left;

/* A record that is left out becomes a delete of a key under the ledger's prefix, in the same
 * family, so that sequence numbers do not change. */
static void add_place_holder(long cf) { batch_add(&left, cf > 0 ? TAG_CF_DELETE : TAG_DELETE, cf > 0 ? cf : -1, BYTES(LEDGER_PREFIX "w"), NULL, 0); }

static int add(uint64_t* seed, int tag, long cf, struct key key) {
  char value[200];
  size_t len = random_below(seed, 3) == 0 ? random_below(seed, sizeof value) : random_below(seed, 3);
  memset(value, (int)random_below(seed, 256), sizeof value);
  batch_add(&batch, tag, cf, OF(key), value, len);
  int is_put = tag == TAG_PUT || tag == TAG_MERGE || tag == TAG_CF_PUT || tag == TAG_CF_MERGE;
  int goes = is_put && is_ours(cf) && is_ignored(OF(key));
  if (goes) add_place_holder(cf);
  else batch_add(&left, tag, cf, OF(key), value, len);
  return goes;
}

static void check_batch(const rgc_t* gc, int expected) {
  struct bytes copy = bytes_copy(batch.data, batch.len);
  size_t len = 77;
  char* out = (char*)&len;
  SUCCEEDS(out = api.rgc_wal_filter_batch(gc, copy.data, copy.len, ours, 3, &len, errptr));
  CHECK((out != NULL) == expected);
  if (out != NULL) {
    CHECK_EQ(len, left.len);
    CHECK(len == left.len && memcmp(out, left.data, len) == 0);
    CHECK_EQ(batch_count(out), batch_count(left.data));
  }
  CHECK(memcmp(copy.data, batch.data, batch.len) == 0);
  api.rgc_free(out);
  free(copy.data);
}

static void random_batches(uint64_t seed) {
  rgc_t* gc = context("");
  static const int bare[] = {TAG_DELETE, TAG_PUT, TAG_MERGE, TAG_SINGLE_DELETE, TAG_DELETE_RANGE, TAG_LOG_DATA};
  static const int with_family[] = {TAG_CF_DELETE, TAG_CF_PUT, TAG_CF_MERGE, TAG_CF_SINGLE_DELETE, TAG_CF_DELETE_RANGE};
  static const long some[] = {0, 1, 3, 4, 127, 128, 300, 70000, 0xffffffff};
  for (int round = 0; round < 400; ++round) {
    uint64_t sequence = round % 3 == 0 ? UINT64_MAX - 5 : random_below(&seed, 1 << 30);
    batch_begin(&batch, sequence);
    batch_begin(&left, sequence);
    int expected = 0;
    size_t records = random_below(&seed, 30);
    for (size_t i = 0; i < records; ++i) {
      struct key key = keys[random_below(&seed, num_keys)];
      if (random_below(&seed, 2) == 0) expected |= add(&seed, bare[random_below(&seed, 6)], -1, key);
      else expected |= add(&seed, with_family[random_below(&seed, 5)], some[random_below(&seed, 9)], key);
    }
    check_batch(gc, expected);
  }
  api.rgc_destroy(gc);
}

/* One record that would go, and what makes the batch pass as it is. */
static void begin_with_a_dropped_put(void) {
  batch_begin(&batch, 7);
  batch_begin(&left, 7);
  struct key key = id_key('r', 1, 0x61620000, "a", 9);
  batch_add(&batch, TAG_PUT, -1, OF(key), BYTES("v\0"));
  add_place_holder(-1);
}
static void check_unchanged(const rgc_t* gc) { check_batch(gc, 0); }

static void as_it_is(void) {
  rgc_t* gc = context("");
  begin_with_a_dropped_put();
  check_batch(gc, 1);
  CHECK_EQ(batch_count(left.data), 1);
  static const int markers[] = {TAG_BEGIN_PREPARE, TAG_END_PREPARE, TAG_COMMIT, TAG_ROLLBACK};
  for (size_t i = 0; i < 4; ++i) {
    for (int before = 0; before < 2; ++before) {
      if (before == 0) begin_with_a_dropped_put();
      else batch_begin(&batch, 7);
      batch_add(&batch, markers[i], -1, BYTES("xid"), NULL, 0);
      struct key key = id_key('r', 1, 0x61620000, "b", 9);
      batch_add(&batch, TAG_CF_PUT, 3, OF(key), BYTES("v\0"));
      check_unchanged(gc);
    }
  }
  /* Markers of later RocksDBs: of a prepared batch that is kept, of one that is not, of a commit
   * with its timestamp. */
  static const char* const later[] = {"\x12", "\x13", "\x15\x08tttttttt\3xid"};
  for (size_t i = 0; i < 3; ++i) {
    begin_with_a_dropped_put();
    for (const char* byte = later[i]; *byte != 0; ++byte) batch_byte(&batch, *byte);
    check_unchanged(gc);
  }
  /* Tags that nobody knows; 0x10 to 0x17 are RocksDB's, but none of those above. */
  for (int tag = 0x18; tag < 256; ++tag) {
    if (tag > 0x40 && tag < 0xf0) continue;
    begin_with_a_dropped_put();
    batch_byte(&batch, tag);
    check_unchanged(gc);
    begin_with_a_dropped_put();
    batch_byte(&batch, tag);
    batch_varint(&batch, 1);
    batch_byte(&batch, 'k');
    check_unchanged(gc);
  }
  /* Batches cut at every length that is no record's end; a length that is too large; a wrong
   * count. */
  begin_with_a_dropped_put();
  size_t first = batch.len;
  struct key key = id_key('r', 1, 0x61620002, "b", 9);
  batch_add(&batch, TAG_CF_PUT, 300, OF(key), BYTES("value"));
  size_t whole = batch.len;
  for (size_t len = 0; len < whole; ++len) {
    if (len == 12 || len == first) continue;
    batch.len = len;
    check_unchanged(gc);
  }
  batch.len = whole;
  add_place_holder(300);
  check_batch(gc, 1);
  begin_with_a_dropped_put();
  batch_byte(&batch, TAG_DELETE);
  batch_varint(&batch, UINT32_MAX);
  batch_byte(&batch, 'k');
  check_unchanged(gc);
  begin_with_a_dropped_put();
  batch_byte(&batch, TAG_CF_DELETE);
  for (int i = 0; i < 10; ++i) batch_byte(&batch, 0xff);
  check_unchanged(gc);
  static const uint32_t counts[] = {0, 2, UINT32_MAX};
  for (size_t i = 0; i < 3; ++i) {
    begin_with_a_dropped_put();
    batch_set_count(&batch, counts[i]);
    check_unchanged(gc);
  }
  /* Of no family, nothing is ours. */
  begin_with_a_dropped_put();
  size_t len = 77;
  SUCCEEDS(CHECK(api.rgc_wal_filter_batch(gc, batch.data, batch.len, NULL, 0, &len, errptr) == NULL));
  SUCCEEDS(CHECK(api.rgc_wal_filter_batch(gc, NULL, 0, ours, 3, &len, errptr) == NULL));
  FAILS(CHECK(api.rgc_wal_filter_batch(gc, batch.data, batch.len, NULL, 1, &len, errptr) == NULL), "Invalid argument");
  FAILS(CHECK(api.rgc_wal_filter_batch(gc, batch.data, batch.len, ours, 3, NULL, errptr) == NULL), "Invalid argument");
  FAILS(CHECK(api.rgc_wal_filter_batch(gc, NULL, 40, ours, 3, &len, errptr) == NULL), "Invalid argument");
  FAILS(CHECK(api.rgc_wal_filter_batch(NULL, batch.data, batch.len, ours, 3, &len, errptr) == NULL), "Invalid argument");
  /* A batch that begins with a noop is left alone, or loses what it must. */
  batch_begin(&batch, 7);
  batch_add(&batch, TAG_NOOP, -1, NULL, 0, NULL, 0);
  batch_add(&batch, TAG_PUT, -1, OF(key), BYTES("v\0"));
  batch_begin(&left, 7);
  batch_add(&left, TAG_NOOP, -1, NULL, 0, NULL, 0);
  add_place_holder(-1);
  char* out = NULL;
  SUCCEEDS(out = api.rgc_wal_filter_batch(gc, batch.data, batch.len, ours, 3, &len, errptr));
  CHECK(out == NULL || (len == left.len && memcmp(out, left.data, len) == 0));
  api.rgc_free(out);
  api.rgc_destroy(gc);
  /* Nothing is invalid: nothing goes. */
  gc = gc_of_schemas("");
  begin_with_a_dropped_put();
  check_unchanged(gc);
  api.rgc_destroy(gc);
}

/* Any bytes behind a header: no crash, and the result is a batch of the same sequence number and
 * count. */
static void any_bytes(uint64_t seed) {
  rgc_t* gc = context("");
  for (int round = 0; round < 3000; ++round) {
    begin_with_a_dropped_put();
    size_t more = random_below(&seed, 40);
    for (size_t i = 0; i < more; ++i) batch_byte(&batch, (int)random_below(&seed, random_below(&seed, 2) == 0 ? 16 : 256));
    if (round % 3 == 0) batch.data[12 + random_below(&seed, batch.len - 12)] = (char)random_below(&seed, 256);
    struct bytes copy = bytes_copy(batch.data, batch.len);
    size_t len = 0;
    char* out = NULL;
    SUCCEEDS(out = api.rgc_wal_filter_batch(gc, copy.data, copy.len, ours, 3, &len, errptr));
    if (out != NULL) CHECK(len >= 12 && memcmp(out, copy.data, 12) == 0);
    api.rgc_free(out);
    free(copy.data);
  }
  api.rgc_destroy(gc);
}

typedef void (*any)(void);
static void never(void) { CHECK(!"called"); }

static void rocksdb_filter(void) {
  rgc_t* gc = context("");
  static const char* const names[] = {"default", "write"};
  static const char* const holes[] = {"default", NULL};
  FAILS(CHECK(api.rgc_rocksdb_wal_filter(gc, names, 2, errptr) == NULL), "Invalid argument");
  FAILS(CHECK(api.rgc_rocksdb_wal_filter(NULL, names, 2, errptr) == NULL), "Invalid argument");
  static const rgc_symbol_t four[] = {
      {"rocksdb_compactionfiltercontext_is_manual_compaction", (any)never},
      {"rocksdb_compactionfiltercontext_is_full_compaction", (any)never},
      {"rocksdb_compactionfilterfactory_create", (any)never},
      {"rocksdb_compactionfilter_create", (any)never},
  };
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, four, 4, errptr));
  FAILS(CHECK(api.rgc_rocksdb_wal_filter(gc, names, 2, errptr) == NULL), "Not supported");
  REFUSES(CHECK(api.rgc_rocksdb_wal_filter(gc, NULL, 0, errptr) == NULL), NO_MORE);
  REFUSES(CHECK(api.rgc_rocksdb_wal_filter(gc, names, 0, errptr) == NULL), NO_MORE);
  REFUSES(CHECK(api.rgc_rocksdb_wal_filter(gc, NULL, 2, errptr) == NULL), NO_MORE);
  REFUSES(CHECK(api.rgc_rocksdb_wal_filter(gc, holes, 2, errptr) == NULL), NO_MORE);
  api.rgc_destroy(gc);
}

void test_recovery(uint64_t seed) {
  make_keys();
  single_keys();
  random_batches(seed | 1);
  as_it_is();
  any_bytes(seed | 1);
  rocksdb_filter();
}
