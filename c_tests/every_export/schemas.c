/* schemas.c - the registry of schemas: lists, creations, drops, and the state of an id. This file
 * has the rule a second time, and compares every id after every step. */
#include "schema_keys.h"

/* In order; the first, the last, and neighbours. */
static const uint32_t all_ids[] = {0, 1, 2, 3, 4, 7, 0x61620000, 0x61620001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
enum { N = sizeof all_ids / sizeof *all_ids };
static const uint32_t keyspaces[] = {0, 1, RGC_KEYSPACE_MAX};
enum { KEYSPACES = sizeof keyspaces / sizeof *keyspaces };

/* What is known of a keyspace. */
struct registry {
  int has_list;
  size_t listed; /* how many */
  uint32_t highest;
  char is_listed[N], is_created[N], is_dropped[N];
};

static int state_by_rule(const struct registry* registry, size_t i) {
  if (registry->is_dropped[i]) return RGC_SCHEMA_DROPPED;
  if (registry->is_created[i]) return RGC_SCHEMA_VALID;
  if (!registry->has_list || registry->listed == 0) return RGC_SCHEMA_UNKNOWN;
  if (registry->is_listed[i]) return RGC_SCHEMA_VALID;
  return all_ids[i] <= registry->highest ? RGC_SCHEMA_DROPPED : RGC_SCHEMA_UNKNOWN;
}

static int is_given(const struct registry* registry) {
  int given = registry->has_list;
  for (size_t i = 0; i < N; ++i) given |= registry->is_created[i] | registry->is_dropped[i];
  return given;
}

static int is_any_invalid(const struct registry* registries) {
  for (size_t k = 0; k < KEYSPACES; ++k) {
    for (size_t i = 0; i < N; ++i) {
      if (state_by_rule(&registries[k], i) == RGC_SCHEMA_DROPPED) return 1;
    }
  }
  return 0;
}

/* What rgc_schemas_foreach must show, in this order. */
struct expected {
  const struct registry* registries;
  size_t keyspace, i;
};

static int next_expected(struct expected* expected) {
  for (; expected->keyspace < KEYSPACES; ++expected->keyspace, expected->i = 0) {
    for (; expected->i < N; ++expected->i) {
      const struct registry* registry = &expected->registries[expected->keyspace];
      if (registry->is_listed[expected->i] | registry->is_created[expected->i] | registry->is_dropped[expected->i]) return 1;
    }
  }
  return 0;
}

static int check_shown(void* state, const rgc_schema_info_t* info) {
  struct expected* expected = state;
  CHECK(next_expected(expected));
  if (expected->keyspace == KEYSPACES) return 1;
  CHECK_EQ(info->struct_size, sizeof *info);
  CHECK_EQ(info->keyspace, keyspaces[expected->keyspace]);
  CHECK_EQ(info->id, all_ids[expected->i]);
  CHECK_EQ(info->state, state_by_rule(&expected->registries[expected->keyspace], expected->i));
  CHECK_EQ(info->truncated_up_to_ts, 0);
  ++expected->i;
  return 0;
}

static void check_registries(rgc_t* gc, const struct registry* registries) {
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, RGC_KIND_RAW, NULL, errptr));
  CHECK(run != NULL);
  rgc_stats_t before = stats_of(gc);
  uint64_t unknown = 0;
  uint64_t dropped = 0;
  for (size_t k = 0; k < KEYSPACES; ++k) {
    for (size_t i = 0; i < N; ++i) {
      int state = state_by_rule(&registries[k], i);
      int said = api.rgc_schema_state(gc, keyspaces[k], all_ids[i]);
      CHECK_EQ(said, state);
      if (said != state) fprintf(stderr, "keyspace %u, id %u\n", keyspaces[k], all_ids[i]);
      int verdict = decide_live(run, id_key('r', keyspaces[k], all_ids[i], "k", 90));
      CHECK_EQ(verdict, state == RGC_SCHEMA_DROPPED ? RGC_REMOVE : RGC_KEEP);
      unknown += state == RGC_SCHEMA_UNKNOWN && is_given(&registries[k]);
      dropped += state == RGC_SCHEMA_DROPPED;
    }
  }
  api.rgc_filter_destroy(run);
  rgc_stats_t after = stats_of(gc);
  CHECK_EQ(after.kept_unknown_schema - before.kept_unknown_schema, unknown);
  CHECK_EQ(after.dropped - before.dropped, dropped);
  struct expected expected = {registries, 0, 0};
  api.rgc_schemas_foreach(gc, check_shown, &expected);
  CHECK(!next_expected(&expected));
  /* Locks are looked at only where something goes. */
  SUCCEEDS(run = api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr));
  if (is_any_invalid(registries)) CHECK(run != NULL);
  api.rgc_filter_destroy(run);
}

