/* codec.c - the codec of a keyspace for one key or one range, against literals of client-go, TiKV
 * and PD. */
#include "parts.h"

#define OUTSIDE_4242 "lies outside keyspace 4242 of mode r"

static void check_bytes(char* found, size_t found_len, const char* bytes, size_t len, int line) {
  check_that(found != NULL && found_len == len && memcmp(found, bytes, len) == 0, __FILE__, line, "the bytes are the expected ones");
  api.rgc_free(found);
}

/* A bound; NULL = none. */
static void check_bound(char* found, size_t found_len, const char* bytes, size_t len, int line) {
  if (bytes != NULL) {
    check_bytes(found, found_len, bytes, len, line);
  } else {
    check_that(found == NULL && found_len == 0, __FILE__, line, "no bound");
  }
}

typedef char* (*key_fn)(int, uint32_t, const char*, size_t, size_t*, char**);
typedef unsigned char (*range_fn)(int, uint32_t, const char*, size_t, const char*, size_t, rgc_range_t*, char**);

static void key_is(key_fn function, int mode, uint32_t id, const char* key, size_t key_len, const char* bytes, size_t len, int line) {
  size_t found_len = 77;
  char* found = NULL;
  SUCCEEDS(found = function(mode, id, key, key_len, &found_len, errptr));
  check_bytes(found, found_len, bytes, len, line);
}
#define KEY_IS(function, mode, id, key, bytes) key_is(api.function, mode, id, BYTES(key), BYTES(bytes), __LINE__)

static void range_is(range_fn function, int mode, uint32_t id, const char* start, size_t start_len, const char* end, size_t end_len,
                     const char* found_start, size_t found_start_len, const char* found_end, size_t found_end_len, int line) {
  rgc_range_t range = {.struct_size = sizeof range};
  SUCCEEDS(CHECK_EQ(function(mode, id, start, start_len, end, end_len, &range, errptr), 1));
  check_equal(range.struct_size, sizeof range, __FILE__, line, "struct_size");
  check_bound(range.start, range.start_len, found_start, found_start_len, line);
  check_bound(range.end, range.end_len, found_end, found_end_len, line);
}
#define NO_BOUND NULL, 0
#define RANGE_IS(function, id, ...) range_is(api.function, 'r', id, __VA_ARGS__, __LINE__)

/* Calls that fail, with two texts in the error, and write nothing. */
static void refuses_key(key_fn function, int mode, uint32_t id, const char* key, size_t key_len, const char* kind, const char* text,
                        const char* text2) {
  size_t len = 77;
  FAILS(CHECK(function(mode, id, key, key_len, &len, errptr) == NULL), kind, text, text2);
  CHECK_EQ(len, 77);
}

static void refuses_range(range_fn function, int mode, uint32_t id, const char* start, size_t start_len, const char* end,
                          size_t end_len, const char* kind, const char* text, const char* text2) {
  rgc_range_t out, before;
  memset(&out, 0xee, sizeof out);
  out.struct_size = sizeof out;
  before = out;
  FAILS(CHECK_EQ(function(mode, id, start, start_len, end, end_len, &out, errptr), 0), kind, text, text2);
  CHECK(memcmp(&out, &before, sizeof out) == 0);
}

static void names_keyspace(const char* key, size_t len, int mode, uint32_t keyspace, int line) {
  int found_mode = -7;
  uint32_t found = 77;
  SUCCEEDS(CHECK_EQ(api.rgc_codec_parse_keyspace(key, len, &found_mode, &found, errptr), 1));
  check_equal(found_mode, mode, __FILE__, line, "mode");
  check_equal(found, keyspace, __FILE__, line, "keyspace");
}

static void names_none(const char* key, size_t len, const char* text) {
  int mode = -7;
  uint32_t keyspace = 77;
  FAILS(CHECK_EQ(api.rgc_codec_parse_keyspace(key, len, &mode, &keyspace, errptr), 0), "Invalid argument", text);
  CHECK(mode == -7 && keyspace == 77);
}

