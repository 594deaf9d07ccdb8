/* codec_many.c - the codec of a keyspace for many keys in one call, and for the keys of a region's
 * buckets. */
#include "parts.h"

typedef char* (*keys_fn)(int, uint32_t, const char* const*, const size_t*, size_t, size_t*, char**);

/* Keys of a blob, compared with literals that the offsets must cut it into. */
static void check_keys(char* blob, const size_t* offsets, const char* const* keys, const size_t* lens, size_t n, int line) {
  check_that(blob != NULL && offsets[0] == 0, __FILE__, line, "there is a blob that begins at 0");
  for (size_t i = 0; i < n; ++i) {
    check_equal(offsets[i + 1] - offsets[i], lens[i], __FILE__, line, "the length of a key");
    check_that(memcmp(blob + offsets[i], keys[i], lens[i]) == 0, __FILE__, line, "the key is the expected one");
  }
  api.rgc_free(blob);
}

static void many_refuse(keys_fn function, const char* const* keys, const size_t* lens, size_t n, const char* kind, const char* text,
                        const char* text2) {
  size_t offsets[8] = {77, 77, 77, 77, 77, 77, 77, 77};
  FAILS(CHECK(function('r', 4242, keys, lens, n, offsets, errptr) == NULL), kind, text, text2);
  for (size_t i = 0; i < 8; ++i) CHECK_EQ(offsets[i], 77);
}

static void many_keys(void) {
  static const char* const user_keys[] = {"key1", NULL, "key2", "a-longer-user-key-of-28-bytes"};
  static const size_t user_lens[] = {4, 0, 4, 28};
  static const char* const request_keys[] = {"r\0\x10\x92key1", "r\0\x10\x92", "r\0\x10\x92key2",
                                             "r\0\x10\x92" "a-longer-user-key-of-28-bytes"};
  static const size_t request_lens[] = {8, 4, 8, 32};
  static const char* const with_none[] = {"r\0\x10\x92key1", NULL, "r\0\x10\x92key2",
                                             "r\0\x10\x92" "a-longer-user-key-of-28-bytes"};
  static const size_t with_none_lens[] = {8, 0, 8, 32};
  size_t offsets[6] = {77, 77, 77, 77, 77, 77};
  char* blob = NULL;
  SUCCEEDS(blob = api.rgc_codec_encode_keys('r', 4242, user_keys, user_lens, 4, offsets, errptr));
  check_keys(blob, offsets, request_keys, request_lens, 4, __LINE__);
  CHECK_EQ(offsets[5], 77);
  static const char* const nothing_is_empty[] = {"key1", "", "key2", "a-longer-user-key-of-28-bytes"};
  SUCCEEDS(blob = api.rgc_codec_decode_keys('r', 4242, request_keys, request_lens, 4, offsets, errptr));
  check_keys(blob, offsets, nothing_is_empty, user_lens, 4, __LINE__);
  SUCCEEDS(blob = api.rgc_codec_decode_keys('r', 4242, with_none, with_none_lens, 4, offsets, errptr));
  check_keys(blob, offsets, nothing_is_empty, user_lens, 4, __LINE__);
  CHECK_EQ(offsets[5], 77);

  keys_fn both[] = {api.rgc_codec_encode_keys, api.rgc_codec_decode_keys};
  for (size_t i = 0; i < 2; ++i) {
    keys_fn function = both[i];
    offsets[0] = 77;
    SUCCEEDS(blob = function('r', 4242, NULL, NULL, 0, offsets, errptr));
    check_keys(blob, offsets, NULL, NULL, 0, __LINE__);
    many_refuse(function, NULL, user_lens, 2, "Invalid argument", "keys is", "2");
    many_refuse(function, user_keys, NULL, 2, "Invalid argument", "lens is", "2");
    many_refuse(function, user_keys, user_lens, SIZE_MAX, "Invalid argument", "keys is", "18446744073709551615");
    FAILS(CHECK(function('r', 4242, NULL, NULL, 0, NULL, errptr) == NULL), "Invalid argument", "offsets is NULL");
    FAILS(CHECK(function('m', 4242, NULL, NULL, 0, offsets, errptr) == NULL), "Invalid argument", "mode 109");
    FAILS(CHECK(function('r', RGC_KEYSPACE_MAX + 1u, NULL, NULL, 0, offsets, errptr) == NULL), "Invalid argument", "keyspace 16777216");
    static const char* const null_keys[] = {"r\0\x10\x92key1", NULL};
    static const size_t null_lens[] = {8, 5};
    many_refuse(function, null_keys, null_lens, 2, "Invalid argument", "keys[1]", "5");
    static const size_t long_lens[] = {8, SIZE_MAX};
    many_refuse(function, request_keys, long_lens, 2, "Invalid argument", "lens[1]", "18446744073709551615");
  }
  static const char* const foreign[] = {"r\0\x10\x92key1", "r\0\x10\x92key2", "x\0\x10\x92key3", "r\0"};
  static const size_t foreign_lens[] = {8, 8, 8, 2};
  many_refuse(api.rgc_codec_decode_keys, foreign, foreign_lens, 4, "Invalid argument", "keys[2]", "0x780010926b657933");
  many_refuse(api.rgc_codec_decode_keys, foreign + 3, foreign_lens + 3, 1, "Invalid argument", "keys[0]", "0x7200 lies outside");
}

