/* schema_edges.c - the first and the last ids, data prefixes, and ledgers that move. */
#include "schema_keys.h"

/* Which schema: of a keyspace, under a data prefix. */
struct place {
  const char* prefix;
  uint32_t keyspace, id;
  uint64_t up_to; /* 0 = all of it goes */
};

static int of_the_place(void* state, uint32_t cf, const struct pair* pair) {
  const struct place* place = state;
  size_t skip = strlen(place->prefix);
  if (pair->key.len < skip || memcmp(pair->key.data, place->prefix, skip) != 0) return 0;
  if (!is_of_schema(pair->key.data + skip, pair->key.len - skip, place->keyspace, place->id)) return 0;
  if (place->up_to == 0) return 1;
  return cf == CF_DEFAULT && pair->key.data[skip] == 'r' && ts_of_key(pair->key.data, pair->key.len) <= place->up_to;
}

static void put(struct mem_engine* engine, uint32_t cf, const char* prefix, struct key key) {
  size_t skip = strlen(prefix);
  char bytes[140];
  memcpy(bytes, prefix, skip);
  memcpy(bytes + skip, key.data, key.len);
  mem_write(engine->store, &(rgc_write_t){RGC_OP_PUT, cf, bytes, key.len + skip, BYTES("v\0")});
}