static void parsing(void) {
  names_keyspace(BYTES("x\0\0\1t123_114"), 'x', 1, __LINE__);
  names_keyspace(BYTES("r\0\0\1t123_112"), 'r', 1, __LINE__);
  names_keyspace(BYTES("x\1\0\0t213_112"), 'x', 0x010000, __LINE__);
  names_keyspace(BYTES("r\1\0\0t213_112"), 'r', 0x010000, __LINE__);
  names_keyspace(BYTES("x\1\2\3\1\2\3"), 'x', 66051, __LINE__);
  names_keyspace(BYTES("r\1\2\3\1\2\3\4"), 'r', 66051, __LINE__);
  names_keyspace(BYTES("r\xff\xff\xff"), 'r', RGC_KEYSPACE_MAX, __LINE__);
  names_none(BYTES("t123_111"), "0x743132335f313131");
  names_none(BYTES("t\0\0\1\1\2\3"), "0x74000001010203");
  names_none(BYTES("t\0\0"), "0x740000");
  names_none(BYTES("s\0\0"), "0x730000");
  names_none(BYTES("r\0\0"), "4 bytes");
  names_none(BYTES("x"), "4 bytes");
  names_none(BYTES("m\0\0\0"), "0x6d000000");
  names_none(BYTES(""), "4 bytes");
  names_none(NULL, 0, "4 bytes");
  names_none(NULL, 4, "request_key");
  /* Either, or both, may not be wanted. */
  int mode = 0;
  uint32_t keyspace = 0;
  SUCCEEDS(CHECK_EQ(api.rgc_codec_parse_keyspace(BYTES("x\0\0\1"), &mode, NULL, errptr), 1));
  SUCCEEDS(CHECK_EQ(api.rgc_codec_parse_keyspace(BYTES("x\0\0\1"), NULL, &keyspace, errptr), 1));
  SUCCEEDS(CHECK_EQ(api.rgc_codec_parse_keyspace(BYTES("x\0\0\1"), NULL, NULL, errptr), 1));
  CHECK(mode == 'x' && keyspace == 1);
}