/* Of keyspaces 4241 to 4243 of mode r. */
#define PREV(key) "r\0\x10\x91" key "\0\0\0\xfc"
#define OWN(key) "r\0\x10\x92" key "\0\0\0\xfc"
#define BEHIND(key) "r\0\x10\x93" key "\0\0\0\xfc"

static void buckets_are(const char* const* keys, size_t n, const char* const* expected, size_t n_expected, int line) {
  size_t lens[16], expected_lens[16], offsets[17], n_out = 77;
  for (size_t i = 0; i < n; ++i) lens[i] = keys[i][0] == '\0' ? 0 : 9;
  for (size_t i = 0; i < n_expected; ++i) expected_lens[i] = strlen(expected[i]);
  for (size_t i = 0; i < 17; ++i) offsets[i] = 77;
  char* blob = NULL;
  SUCCEEDS(blob = api.rgc_codec_decode_bucket_keys('r', 4242, keys, lens, n, offsets, &n_out, errptr));
  check_equal(n_out, n_expected, __FILE__, line, "how many keys there are");
  check_equal(offsets[n_expected + 1], 77, __FILE__, line, "no more offsets are written");
  check_keys(blob, offsets, expected, expected_lens, n_expected, line);
}
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BUCKETS_ARE(keys, expected) buckets_are(keys, COUNT(keys), expected, COUNT(expected), __LINE__)

static void buckets_refuse(const char* const* keys, const size_t* lens, size_t n, const char* kind, const char* text, const char* text2) {
  size_t offsets[8] = {77, 77, 77, 77, 77, 77, 77, 77}, n_out = 77;
  FAILS(CHECK(api.rgc_codec_decode_bucket_keys('r', 4242, keys, lens, n, offsets, &n_out, errptr) == NULL), kind, text, text2);
  for (size_t i = 0; i < 8; ++i) CHECK_EQ(offsets[i], 77);
  CHECK_EQ(n_out, 77);
}

static void bucket_keys(void) {
  static const char* const across[] = {PREV("a"),           PREV("b"),   PREV("c"),   OWN("a"),   OWN("b"), OWN("c"),
                                       "r\0\x10\x93\0\0\0\0\xfb", BEHIND("a"), BEHIND("b"), BEHIND("c")};
  static const char* const whole[] = {"", "a", "b", "c", ""};
  BUCKETS_ARE(across, whole);
  static const char* const within[] = {OWN("a"), OWN("b"), OWN("c")};
  static const char* const same[] = {"a", "b", "c"};
  BUCKETS_ARE(within, same);
  static const char* const no_bounds[] = {"", OWN("a"), OWN("b"), OWN("c"), ""};
  BUCKETS_ARE(no_bounds, whole);
  static const char* const from_before[] = {PREV("b"), PREV("c"), OWN("a"), OWN("b")};
  static const char* const from_first[] = {"", "a", "b"};
  BUCKETS_ARE(from_before, from_first);
  static const char* const from_beginning[] = {PREV("c"), "r\0\x10\x92\0\0\0\0\xfb", OWN("a"), OWN("b")};
  BUCKETS_ARE(from_beginning, from_first);
  static const char* const around[] = {PREV("a"), BEHIND("a")};
  static const char* const one_bucket[] = {"", ""};
  BUCKETS_ARE(around, one_bucket);
  static const char* const all[] = {"", ""};
  BUCKETS_ARE(all, one_bucket);
  buckets_are(NULL, 0, NULL, 0, __LINE__);

  static const size_t lens[] = {9, 9, 9};
  static const char* const disordered[] = {OWN("a"), OWN("c"), OWN("b")};
  buckets_refuse(disordered, lens, 3, "Invalid argument", "keys[2]", "0x7200109262000000fc");
  static const size_t hole[] = {9, 0, 9};
  buckets_refuse(within, hole, 3, "Invalid argument", "keys[1]", "empty");
  static const size_t cut_off[] = {9, 8, 9};
  buckets_refuse(within, cut_off, 3, "Corruption", "keys[1]", "0x7200109262000000");
  static const char* const with_null[] = {OWN("a"), NULL, OWN("c")};
  buckets_refuse(with_null, lens, 3, "Invalid argument", "keys[1]", "9");
  buckets_refuse(NULL, lens, 3, "Invalid argument", "keys is", "3");
  buckets_refuse(within, NULL, 3, "Invalid argument", "lens is", "3");
  size_t offsets[1] = {77}, n_out = 77;
  FAILS(CHECK(api.rgc_codec_decode_bucket_keys('r', 1, NULL, NULL, 0, NULL, &n_out, errptr) == NULL), "Invalid argument",
        "offsets is NULL");
  FAILS(CHECK(api.rgc_codec_decode_bucket_keys('r', 1, NULL, NULL, 0, offsets, NULL, errptr) == NULL), "Invalid argument",
        "n_out is NULL");
  FAILS(CHECK(api.rgc_codec_decode_bucket_keys('t', 1, NULL, NULL, 0, offsets, &n_out, errptr) == NULL), "Invalid argument",
        "mode 116");
  CHECK(offsets[0] == 77 && n_out == 77);
}

void test_codec_many(void) {
  many_keys();
  bucket_keys();
}