static const uint32_t edge_ids[] = {0, 1, 0xff, 0x100, 0xffff, 0x10000, 0xffffff, 0x1000000,
                                    0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

/* Many ids in the first keyspaces and the last ones, and short keys. */
static struct mem_engine* filled(const char* prefix) {
  struct mem_engine* engine = engine_new();
  static const uint32_t keyspaces[] = {0, 1, 2, RGC_KEYSPACE_MAX - 1, RGC_KEYSPACE_MAX};
  static const char modes[] = "rxt";
  mem_keys_per_file(engine->store, 4);
  for (uint64_t ts = 10; ts <= 40; ts += 15) {
    for (size_t k = 0; k < 5; ++k) {
      for (size_t m = 0; m < 3; ++m) {
        for (size_t i = 0; i < sizeof edge_ids / sizeof *edge_ids; ++i) {
          put(engine, CF_DEFAULT, prefix, id_key(modes[m], keyspaces[k], edge_ids[i], "", ts));
          put(engine, CF_DEFAULT, prefix, id_key(modes[m], keyspaces[k], edge_ids[i], "\xff\xff\xff\xff\xff\xff\xff\xff\xff", ts));
        }
        static const char* const shorts[] = {"", "\1", "\xff", "\xff\xff\xff", "\x7f\xff"};
        for (size_t i = 0; i < 5; ++i) {
          put(engine, CF_DEFAULT, prefix, user_key(modes[m], keyspaces[k], shorts[i], strlen(shorts[i]), ts));
        }
        put(engine, CF_DEFAULT, prefix, user_key(modes[m], keyspaces[k], "\0\0\0", 3, ts));
      }
    }
    put(engine, CF_DEFAULT, prefix, stored_key("\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, ts));
    put(engine, CF_DEFAULT, prefix, stored_key("s\0\0\0\0\0\0\0", 8, ts));
    put(engine, CF_DEFAULT, prefix, stored_key("y\0\0\0\0\0\0\0", 8, ts));
    if (ts < 40) mem_flush(engine->store, CF_DEFAULT);
    if (ts == 25) mem_compact(engine->store, CF_DEFAULT, NULL, 0, NULL, 0, 1);
  }
  return engine;
}

static void edges(const char* prefix, const char* more) {
  static const uint32_t keyspaces[] = {0, 1, RGC_KEYSPACE_MAX};
  for (size_t k = 0; k < 3; ++k) {
    for (size_t i = 0; i < sizeof edge_ids / sizeof *edge_ids; i += k == 1 ? 3 : 11) {
      for (int truncates = 0; truncates < 2; ++truncates) {
        char options[120];
        snprintf(options, sizeof options, "data_prefix=%s;%s", prefix, more);
        rgc_t* gc = gc_of_schemas(options);
        struct mem_engine* engine = filled(prefix);
        struct contents before = contents_of(engine);
        struct place place = {prefix, keyspaces[k], edge_ids[i], truncates ? 25 : 0};
        attach(gc, engine, 2);
        if (truncates) SUCCEEDS(api.rgc_schema_truncate(gc, place.keyspace, place.id, 25, errptr));
        else SUCCEEDS(api.rgc_schema_drop(gc, place.keyspace, place.id, errptr));
        drain(gc);
        CHECK_GONE(engine, &before, of_the_place, &place);
        compact_everything(engine);
        CHECK_GONE(engine, &before, of_the_place, &place);
        api.rgc_destroy(gc);
        contents_free(&before);
        engine_free(engine);
      }
    }
  }
}

/* In the plain layout the last id has no key behind it. */
static int of_the_last(void* state, uint32_t cf, const struct pair* pair) {
  (void)state;
  (void)cf;
  return pair->key.len >= 12 && memcmp(pair->key.data, "\xff\xff\xff\xff", 4) == 0;
}
static void last_of_plain(const char* more) {
  char options[120];
  snprintf(options, sizeof options, "key_layout=plain;history=latest;plain_keys=prefix_free;schema_id=prefix;%s", more);
  rgc_t* gc = gc_with(options);
  struct mem_engine* engine = engine_new();
  char ff[40];
  memset(ff, 0xff, sizeof ff);
  for (uint64_t ts = 10; ts <= 40; ts += 10) {
    for (size_t i = 0; i < 6; ++i) {
      char user[32];
      memset(user, 0xff, sizeof user);
      user[31] = (char)i;
      mem_put(engine->store, CF_DEFAULT, plain_key(user, 32, ts), BYTES("v\0"));
      user[3] = (char)0xfe;
      mem_put(engine->store, CF_DEFAULT, plain_key(user, 32, ts), BYTES("v\0"));
    }
    mem_put(engine->store, CF_DEFAULT, plain_key(ff, 32, ts), BYTES("v\0"));
    mem_flush(engine->store, CF_DEFAULT);
  }
  for (size_t len = 1; len < 12; ++len) mem_put(engine->store, CF_DEFAULT, key_of(ff, len), BYTES("short"));
  struct contents before = contents_of(engine);
  attach(gc, engine, 1);
  SUCCEEDS(api.rgc_schema_drop(gc, RGC_KEYSPACE_NONE, UINT32_MAX, errptr));
  drain(gc);
  CHECK_GONE(engine, &before, of_the_last, NULL);
  compact_everything(engine);
  CHECK_GONE(engine, &before, of_the_last, NULL);
  api.rgc_destroy(gc);
  contents_free(&before);
  engine_free(engine);
}

/* A record lies where this attach puts it, wherever another one had put it. */
static void moves(void) {
  struct mem_engine* engine = filled("");
  rgc_t* gc = gc_of_schemas("");
  attach(gc, engine, 1);
  api.rgc_set_enabled(gc, 0);
  SUCCEEDS(api.rgc_schema_drop(gc, 1, 0xff, errptr));
  SUCCEEDS(api.rgc_schema_truncate(gc, 1, 0x100, 25, errptr));
  CHECK(ledger_records(engine, CF_DEFAULT) >= 2);
  api.rgc_destroy(gc);
  for (long n = 0;; ++n) {
    REQUIRE(n < 200);
    gc = gc_of_schemas("");
    api.rgc_set_enabled(gc, 0);
    engine_fail(engine, ANY, WITH_TEXT, n);
    char* error = NULL;
    api.rgc_attach_engine(gc, &mem_functions, engine, families, 5, &error);
    CHECK(ledger_records(engine, CF_DEFAULT) + ledger_records(engine, CF_LEDGER) >= 2);
    int is_attached = error == NULL;
    CHECK_EQ(is_attached, engine->failed == 0);
    api.rgc_free(error);
    engine_fail(engine, ANY, WITH_TEXT, -1);
    if (is_attached) break;
    CHECK_EQ(api.rgc_schema_state(gc, 1, 0xff), RGC_SCHEMA_UNKNOWN);
    api.rgc_destroy(gc);
  }
  CHECK_EQ(ledger_records(engine, CF_DEFAULT), 0);
  CHECK(ledger_records(engine, CF_LEDGER) >= 2);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 0xff), RGC_SCHEMA_DROPPED);
  CHECK_EQ(api.rgc_schema_state(gc, 1, 0x100), RGC_SCHEMA_TRUNCATING);
  api.rgc_set_enabled(gc, 1);
  drain(gc);
  struct key of_dropped = id_key('r', 1, 0xff, "", 10);
  struct key truncated = id_key('r', 1, 0x100, "", 25);
  struct key stays = id_key('r', 1, 0x100, "", 40);
  CHECK(!mem_has(engine->store, CF_DEFAULT, of_dropped) && !mem_has(engine->store, CF_DEFAULT, truncated));
  CHECK(mem_has(engine->store, CF_DEFAULT, stays));
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_schema_edges(void) {
  edges("", "");
  edges("z", "delete_range_min_keys=3");
  last_of_plain("");
  last_of_plain("delete_range_min_keys=3");
  moves();
}