static void load(rgc_t* gc, struct registry* registries, size_t k, const char* is_listed, uint32_t highest, uint64_t* seed) {
  uint32_t ids[2 * N];
  size_t n = 0;
  struct registry* registry = &registries[k];
  registry->has_list = 1;
  registry->listed = 0;
  registry->highest = highest;
  for (size_t i = 0; i < N; ++i) {
    registry->is_listed[i] = is_listed[i] && all_ids[i] <= highest;
    if (!registry->is_listed[i]) continue;
    ++registry->listed;
    ids[n++] = all_ids[i];
    if (random_below(seed, 4) == 0) ids[n++] = all_ids[i];
  }
  /* In any order. */
  for (size_t i = n; i > 1; --i) {
    size_t other = random_below(seed, i);
    uint32_t id = ids[other];
    ids[other] = ids[i - 1];
    ids[i - 1] = id;
  }
  SUCCEEDS(api.rgc_schemas_load(gc, keyspaces[k], n == 0 ? NULL : ids, n, highest, errptr));
}

static void by_rule(uint64_t seed) {
  rgc_t* gc = gc_of_schemas("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 1);
  struct registry registries[KEYSPACES];
  memset(registries, 0, sizeof registries);
  for (int step = 0; step < 150; ++step) {
    size_t k = random_below(&seed, KEYSPACES);
    size_t i = random_below(&seed, N);
    struct registry* registry = &registries[k];
    switch (random_below(&seed, 8)) {
      case 0:
        if (registry->is_dropped[i]) REFUSES(api.rgc_schema_create(gc, keyspaces[k], all_ids[i], errptr), NO_MORE);
        else SUCCEEDS(api.rgc_schema_create(gc, keyspaces[k], all_ids[i], errptr));
        registry->is_created[i] |= !registry->is_dropped[i];
        break;
      case 1:
        if (step % 4 != 0) break;
        SUCCEEDS(api.rgc_schema_drop(gc, keyspaces[k], all_ids[i], errptr));
        registry->is_dropped[i] = 1;
        break;
      case 2: load(gc, registries, k, (char[N]){0}, all_ids[i], &seed); break;
      default: {
        char is_listed[N];
        for (size_t j = 0; j < N; ++j) is_listed[j] = random_below(&seed, 3) != 0;
        load(gc, registries, k, is_listed, all_ids[i], &seed);
      }
    }
    check_registries(gc, registries);
  }
  drain(gc);
  check_registries(gc, registries);
  /* What the host loaded and created stays; what the ledger dropped ends with detach. */
  CHECK_EQ(api.rgc_detach(gc), 1);
  for (size_t k = 0; k < KEYSPACES; ++k) memset(registries[k].is_dropped, 0, sizeof registries[k].is_dropped);
  check_registries(gc, registries);
  api.rgc_destroy(gc);
  engine_free(engine);
}

/* The steps that the rule is about, one by one and in words. */
static void step_by_step(void) {
  rgc_t* gc = gc_of_schemas("");
  CHECK_EQ(api.rgc_schema_state(gc, 1, 5), RGC_SCHEMA_UNKNOWN);
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  /* An empty list makes nothing invalid, whatever comes with it. */
  SUCCEEDS(api.rgc_schemas_load(gc, 1, NULL, 0, 100, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, 5), RGC_SCHEMA_UNKNOWN);
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  CHECK_EQ(stats_of(gc).filters_not_needed, 2);
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(7, 5, 5, 3), 10, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, 5), RGC_SCHEMA_VALID);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 6), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 10), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 11), RGC_SCHEMA_UNKNOWN);
  CHECK_EQ(api.rgc_schema_state(gc, 0, 6), RGC_SCHEMA_UNKNOWN);
  CHECK_EQ(api.rgc_schema_state(gc, 2, 6), RGC_SCHEMA_UNKNOWN);
  /* A list that is older than the one before: ids above its own highest id are unknown again. */
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(3, 5), 5, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, 7), RGC_SCHEMA_UNKNOWN);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 6), RGC_SCHEMA_UNKNOWN);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 4), RGC_SCHEMA_DROPPED);
  /* What was created stays, also when a list was made before. */
  SUCCEEDS(api.rgc_schema_create(gc, 1, 8, errptr));
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(3), 9, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, 8), RGC_SCHEMA_VALID);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 9), RGC_SCHEMA_DROPPED);
  /* Also one that a list made invalid. */
  SUCCEEDS(api.rgc_schema_create(gc, 1, 9, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, 9), RGC_SCHEMA_VALID);
  SUCCEEDS(api.rgc_schema_create(gc, 1, 9, errptr));
  /* And an empty one takes the place of the list before. */
  SUCCEEDS(api.rgc_schemas_load(gc, 1, NULL, 0, 9, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, 1, 3), RGC_SCHEMA_UNKNOWN);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 4), RGC_SCHEMA_UNKNOWN);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 9), RGC_SCHEMA_VALID);
  api.rgc_destroy(gc);
}

