/* options.c - options by name: valid and invalid values, the texts of errors, and options that
 * exclude each other. */
#include "parts.h"

static const char* const names[] = {"key_layout",        "data_prefix",       "plain_keys",    "history", "unknown_keyspace",
                                    "schema_id",         "remove_mode",       "ttl_grace_seconds", "max_safe_point_ahead_seconds",
                                    "worker_queue_max_rows",  "worker_queue_max_bytes",  "delete_batch_bytes", "delete_bytes_per_second", "delete_range_min_keys",
                                    "recheck",           "recheck_seconds",   "ledger_prefix", "compact_bytes_per_second",
                                    "ratio_threshold",   "metrics_keyspaces", "metrics_tikv"};

static void described(void) {
  char* text = api.rgc_options_describe();
  REQUIRE(text != NULL);
  size_t lines = 0;
  for (const char* line = text; *line != 0; line = strchr(line, '\n') + 1) {
    ++lines;
    REQUIRE(strchr(line, '\n') != NULL);
  }
  CHECK_EQ(lines, sizeof names / sizeof *names);
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) CHECK_CONTAINS(text, names[i]);
  CHECK_CONTAINS(text, "0x01726f636b735f67632f");
  api.rgc_free(text);
}

static void values(void) {
  static const char* const good[][2] = {
      {"key_layout", "api_v2"},        {"key_layout", "plain"},       {"data_prefix", ""},
      {"data_prefix", "z"},            {"data_prefix", "0x7A00fF"},   {"data_prefix", "0x7"},
      {"plain_keys", "none"},          {"plain_keys", "16"},          {"plain_keys", "prefix_free"},
      {"history", "latest"},           {"history", "snapshot"},       {"unknown_keyspace", "keep"},
      {"unknown_keyspace", "global"},  {"ttl_grace_seconds", "0"},    {"ttl_grace_seconds", "18446744073709551615"},
      {"remove_mode", "auto"},         {"remove_mode", "remove"},     {"remove_mode", "skip"},
      {"max_safe_point_ahead_seconds", "86400"},                      {"ledger_prefix", "0x00"},
      {"worker_queue_max_rows", "1"},       {"worker_queue_max_bytes", "4096"},       {"delete_batch_bytes", "1"},   {"delete_bytes_per_second", "0"},
      {"delete_range_min_keys", "0"},  {"recheck", "auto"},           {"recheck", "manual"},
      {"compact_bytes_per_second", "0"}, {"compact_bytes_per_second", "1"}, {"compact_bytes_per_second", "18446744073709551615"},
      {"recheck_seconds", "0"},        {"recheck_seconds", "18446744073709551615"},
  };
  static const char* const bad[][2] = {
      {"key_layout", ""},           {"key_layout", "API_V2"},   {"data_prefix", "0xgg"},
      {"plain_keys", "0"},          {"plain_keys", "-1"},       {"plain_keys", "prefix"},
      {"history", "newest"},        {"unknown_keyspace", "no"}, {"ttl_grace_seconds", "-1"},
      {"ttl_grace_seconds", "1.5"}, {"ttl_grace_seconds", ""},  {"ttl_grace_seconds", "18446744073709551616"},
      {"remove_mode", "never"},     {"remove_mode", ""},        {"remove_mode", "Skip"},
      {"max_safe_point_ahead_seconds", "1s"},                   {"ledger_prefix", ""},
      {"worker_queue_max_rows", "-1"},   {"worker_queue_max_bytes", "0"},   {"delete_batch_bytes", "1k"}, {"delete_bytes_per_second", "fast"},
      {"delete_range_min_keys", ""}, {"recheck", "never"},      {"recheck", "Auto"},
      {"recheck_seconds", "1h"},    {"compact_bytes_per_second", ""}, {"compact_bytes_per_second", "1M"},
      {"compact_bytes_per_second", "-1"},
  };
  rgc_options_t* options = api.rgc_options_create();
  REQUIRE(options != NULL);
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) SUCCEEDS(api.rgc_options_set(options, good[i][0], good[i][1], errptr));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    FAILS(api.rgc_options_set(options, bad[i][0], bad[i][1], errptr), "Invalid argument", bad[i][0], bad[i][1]);
  }
  FAILS(api.rgc_options_set(options, "no_such_option", "1", errptr), "Invalid argument", "no_such_option");
  FAILS(api.rgc_options_set(options, "", "1", errptr), "Invalid argument");
  FAILS(api.rgc_options_set(options, NULL, "1", errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_options_set(options, "history", NULL, errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_options_set(NULL, "history", "latest", errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_options_set(options, "history", "\xff\xfe", errptr), "Invalid argument");
  api.rgc_options_destroy(options);
  api.rgc_options_destroy(NULL);
}

/* Where the keys of a context begin, told by one of them. */
static void check_prefix(const char* options, const char* prefix, size_t prefix_len) {
  rgc_t* gc = gc_with(options);
  size_t len = 0;
  char* key = NULL;
  SUCCEEDS(key = api.rgc_encode_key(gc, 'r', 1, BYTES("k"), 5, &len, errptr));
  struct key expected = raw_key(1, "k", 5);
  CHECK(key != NULL && len == prefix_len + expected.len);
  CHECK(memcmp(key, prefix, prefix_len) == 0 && memcmp(key + prefix_len, expected.data, expected.len) == 0);
  api.rgc_free(key);
  api.rgc_destroy(gc);
}

static void prefixes(void) {
  check_prefix("", "", 0);
  check_prefix("data_prefix=z", "z", 1);
  check_prefix("data_prefix=0x7a", "z", 1);
  check_prefix("data_prefix=0x7a00FF", BYTES("z\0\xff"));
  check_prefix("data_prefix=0x7", "0x7", 3);
}

static void parsing(void) {
  rgc_options_t* options = api.rgc_options_create();
  SUCCEEDS(api.rgc_options_parse(options, "", errptr));
  SUCCEEDS(api.rgc_options_parse(options, " ; ;;", errptr));
  SUCCEEDS(api.rgc_options_parse(options, " history = snapshot ;; ttl_grace_seconds=5 ", errptr));
  FAILS(api.rgc_options_parse(options, "data_prefix=z;no_such_option=1", errptr), "Invalid argument", "no_such_option");
  FAILS(api.rgc_options_parse(options, "data_prefix=z;history=newest", errptr), "Invalid argument", "history", "newest");
  FAILS(api.rgc_options_parse(options, "data_prefix=z;nonsense", errptr), "Invalid argument", "nonsense");
  FAILS(api.rgc_options_parse(options, NULL, errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_options_parse(NULL, "history=latest", errptr), "Invalid argument", "NULL");

  /* A failed call sets no option. A context does not change when its options are freed. */
  rgc_t* gc = NULL;
  SUCCEEDS(gc = api.rgc_create(options, errptr));
  SUCCEEDS(api.rgc_options_set(options, "data_prefix", "z", errptr));
  api.rgc_options_destroy(options);
  REQUIRE(gc != NULL);
  size_t len = 0;
  char* key = NULL;
  SUCCEEDS(key = api.rgc_encode_key(gc, 'r', 1, NULL, 0, 5, &len, errptr));
  CHECK(key != NULL && key[0] == 'r');
  api.rgc_free(key);
  api.rgc_destroy(gc);
}

static void refuse(const char* options, const char* part, const char* other_part) {
  rgc_options_t* chosen = api.rgc_options_create();
  SUCCEEDS(api.rgc_options_parse(chosen, options, errptr));
  FAILS(CHECK(api.rgc_create(chosen, errptr) == NULL), "Invalid argument", part, other_part);
  api.rgc_options_destroy(chosen);
}

static void together(void) {
  refuse("key_layout=plain", "key_layout", "plain_keys");
  refuse("key_layout=plain;plain_keys=8", "history=latest", "history=snapshot");
  refuse("plain_keys=8", "plain_keys", "key_layout");
  refuse("data_prefix=0x01", "data_prefix", "ledger_prefix");
  refuse("data_prefix=0x01726f636b735f67632f", "data_prefix", "ledger_prefix");
  refuse("data_prefix=zz;ledger_prefix=z", "data_prefix", "ledger_prefix");
  refuse("data_prefix=z;ledger_prefix=zz", "data_prefix", "ledger_prefix");
  rgc_t* gc = NULL;
  SUCCEEDS(gc = api.rgc_create(NULL, errptr));
  CHECK(gc != NULL);
  api.rgc_destroy(gc);
  gc = api.rgc_create(NULL, NULL);
  CHECK(gc != NULL);
  api.rgc_destroy(gc);
  api.rgc_destroy(NULL);
}

void test_options(void) {
  described();
  values();
  prefixes();
  parsing();
  together();
}