/* Keyspaces and where they end. */
static void keyspaces(void) {
  static const struct {
    int mode;
    uint32_t id;
    char prefix[5], end[5];
  } known[] = {
      {'r', 0, "r\0\0\0", "r\0\0\1"},
      {'x', 0, "x\0\0\0", "x\0\0\1"},
      {'x', 1, "x\0\0\1", "x\0\0\2"},
      {'x', 255, "x\0\0\xff", "x\0\1\0"},
      {'r', 4242, "r\0\x10\x92", "r\0\x10\x93"},
      {'x', 4242, "x\0\x10\x92", "x\0\x10\x93"},
      {'x', 65535, "x\0\xff\xff", "x\1\0\0"},
      {'r', 0x0102ff, "r\1\2\xff", "r\1\3\0"},
      {'r', 16777214, "r\xff\xff\xfe", "r\xff\xff\xff"},
      {'r', 16777215, "r\xff\xff\xff", "s\0\0\0"},
      {'x', 16777215, "x\xff\xff\xff", "y\0\0\0"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    int mode = known[i].mode;
    uint32_t id = known[i].id;
    char start[9] = "\0\0\0\0\0\0\0\0\xfb", end[9] = "\0\0\0\0\0\0\0\0\xfb";
    memcpy(start, known[i].prefix, 4);
    memcpy(end, known[i].end, 4);
    key_is(api.rgc_codec_encode_key, mode, id, NULL, 0, start, 4, __LINE__);
    key_is(api.rgc_codec_encode_region_key, mode, id, NULL, 0, start, 9, __LINE__);
    range_is(api.rgc_codec_encode_range, mode, id, NULL, 0, NULL, 0, start, 4, end, 4, __LINE__);
    range_is(api.rgc_codec_encode_region_range, mode, id, "", 0, "", 0, start, 9, end, 9, __LINE__);
    range_is(api.rgc_codec_decode_range, mode, id, start, 4, end, 4, "", 0, NO_BOUND, __LINE__);
    range_is(api.rgc_codec_decode_region_range, mode, id, start, 9, end, 9, "", 0, NO_BOUND, __LINE__);
    refuses_range(api.rgc_codec_decode_range, mode, id, end, 4, NULL, 0, "Invalid argument", "lies outside", "");
    refuses_range(api.rgc_codec_decode_range, mode, id, NULL, 0, start, 4, "Invalid argument", "lies outside", "");
    names_keyspace(start, 4, mode, id, __LINE__);
  }
  /* The first key behind a keyspace can be shorter than its end. */
  refuses_range(api.rgc_codec_decode_range, 'r', 16777215, BYTES("s\0\0"), NULL, 0, "Invalid argument", "lies outside", "");
  refuses_range(api.rgc_codec_decode_range, 'x', 255, BYTES("x\0\1"), BYTES("x\0\1\0"), "Invalid argument", "lies outside", "");
}

static void keys(void) {
  KEY_IS(rgc_codec_encode_key, 'r', 4242, "key", "r\0\x10\x92key");
  KEY_IS(rgc_codec_encode_key, 'r', 4242, "primary", "r\0\x10\x92primary");
  KEY_IS(rgc_codec_encode_key, 'r', 4242, "prepare-start", "r\0\x10\x92prepare-start");
  KEY_IS(rgc_codec_decode_key, 'r', 4242, "r\0\x10\x92key", "key");
  KEY_IS(rgc_codec_decode_key, 'r', 4242, "r\0\x10\x92", "");
  KEY_IS(rgc_codec_decode_key, 'r', 66051, "r\1\2\3\1\2\3\4", "\1\2\3\4");
  KEY_IS(rgc_codec_decode_key, 'x', 66051, "x\1\2\3\1\2\3\4", "\1\2\3\4");
  KEY_IS(rgc_codec_encode_region_key, 'r', 4242, "key", "r\0\x10\x92key\0\xfe");
  KEY_IS(rgc_codec_encode_region_key, 'r', 4242, "d", "r\0\x10\x92" "d\0\0\0\xfc");
  KEY_IS(rgc_codec_encode_region_key, 'x', 1, "t123_114", "x\0\0\1t123\xff_114\0\0\0\0\xfb");
  KEY_IS(rgc_codec_encode_region_key, 'x', 1, "t123", "x\0\0\1t123\xff\0\0\0\0\0\0\0\0\xf7");
  KEY_IS(rgc_codec_decode_region_key, 'r', 4242, "r\0\x10\x92key\0\xfe", "key");
  KEY_IS(rgc_codec_decode_region_key, 'r', 4242, "r\0\x10\x92\0\0\0\0\xfb", "");
  KEY_IS(rgc_codec_decode_region_key, 'x', 1, "x\0\0\1t123\xff\0\0\0\0\0\0\0\0\xf7", "t123");
  /* An empty key is none. */
  KEY_IS(rgc_codec_decode_key, 'r', 4242, "", "");
  KEY_IS(rgc_codec_decode_region_key, 'r', 4242, "", "");
  key_is(api.rgc_codec_decode_key, 'x', 1, NULL, 0, "", 0, __LINE__);

#define FOREIGN(key, hex) refuses_key(api.rgc_codec_decode_key, 'r', 4242, BYTES(key), "Invalid argument", OUTSIDE_4242, hex)
  FOREIGN("r\0\x10\x91key", "0x720010916b6579");
  FOREIGN("r\0\x10\x93", "0x72001093");
  FOREIGN("x\0\x10\x92key", "0x780010926b6579");
  FOREIGN("r\0\x10", "0x720010");
  FOREIGN("r", "0x72");
  FOREIGN("t\0\0", "0x740000");
#define FOREIGN_REGION(key, ...) refuses_key(api.rgc_codec_decode_region_key, 'r', 4242, BYTES(key), __VA_ARGS__)
  FOREIGN_REGION("r\0\x10\x93\0\0\0\0\xfb", "Invalid argument", OUTSIDE_4242, "0x72001093");
  FOREIGN_REGION("r\0\x10\0\0\0\0\0\xfa", "Invalid argument", OUTSIDE_4242, "0x720010 ");
  FOREIGN_REGION("\0\0\0\0\0\0\0\0\xf7", "Invalid argument", OUTSIDE_4242, "");
  /* Not one whole encoding. */
  FOREIGN_REGION("\1\2\3\4", "Corruption", "0x01020304", "");
  FOREIGN_REGION("r\0\x10\x92key", "Corruption", "0x720010926b6579", "");
  FOREIGN_REGION("r\0\x10\x92key\0", "Corruption", "", "");
  FOREIGN_REGION("r\0\x10\x92key\0\xff", "Corruption", "", "");
  FOREIGN_REGION("r\0\x10\x92key\0\xf6", "Corruption", "", "");
  FOREIGN_REGION("r\0\x10\x92key\1\xfe", "Corruption", "", "");
  FOREIGN_REGION("r\0\x10\x92key\0\xfe!", "Corruption", "follow", "");
  FOREIGN_REGION("r\0\x10\x92key\0\xfe\0\0\0\0\0\0\0\0\xf7", "Corruption", "follow", "");
}

static void ranges(void) {
#define ENCODES(...) RANGE_IS(rgc_codec_encode_range, 4242, __VA_ARGS__)
  ENCODES("", 0, "", 0, BYTES("r\0\x10\x92"), BYTES("r\0\x10\x93"));
  ENCODES("", 0, BYTES("z"), BYTES("r\0\x10\x92"), BYTES("r\0\x10\x92z"));
  ENCODES(BYTES("a"), NULL, 0, BYTES("r\0\x10\x92" "a"), BYTES("r\0\x10\x93"));
  ENCODES(BYTES("a"), BYTES("z"), BYTES("r\0\x10\x92" "a"), BYTES("r\0\x10\x92z"));
  ENCODES(BYTES("a"), BYTES("a"), BYTES("r\0\x10\x92" "a"), BYTES("r\0\x10\x92" "a"));
  ENCODES(BYTES("start"), NULL, 0, BYTES("r\0\x10\x92start"), BYTES("r\0\x10\x93"));
  RANGE_IS(rgc_codec_encode_region_range, 4242, BYTES("a"), BYTES("b"), BYTES("r\0\x10\x92" "a\0\0\0\xfc"),
           BYTES("r\0\x10\x92" "b\0\0\0\xfc"));
  RANGE_IS(rgc_codec_encode_region_range, 4242, BYTES("a"), NULL, 0, BYTES("r\0\x10\x92" "a\0\0\0\xfc"), BYTES("r\0\x10\x93\0\0\0\0\xfb"));

#define DECODES(...) RANGE_IS(rgc_codec_decode_range, 4242, __VA_ARGS__)
  DECODES(BYTES("r\0\0\1"), BYTES("r\1\0\0"), "", 0, NO_BOUND);
  DECODES(BYTES("r\0\0\1"), BYTES("r\0\x10\x92" "d"), "", 0, BYTES("d"));
  DECODES(BYTES("r\0\x10\x92" "d"), BYTES("r\0\x10\x92\xc8"), BYTES("d"), BYTES("\xc8"));
  DECODES(BYTES("r\0\x10\x92" "d"), NULL, 0, BYTES("d"), NO_BOUND);
  DECODES(NULL, 0, NULL, 0, "", 0, NO_BOUND);
  DECODES(BYTES("a"), BYTES("z"), "", 0, NO_BOUND);
#define DECODES_REGION(...) RANGE_IS(rgc_codec_decode_region_range, 4242, __VA_ARGS__)
  DECODES_REGION(BYTES("r\0\x10\x92\0\0\0\0\xfb"), BYTES("r\0\x10\x93\0\0\0\0\xfb"), "", 0, NO_BOUND);
  DECODES_REGION(BYTES("r\0\0\1\0\0\0\0\xfb"), BYTES("r\1\0\0\0\0\0\0\xfb"), "", 0, NO_BOUND);
  DECODES_REGION(BYTES("r\0\0\1\0\0\0\0\xfb"), BYTES("r\0\x10\x92" "d\0\0\0\xfc"), "", 0, BYTES("d"));
  DECODES_REGION(BYTES("r\0\x10\x92" "d\0\0\0\xfc"), BYTES("r\0\x10\x92\xc8\0\0\0\xfc"), BYTES("d"), BYTES("\xc8"));
  DECODES_REGION(NULL, 0, BYTES("r\0\x10\x92" "d\0\0\0\xfc"), "", 0, BYTES("d"));
  DECODES_REGION("", 0, "", 0, "", 0, NO_BOUND);

#define OUTSIDE(function, ...) refuses_range(api.function, 'r', 4242, __VA_ARGS__, "Invalid argument", OUTSIDE_4242, "")
  OUTSIDE(rgc_codec_decode_range, BYTES("r\0\0\1"), BYTES("r\0\x10\x92"));
  OUTSIDE(rgc_codec_decode_range, BYTES("r\0\x10\x93"), BYTES("r\1\0\0"));
  OUTSIDE(rgc_codec_decode_range, BYTES("r\0\x10\x93"), NULL, 0);
  OUTSIDE(rgc_codec_decode_range, BYTES("x"), BYTES("y"));
  OUTSIDE(rgc_codec_decode_region_range, BYTES("r\0\0\1\0\0\0\0\xfb"), BYTES("r\0\x10\x92\0\0\0\0\xfb"));
  OUTSIDE(rgc_codec_decode_region_range, BYTES("r\0\x10\x93\0\0\0\0\xfb"), BYTES("r\1\0\0\0\0\0\0\xfb"));
  OUTSIDE(rgc_codec_decode_region_range, NULL, 0, BYTES("\0\0\0\0\0\0\0\0\xf7"));
  refuses_range(api.rgc_codec_decode_range, 'r', 4242, BYTES("r\0\x10\x92z"), BYTES("r\0\x10\x92" "a"), "Invalid argument", "inverted",
                "0x720010927a");
  refuses_range(api.rgc_codec_encode_range, 'r', 4242, BYTES("b"), BYTES("a"), "Invalid argument", "start 0x62", "end 0x61");
  refuses_range(api.rgc_codec_encode_region_range, 'r', 4242, BYTES("b"), BYTES("a"), "Invalid argument", "inverted", "");
  refuses_range(api.rgc_codec_decode_region_range, 'r', 4242, BYTES("r\0\x10\x92"), NULL, 0, "Corruption", "0x72001092", "");
  refuses_range(api.rgc_codec_decode_region_range, 'r', 4242, NULL, 0, BYTES("r\0\x10\x93\0\0\0\0\xfb!"), "Corruption", "follow", "");
}

/* What no function takes. */
static void bad_arguments(void) {
#define OUT_OF_RANGE (RGC_KEYSPACE_MAX + 1u)
  static const int bad_modes[] = {'m', 't', RGC_MODE_NONE, -1, 256 + 'r', 99};
  static const char* const bad_mode_names[] = {"mode 109", "mode 116", "mode 0", "mode -1", "mode 370", "mode 99"};
  const key_fn key_fns[] = {api.rgc_codec_encode_key, api.rgc_codec_decode_key, api.rgc_codec_encode_region_key,
                            api.rgc_codec_decode_region_key};
  const range_fn range_fns[] = {api.rgc_codec_encode_range, api.rgc_codec_decode_range, api.rgc_codec_encode_region_range,
                                api.rgc_codec_decode_region_range};
  for (size_t i = 0; i < 4; ++i) {
    for (size_t mode = 0; mode < 6; ++mode) {
      refuses_key(key_fns[i], bad_modes[mode], 1, NULL, 0, "Invalid argument", bad_mode_names[mode], "'r'");
      refuses_range(range_fns[i], bad_modes[mode], 1, NULL, 0, NULL, 0, "Invalid argument", bad_mode_names[mode], "'r'");
    }
    refuses_key(key_fns[i], 'r', OUT_OF_RANGE, NULL, 0, "Invalid argument", "keyspace 16777216", "16777215");
    refuses_key(key_fns[i], 'x', RGC_KEYSPACE_NONE, NULL, 0, "Invalid argument", "keyspace 4294967295", "16777215");
    refuses_key(key_fns[i], 'r', 1, NULL, 1, "Invalid argument", "key is", "1");
    refuses_key(key_fns[i], 'r', 1, "k", SIZE_MAX, "Invalid argument", "key is", "18446744073709551615");
    refuses_range(range_fns[i], 'r', OUT_OF_RANGE, NULL, 0, NULL, 0, "Invalid argument", "keyspace 16777216", "16777215");
    refuses_range(range_fns[i], 'r', 1, NULL, 1, NULL, 0, "Invalid argument", "start is", "1");
    refuses_range(range_fns[i], 'r', 1, NULL, 0, NULL, 1, "Invalid argument", "end is", "1");
    rgc_range_t range = {.struct_size = sizeof range - 1};
    FAILS(CHECK_EQ(range_fns[i]('r', 1, NULL, 0, NULL, 0, &range, errptr), 0), "Invalid argument", "struct_size");
    CHECK(range.start == NULL && range.end == NULL);
  }
  FAILS(CHECK(api.rgc_codec_encode_key('r', 1, NULL, 0, NULL, errptr) == NULL), "Invalid argument", "out_len is NULL");
  FAILS(CHECK(api.rgc_codec_decode_key('r', 1, NULL, 0, NULL, errptr) == NULL), "Invalid argument", "out_len is NULL");
  FAILS(CHECK(api.rgc_codec_encode_region_key('r', 1, NULL, 0, NULL, errptr) == NULL), "Invalid argument", "out_len is NULL");
  FAILS(CHECK(api.rgc_codec_decode_region_key('r', 1, NULL, 0, NULL, errptr) == NULL), "Invalid argument", "out_len is NULL");
  FAILS(CHECK_EQ(api.rgc_codec_encode_range('r', 1, NULL, 0, NULL, 0, NULL, errptr), 0), "Invalid argument", "out is NULL");
  FAILS(CHECK_EQ(api.rgc_codec_decode_range('r', 1, NULL, 0, NULL, 0, NULL, errptr), 0), "Invalid argument", "out is NULL");
  FAILS(CHECK_EQ(api.rgc_codec_encode_region_range('r', 1, NULL, 0, NULL, 0, NULL, errptr), 0), "Invalid argument", "out is NULL");
  FAILS(CHECK_EQ(api.rgc_codec_decode_region_range('r', 1, NULL, 0, NULL, 0, NULL, errptr), 0), "Invalid argument", "out is NULL");
}

/* Every length over several groups, there and back, against the encoder in keys.c. */
static void lengths(void) {
  static const char fill[] = {0, (char)0xff, 'a', (char)0xf7};
  char raw[45] = {'r', 1, 2, 3};
  for (size_t len = 0; len <= 41; ++len) {
    for (size_t with = 0; with < sizeof fill; ++with) {
      memset(raw + 4, fill[with], len);
      struct key stored = stored_key(raw, len + 4, 1);
      key_is(api.rgc_codec_encode_region_key, 'r', 0x010203, raw + 4, len, stored.data, stored.len - 8, __LINE__);
      key_is(api.rgc_codec_decode_region_key, 'r', 0x010203, stored.data, stored.len - 8, raw + 4, len, __LINE__);
      key_is(api.rgc_codec_encode_key, 'r', 0x010203, raw + 4, len, raw, len + 4, __LINE__);
      key_is(api.rgc_codec_decode_key, 'r', 0x010203, raw, len + 4, raw + 4, len, __LINE__);
    }
  }
}

void test_codec(void) {
  parsing();
  keyspaces();
  keys();
  ranges();
  bad_arguments();
  lengths();
}
