/* stored_keys.c - stored keys and ranges, against known bytes and against the encoder in keys.c. */
#include "parts.h"

static void check_bytes(char* found, size_t found_len, const char* bytes, size_t len, int line) {
  check_that(found != NULL && found_len == len && memcmp(found, bytes, len) == 0, __FILE__, line, "the bytes are the expected ones");
  api.rgc_free(found);
}

static void encode(const rgc_t* gc, int mode, uint32_t keyspace, const char* key, size_t key_len, uint64_t ts, const char* bytes,
                   size_t len, int line) {
  size_t found_len = 0;
  char* found = NULL;
  SUCCEEDS(found = api.rgc_encode_key(gc, mode, keyspace, key, key_len, ts, &found_len, errptr));
  check_bytes(found, found_len, bytes, len, line);
  rgc_key_t out = {.struct_size = sizeof out};
  SUCCEEDS(CHECK_EQ(api.rgc_decode_key(gc, bytes, len, &out, errptr), 1));
  CHECK_EQ(out.mode, mode);
  CHECK_EQ(out.keyspace, keyspace);
  CHECK_EQ(out.ts, ts);
  CHECK_EQ(out.struct_size, sizeof out);
  CHECK(out.user_key != NULL);
  check_bytes(out.user_key, out.user_key_len, key_len == 0 ? "" : key, key_len, line);
}
#define ENCODE(gc, mode, keyspace, key, ts, bytes) encode(gc, mode, keyspace, BYTES(key), ts, BYTES(bytes), __LINE__)

/* Literals of TiKV, client-go and PD. */
static void known(void) {
  rgc_t* gc = gc_with("data_prefix=z");
  ENCODE(gc, 'x', 1, "t123_114", 411225436913926252, "zx\0\0\1t123\xff_114\0\0\0\0\xfb\xfa\x4b\x08\xa4\xd6\x23\xff\x93");
  ENCODE(gc, 'r', 0, "", 0, "zr\0\0\0\0\0\0\0\xfb\xff\xff\xff\xff\xff\xff\xff\xff");
  ENCODE(gc, 'r', 16777215, "key", UINT64_MAX, "zr\xff\xff\xffkey\0\xfe\0\0\0\0\0\0\0\0");
  ENCODE(gc, 'm', RGC_KEYSPACE_NONE, "", 1000, "zm\0\0\0\0\0\0\0\xf8\xff\xff\xff\xff\xff\xff\xfc\x17");
  ENCODE(gc, 't', RGC_KEYSPACE_NONE, "1234567", 1, "zt1234567\xff\0\0\0\0\0\0\0\0\xf7\xff\xff\xff\xff\xff\xff\xff\xfe");
  api.rgc_destroy(gc);
  gc = gc_with("key_layout=plain;history=latest;plain_keys=4");
  ENCODE(gc, RGC_MODE_NONE, RGC_KEYSPACE_NONE, "user", 1, "user\xff\xff\xff\xff\xff\xff\xff\xfe");
  api.rgc_destroy(gc);
}

/* Every length over several groups, with bytes that look like markers and padding. */
static void lengths(void) {
  rgc_t* gc = gc_with("");
  static const char fill[] = {0, (char)0xff, 'a', (char)0xf7};
  char user_key[41];
  for (size_t len = 0; len <= sizeof user_key; ++len) {
    for (size_t with = 0; with < sizeof fill; ++with) {
      char raw[45] = {'r', 1, 2, 3};
      memset(user_key, fill[with], len);
      memcpy(raw + 4, user_key, len);
      struct key expected = stored_key(raw, len + 4, len);
      encode(gc, 'r', 0x010203, user_key, len, len, expected.data, expected.len, __LINE__);
    }
  }
  api.rgc_destroy(gc);
}