static void refused(void) {
  rgc_t* gc = gc_of_schemas("");
  struct mem_engine* engine = engine_new();
  /* No store. */
  REFUSES(api.rgc_schema_drop(gc, 1, 5, errptr), NO_MORE);
  REFUSES(api.rgc_schema_truncate(gc, 1, 5, 70, errptr), NO_MORE);
  attach(gc, engine, 5);
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(3, 5), 9, errptr));
  engine_forget(engine);
  /* By place and value; nothing has changed. */
  FAILS(api.rgc_schemas_load(gc, 1, IDS(1, 2, 77, 3), 76, errptr), "Invalid argument", "2", "77", "76");
  FAILS(api.rgc_schemas_load(gc, 1, IDS(4294967295), 4294967294, errptr), "Invalid argument", "0", "4294967295");
  FAILS(api.rgc_schemas_load(gc, 1, IDS(0, 1), 0, errptr), "Invalid argument", "1");
  FAILS(api.rgc_schemas_load(gc, 1, NULL, 3, 9, errptr), "Invalid argument");
  FAILS(api.rgc_schemas_load(NULL, 1, IDS(1), 9, errptr), "Invalid argument");
  FAILS(api.rgc_schema_create(NULL, 1, 1, errptr), "Invalid argument");
  FAILS(api.rgc_schema_drop(NULL, 1, 1, errptr), "Invalid argument");
  FAILS(api.rgc_schema_truncate(NULL, 1, 1, 9, errptr), "Invalid argument");
  static const uint32_t wrong[] = {RGC_KEYSPACE_MAX + 1, RGC_KEYSPACE_NONE - 1, RGC_KEYSPACE_NONE};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    FAILS(api.rgc_schemas_load(gc, wrong[i], IDS(1), 9, errptr), "Invalid argument");
    FAILS(api.rgc_schema_create(gc, wrong[i], 1, errptr), "Invalid argument");
    FAILS(api.rgc_schema_drop(gc, wrong[i], 1, errptr), "Invalid argument");
    FAILS(api.rgc_schema_truncate(gc, wrong[i], 1, 9, errptr), "Invalid argument");
    CHECK_EQ(api.rgc_schema_state(gc, wrong[i], 1), RGC_SCHEMA_UNKNOWN);
  }
  /* A bound of 0 or without end. */
  FAILS(api.rgc_schema_truncate(gc, 1, 5, 0, errptr), "Invalid argument");
  FAILS(api.rgc_schema_truncate(gc, 1, 5, UINT64_MAX, errptr), "Invalid argument");
  /* Invalid by the list. */
  REFUSES(api.rgc_schema_truncate(gc, 1, 4, 70, errptr), NO_MORE);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 3), RGC_SCHEMA_VALID);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 5), RGC_SCHEMA_VALID);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 4), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 10), RGC_SCHEMA_UNKNOWN);
  CHECK_EQ(api.rgc_schema_state(NULL, 1, 3), RGC_SCHEMA_UNKNOWN);
  static const int changing[] = {WRITE, DELETE_FILES, COMPACT, FLUSH};
  for (size_t i = 0; i < 4; ++i) CHECK_EQ(engine_calls(engine, changing[i]), 0);
  CHECK_EQ(api.rgc_worker_pending(gc), 0);
  api.rgc_destroy(gc);

  /* Without the option. */
  static const char* const options[] = {"", "schema_id=off", "key_layout=plain;history=latest;plain_keys=8"};
  for (size_t i = 0; i < 3; ++i) {
    gc = gc_with(options[i]);
    attach(gc, engine, 1);
    uint32_t keyspace = i == 2 ? RGC_KEYSPACE_NONE : 1;
    FAILS(api.rgc_schemas_load(gc, keyspace, IDS(1), 9, errptr), "Invalid argument", "schema_id");
    FAILS(api.rgc_schema_create(gc, keyspace, 1, errptr), "Invalid argument", "schema_id");
    FAILS(api.rgc_schema_drop(gc, keyspace, 1, errptr), "Invalid argument", "schema_id");
    FAILS(api.rgc_schema_truncate(gc, keyspace, 1, 9, errptr), "Invalid argument", "schema_id");
    CHECK_EQ(api.rgc_schema_state(gc, keyspace, 1), RGC_SCHEMA_UNKNOWN);
    api.rgc_destroy(gc);
  }

  /* In the plain layout there is no keyspace. */
  gc = gc_with("key_layout=plain;history=latest;plain_keys=8;schema_id=prefix");
  attach(gc, engine, 1);
  static const uint32_t there[] = {0, 1, RGC_KEYSPACE_MAX, RGC_KEYSPACE_MAX + 1};
  for (size_t i = 0; i < 4; ++i) {
    FAILS(api.rgc_schemas_load(gc, there[i], IDS(1), 9, errptr), "Invalid argument");
    FAILS(api.rgc_schema_create(gc, there[i], 1, errptr), "Invalid argument");
    FAILS(api.rgc_schema_drop(gc, there[i], 1, errptr), "Invalid argument");
    FAILS(api.rgc_schema_truncate(gc, there[i], 1, 9, errptr), "Invalid argument");
    CHECK_EQ(api.rgc_schema_state(gc, there[i], 1), RGC_SCHEMA_UNKNOWN);
  }
  SUCCEEDS(api.rgc_schemas_load(gc, RGC_KEYSPACE_NONE, IDS(1), 9, errptr));
  CHECK_EQ(api.rgc_schema_state(gc, RGC_KEYSPACE_NONE, 1), RGC_SCHEMA_VALID);
  CHECK_EQ(api.rgc_schema_state(gc, RGC_KEYSPACE_NONE, 9), RGC_SCHEMA_DROPPED);
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void options_of_schemas(void) {
  rgc_options_t* options = api.rgc_options_create();
  static const char* const bad[] = {"", "on", "Prefix", "4", "prefix4", "none"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    FAILS(api.rgc_options_set(options, "schema_id", bad[i], errptr), "Invalid argument", "schema_id", bad[i]);
  }
  SUCCEEDS(api.rgc_options_set(options, "schema_id", "prefix", errptr));
  SUCCEEDS(api.rgc_options_set(options, "schema_id", "off", errptr));
  api.rgc_options_destroy(options);
  static const char* const keys[] = {"1", "2", "3", "4", "5", "prefix_free"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) {
    char text[80];
    snprintf(text, sizeof text, "key_layout=plain;history=latest;schema_id=prefix;plain_keys=%s", keys[i]);
    options = api.rgc_options_create();
    SUCCEEDS(api.rgc_options_parse(options, text, errptr));
    if (i < 3) {
      FAILS(CHECK(api.rgc_create(options, errptr) == NULL), "Invalid argument", "plain_keys", "schema_id");
    } else {
      rgc_t* gc = NULL;
      SUCCEEDS(gc = api.rgc_create(options, errptr));
      CHECK(gc != NULL);
      api.rgc_destroy(gc);
    }
    api.rgc_options_destroy(options);
  }
}

void test_schemas(uint64_t seed) {
  step_by_step();
  refused();
  options_of_schemas();
  by_rule(seed | 1);
  by_rule(12345);
}