static void refused_keys(void) {
  rgc_t* gc = gc_with("");
  rgc_t* plain = gc_with("key_layout=plain;history=latest;plain_keys=4");
  size_t len = 77;
#define REFUSE(gc, mode, keyspace, key, key_len, ...) \
  FAILS(CHECK(api.rgc_encode_key(gc, mode, keyspace, key, key_len, 1, &len, errptr) == NULL), "Invalid argument", __VA_ARGS__)
  REFUSE(gc, 'q', 1, "k", 1, "113");
  REFUSE(gc, -1, 1, "k", 1, "-1");
  REFUSE(gc, 256 + 'r', 1, "k", 1, "370");
  REFUSE(gc, RGC_MODE_NONE, RGC_KEYSPACE_NONE, "k", 1, "RGC_MODE_NONE");
  REFUSE(gc, 'r', 16777216, "k", 1, "16777216");
  REFUSE(gc, 'r', RGC_KEYSPACE_NONE, "k", 1, "keyspace");
  REFUSE(gc, 'm', 1, "k", 1, "keyspace", "1");
  REFUSE(gc, 't', 0, "k", 1, "keyspace", "0");
  REFUSE(gc, 'r', 1, NULL, 1, "user_key");
  REFUSE(plain, 'r', 1, "user", 4, "plain");
  REFUSE(plain, RGC_MODE_NONE, 1, "user", 4, "plain");
  REFUSE(plain, RGC_MODE_NONE, RGC_KEYSPACE_NONE, "users", 5, "5", "4");
  REFUSE(plain, RGC_MODE_NONE, RGC_KEYSPACE_NONE, "", 0, "0", "4");
  REFUSE(NULL, 'r', 1, "k", 1, "NULL");
  CHECK_EQ(len, 77);
  FAILS(CHECK(api.rgc_encode_key(gc, 'r', 1, "k", 1, 1, NULL, errptr) == NULL), "Invalid argument", "out_len");

  /* NULL goes with length 0. */
  char* key = NULL;
  SUCCEEDS(key = api.rgc_encode_key(gc, 'r', 1, NULL, 0, 1, &len, errptr));
  CHECK(key != NULL);
  api.rgc_free(key);
  api.rgc_destroy(plain);
  api.rgc_destroy(gc);
}

static void refuse_decoding(const rgc_t* gc, const char* key, size_t len) {
  rgc_key_t out;
  memset(&out, 0xee, sizeof out);
  out.struct_size = sizeof out;
  rgc_key_t before = out;
  FAILS(CHECK_EQ(api.rgc_decode_key(gc, key, len, &out, errptr), 0), "Corruption");
  CHECK(memcmp(&out, &before, sizeof out) == 0);
}

static void decoding(void) {
  rgc_t* gc = gc_with("");
  struct key good = raw_key(1, "abc", 70);
  for (size_t len = 0; len < good.len; ++len) refuse_decoding(gc, good.data, len);
  refuse_decoding(gc, good.data, good.len + 1);
  refuse_decoding(gc, NULL, 0);
  struct key bad = good;
  bad.data[8] = (char)0xf6;
  refuse_decoding(gc, bad.data, bad.len);
  bad.data[8] = (char)0xff;
  refuse_decoding(gc, bad.data, bad.len);
  bad = good;
  bad.data[7] = 1;
  refuse_decoding(gc, bad.data, bad.len);
  bad = stored_key(BYTES("r\0\0"), 1);
  refuse_decoding(gc, bad.data, bad.len);
  bad = stored_key(BYTES("qabc"), 1);
  refuse_decoding(gc, bad.data, bad.len);
  bad = stored_key(BYTES(""), 1);
  refuse_decoding(gc, bad.data, bad.len);

  struct {
    rgc_key_t known;
    char more[24];
  } out;
  memset(&out, 0xee, sizeof out);
  for (size_t size = 0; size < sizeof out.known; ++size) {
    out.known.struct_size = size;
    FAILS(CHECK_EQ(api.rgc_decode_key(gc, good.data, good.len, &out.known, errptr), 0), "Invalid argument", "struct_size");
  }
  FAILS(CHECK_EQ(api.rgc_decode_key(gc, good.data, good.len, NULL, errptr), 0), "Invalid argument", "NULL");
  out.known.struct_size = sizeof out.known;
  FAILS(CHECK_EQ(api.rgc_decode_key(gc, NULL, 9, &out.known, errptr), 0), "Invalid argument");
  FAILS(CHECK_EQ(api.rgc_decode_key(NULL, good.data, good.len, &out.known, errptr), 0), "Invalid argument", "NULL");
  /* A host of a later version: it is told how much was written. */
  out.known.struct_size = sizeof out;
  SUCCEEDS(CHECK_EQ(api.rgc_decode_key(gc, good.data, good.len, &out.known, errptr), 1));
  CHECK_EQ(out.known.struct_size, sizeof out.known);
  for (size_t i = 0; i < sizeof out.more; ++i) CHECK_EQ((unsigned char)out.more[i], 0xee);
  api.rgc_free(out.known.user_key);
  api.rgc_destroy(gc);
}

static void check_range(rgc_range_t* range, const char* start, size_t start_len, const char* end, size_t end_len, int line) {
  check_equal(range->struct_size, sizeof *range, __FILE__, line, "struct_size");
  check_bytes(range->start, range->start_len, start, start_len, line);
  if (end != NULL) {
    check_bytes(range->end, range->end_len, end, end_len, line);
  } else {
    check_that(range->end == NULL && range->end_len == 0, __FILE__, line, "no upper bound");
  }
  *range = (rgc_range_t){.struct_size = sizeof *range};
}

static void ranges(void) {
  rgc_t* gc = gc_with("data_prefix=z");
  rgc_t* plain = gc_with("key_layout=plain;history=latest;plain_keys=prefix_free");
  rgc_range_t range = {.struct_size = sizeof range};
#define IS(start, end) check_range(&range, BYTES(start), BYTES(end), __LINE__)
  SUCCEEDS(api.rgc_keyspace_range(gc, 'x', 1, &range, errptr));
  IS("zx\0\0\1\0\0\0\0\xfb", "zx\0\0\2\0\0\0\0\xfb");
  SUCCEEDS(api.rgc_keyspace_range(gc, 'r', 0x0102ff, &range, errptr));
  IS("zr\1\2\xff\0\0\0\0\xfb", "zr\1\3\0\0\0\0\0\xfb");
  SUCCEEDS(api.rgc_keyspace_range(gc, 'r', 16777215, &range, errptr));
  IS("zr\xff\xff\xff\0\0\0\0\xfb", "zs\0\0\0\0\0\0\0\xfb");
  SUCCEEDS(api.rgc_keyspace_range(gc, 't', RGC_KEYSPACE_NONE, &range, errptr));
  IS("zt\0\0\0\0\0\0\0\xf8", "zu\0\0\0\0\0\0\0\xf8");
  SUCCEEDS(api.rgc_encode_range(gc, 'r', 1, BYTES("a"), BYTES("b"), &range, errptr));
  IS("zr\0\0\1a\0\0\0\xfc", "zr\0\0\1b\0\0\0\xfc");
  SUCCEEDS(api.rgc_encode_range(gc, 'r', 1, BYTES("abcd"), NULL, 0, &range, errptr));
  IS("zr\0\0\1abcd\xff\0\0\0\0\0\0\0\0\xf7", "zr\0\0\2\0\0\0\0\xfb");
  SUCCEEDS(api.rgc_encode_range(gc, 'r', 1, NULL, 0, "", 0, &range, errptr));
  IS("zr\0\0\1\0\0\0\0\xfb", "zr\0\0\2\0\0\0\0\xfb");
  SUCCEEDS(api.rgc_encode_range(gc, 'r', 1, BYTES("a"), BYTES("a"), &range, errptr));
  IS("zr\0\0\1a\0\0\0\xfc", "zr\0\0\1a\0\0\0\xfc");
  SUCCEEDS(api.rgc_keyspace_range(plain, RGC_MODE_NONE, RGC_KEYSPACE_NONE, &range, errptr));
  check_range(&range, "", 0, NULL, 0, __LINE__);
  SUCCEEDS(api.rgc_encode_range(plain, RGC_MODE_NONE, RGC_KEYSPACE_NONE, BYTES("a"), BYTES("b"), &range, errptr));
  IS("a", "b");

  rgc_range_t before;
  memset(&range, 0xee, sizeof range);
  range.struct_size = sizeof range;
  before = range;
  FAILS(api.rgc_encode_range(gc, 'r', 1, BYTES("b"), BYTES("a"), &range, errptr), "Invalid argument", "start", "end");
  FAILS(api.rgc_encode_range(gc, 'q', 1, BYTES("a"), BYTES("b"), &range, errptr), "Invalid argument", "113");
  FAILS(api.rgc_encode_range(gc, 'r', 16777216, BYTES("a"), BYTES("b"), &range, errptr), "Invalid argument", "16777216");
  FAILS(api.rgc_encode_range(gc, 'r', 1, NULL, 1, BYTES("b"), &range, errptr), "Invalid argument", "start");
  FAILS(api.rgc_encode_range(gc, 'r', 1, BYTES("a"), NULL, 1, &range, errptr), "Invalid argument", "end");
  FAILS(api.rgc_encode_range(gc, 'r', 1, BYTES("a"), BYTES("b"), NULL, errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_encode_range(NULL, 'r', 1, BYTES("a"), BYTES("b"), &range, errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_keyspace_range(gc, 'm', 1, &range, errptr), "Invalid argument", "keyspace");
  FAILS(api.rgc_keyspace_range(gc, 'r', RGC_KEYSPACE_NONE, &range, errptr), "Invalid argument", "keyspace");
  FAILS(api.rgc_keyspace_range(plain, 'r', 1, &range, errptr), "Invalid argument", "plain");
  FAILS(api.rgc_keyspace_range(gc, 'r', 1, NULL, errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_keyspace_range(NULL, 'r', 1, &range, errptr), "Invalid argument", "NULL");
  CHECK(memcmp(&range, &before, sizeof range) == 0);
  range.struct_size = sizeof range - 1;
  FAILS(api.rgc_keyspace_range(gc, 'r', 1, &range, errptr), "Invalid argument", "struct_size");
  FAILS(api.rgc_encode_range(gc, 'r', 1, BYTES("a"), BYTES("b"), &range, errptr), "Invalid argument", "struct_size");
  api.rgc_destroy(plain);
  api.rgc_destroy(gc);
}

void test_stored_keys(void) {
  known();
  lengths();
  refused_keys();
  decoding();
  ranges();
}
