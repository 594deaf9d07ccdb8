/* ledger.c - the ledger: where its records are, which survive, and which the library must not
 * believe. */
#include "attached.h"
#include "parts.h"

#define OF(key) (key).data, (key).len

static struct key row_of(const char* user_key) {
  struct key key = raw_key(1, user_key, 0);
  key.len -= 8;
  return key;
}
#define START row_of("b")
#define END row_of("d")

/* A store with one record in this family, of these families. */
static struct mem_engine* with_a_record(size_t attached, int is_done) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "a", 9), BYTES("v\0"));
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "c", 9), BYTES("v\0"));
  attach(gc, engine, attached);
  /* The record is written, and then nothing. */
  if (!is_done) engine_fail(engine, WRITE, WITH_TEXT, 1);
  char* error = NULL;
  struct key start = START;
  struct key end = END;
  api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, &error);
  CHECK((error == NULL) == is_done);
  api.rgc_free(error);
  api.rgc_destroy(gc);
  engine_forget(engine);
  return engine;
}

/* The record; keys and value for pairs_free. */
static struct pair* records_of(struct mem_engine* engine, uint32_t cf, size_t* n) {
  return mem_read(engine->store, cf, BYTES(LEDGER_PREFIX "d"), BYTES(LEDGER_PREFIX "e"), n);
}

static void survives(void) {
  struct key start = START;
  struct key end = END;
  for (int is_done = 0; is_done <= 1; ++is_done) {
    struct mem_engine* engine = with_a_record(5, is_done);
    size_t n = 0;
    struct pair* record = records_of(engine, CF_LEDGER, &n);
    REQUIRE(n == 1);
    pairs_free(record, n);
    CHECK_EQ(mem_has(engine->store, CF_DEFAULT, raw_key(1, "c", 9)), !is_done);
    rgc_t* gc = gc_at_80("");
    attach(gc, engine, 5);
    /* Started: finished by the attach. Done: it stays as it is. */
    CHECK(!mem_has(engine->store, CF_DEFAULT, raw_key(1, "c", 9)));
    CHECK(mem_has(engine->store, CF_DEFAULT, raw_key(1, "a", 9)));
    CHECK_EQ(api.rgc_destroyed_count(gc), 1);
    if (is_done) CHECK_EQ(engine_calls(engine, WRITE) + engine_calls(engine, DELETE_FILES) + engine_calls(engine, COMPACT), 0);
    SUCCEEDS(api.rgc_release_destroyed(gc, OF(start), OF(end), errptr));
    CHECK_EQ(ledger_records(engine, CF_LEDGER), 0);
    api.rgc_detach(gc);
    attach(gc, engine, 5);
    CHECK_EQ(api.rgc_destroyed_count(gc), 0);
    api.rgc_destroy(gc);
    engine_free(engine);
  }
}

/* Attaches, must be refused by the record's key, and must have changed nothing. */
static void check_refused(struct mem_engine* engine, const char* key, size_t key_len) {
  rgc_t* gc = gc_at_80("");
  engine_forget(engine);
  struct key above_all = key_of(BYTES("\xff"));
  uint64_t before = mem_digest_outside(engine->store, CF_DEFAULT, above_all, above_all);
  check_corrupt(gc, engine, key, key_len);
  CHECK_EQ(engine->calls[DESTRUCTOR], 0);
  CHECK_EQ(api.rgc_destroyed_count(gc), 0);
  CHECK_EQ(mem_digest_outside(engine->store, CF_DEFAULT, above_all, above_all), before);
  SUCCEEDS(CHECK(api.rgc_filter_create(gc, RGC_KIND_DROPPED_ONLY, NULL, errptr) == NULL));
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "c", 9)), RGC_KEEP);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

static void put(struct mem_engine* engine, struct bytes key, const char* value, size_t len) {
  mem_write(engine->store, &(rgc_write_t){RGC_OP_PUT, CF_DEFAULT, key.data, key.len, value, len});
}
static void delete_key(struct mem_engine* engine, struct bytes key) {
  mem_write(engine->store, &(rgc_write_t){RGC_OP_DELETE, CF_DEFAULT, key.data, key.len, NULL, 0});
}

static void damaged(void) {
  for (int is_done = 0; is_done <= 1; ++is_done) {
    struct mem_engine* engine = with_a_record(1, is_done);
    size_t n = 0;
    struct pair* record = records_of(engine, CF_DEFAULT, &n);
    REQUIRE(n == 1);
    struct bytes key = record->key;
    struct bytes value = record->value;
    char bytes[256];
    REQUIRE(value.len + 1 < sizeof bytes && key.len + 1 < sizeof bytes);
    /* A byte is another one, the end is missing, there is one more. */
    for (size_t i = 0; i < value.len; ++i) {
      memcpy(bytes, value.data, value.len);
      bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
      put(engine, key, bytes, value.len);
      check_refused(engine, key.data, key.len);
      put(engine, key, value.data, i);
      check_refused(engine, key.data, key.len);
    }
    memcpy(bytes, value.data, value.len);
    bytes[value.len] = 0;
    put(engine, key, bytes, value.len + 1);
    check_refused(engine, key.data, key.len);
    /* The same value under another key. */
    delete_key(engine, key);
    for (size_t i = sizeof LEDGER_PREFIX - 1; i < key.len; ++i) {
      memcpy(bytes, key.data, key.len);
      bytes[i] = (char)(bytes[i] ^ (1 << i % 8));
      struct bytes other = {key.len, bytes};
      put(engine, other, value.data, value.len);
      check_refused(engine, bytes, key.len);
      delete_key(engine, other);
      struct bytes cut = {i, key.data};
      put(engine, cut, value.data, value.len);
      check_refused(engine, key.data, i);
      delete_key(engine, cut);
    }
    /* What was nobody's. */
    static const char* const foreign[] = {LEDGER_PREFIX, LEDGER_PREFIX "a", LEDGER_PREFIX "zzzz", LEDGER_PREFIX "\xff\xff\xff"};
    for (size_t i = 0; i < 4; ++i) {
      struct bytes other = {strlen(foreign[i]), (char*)foreign[i]};
      put(engine, other, "", 0);
      check_refused(engine, other.data, other.len);
      put(engine, other, BYTES("foreign"));
      check_refused(engine, other.data, other.len);
      /* Beside a good one. */
      put(engine, key, value.data, value.len);
      check_refused(engine, other.data, other.len);
      delete_key(engine, other);
      delete_key(engine, key);
    }
    /* It is good as it was; keys beside the prefix are nobody's business. */
    put(engine, key, value.data, value.len);
    put(engine, (struct bytes){9, "\1rocks_gc"}, BYTES("before"));
    put(engine, (struct bytes){10, "\1rocks_gc0"}, BYTES("behind"));
    rgc_t* gc = gc_at_80("");
    attach(gc, engine, 1);
    CHECK_EQ(api.rgc_destroyed_count(gc), 1);
    api.rgc_destroy(gc);
    CHECK_EQ(mem_count(engine->store, CF_DEFAULT, key_of(BYTES("\1rocks_gc")), key_of(BYTES("\1rocks_gc0\1"))), 3);
    pairs_free(record, n);
    engine_free(engine);
  }
}

/* A record in the family of an earlier attach moves to the family of this one: the library writes
 * the new one durably, then deletes the old one. */
static void moves(void) {
  for (int is_done = 0; is_done <= 1; ++is_done) {
    struct mem_engine* engine = with_a_record(1, is_done);
    CHECK_EQ(ledger_records(engine, CF_DEFAULT), 1);
    rgc_t* gc = gc_at_80("");
    for (long n = 0;; ++n) {
      REQUIRE(n < 100);
      engine_fail(engine, ANY, WITH_TEXT, n);
      char* error = NULL;
      api.rgc_attach_engine(gc, &mem_functions, engine, families, 5, &error);
      CHECK(ledger_records(engine, CF_DEFAULT) + ledger_records(engine, CF_LEDGER) >= 1);
      CHECK((error == NULL) == (engine->failed == 0));
      api.rgc_free(error);
      if (engine->failed == 0) break;
      CHECK_EQ(api.rgc_destroyed_count(gc), 0);
      CHECK_EQ(engine->calls[DESTRUCTOR], 0);
    }
    engine_fail(engine, ANY, WITH_TEXT, -1);
    CHECK_EQ(ledger_records(engine, CF_DEFAULT), 0);
    CHECK_EQ(ledger_records(engine, CF_LEDGER), 1);
    CHECK_EQ(api.rgc_destroyed_count(gc), 1);
    CHECK(!mem_has(engine->store, CF_DEFAULT, raw_key(1, "c", 9)));
    int is_there = 0;
    for (size_t i = 0; i < engine->logged; ++i) {
      const struct call* call = &engine->log[i];
      for (size_t j = 0; call->function == WRITE && j < call->n; ++j) {
        const struct op* op = &call->ops[j];
        if (memcmp(op->key.data, LEDGER_PREFIX, op->key.len < 10 ? op->key.len : 10) != 0) continue;
        if (op->op == RGC_OP_PUT && op->cf == CF_LEDGER) is_there |= (call->flags & RGC_WRITE_FLAG_SYNC) != 0;
        if (op->op == RGC_OP_DELETE && op->cf == CF_DEFAULT) CHECK(is_there);
      }
    }
    CHECK(is_there);
    api.rgc_destroy(gc);
    /* In a family that is not given it is not seen; and back. */
    gc = gc_at_80("");
    attach(gc, engine, 1);
    CHECK_EQ(api.rgc_destroyed_count(gc), 0);
    api.rgc_detach(gc);
    rgc_column_family_t others[] = {families[0], families[1], families[2], families[3], families[4]};
    others[4].role = RGC_CF_OTHER;
    SUCCEEDS(api.rgc_attach_engine(gc, &mem_functions, engine, others, 5, errptr));
    CHECK_EQ(api.rgc_destroyed_count(gc), 1);
    CHECK_EQ(ledger_records(engine, CF_DEFAULT), 1);
    CHECK_EQ(ledger_records(engine, CF_LEDGER), 0);
    api.rgc_destroy(gc);
    engine_free(engine);
  }
}

/* Without a default family it is the first one; with another prefix it lies there. */
static void places(void) {
  struct key start = START;
  struct key end = END;
  struct mem_engine* engine = engine_new();
  rgc_t* gc = gc_at_80("ledger_prefix=0x00ffee");
  rgc_column_family_t others[] = {families[3], families[2]};
  SUCCEEDS(api.rgc_attach_engine(gc, &mem_functions, engine, others, 2, errptr));
  /* Nothing is written before something is destroyed. */
  CHECK_EQ(engine_calls(engine, WRITE), 0);
  SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
  CHECK_EQ(mem_count(engine->store, 0, key_of(BYTES("\0\xff\xee")), key_of(BYTES("\0\xff\xef"))), 1);
  CHECK_EQ(mem_count_all(engine->store, 0), 1);
  CHECK_EQ(mem_count_all(engine->store, 1), 0);
  FAILS(api.rgc_destroy_range(gc, BYTES("\0\xff\xee"), BYTES("\0\xff\xef"), 0, NULL, errptr), "Invalid argument");
  /* Its own keys stay, whatever is judged. */
  for (int kind = RGC_KIND_DROPPED_ONLY; kind <= RGC_KIND_TTL_V1; ++kind) {
    rgc_filter_t* run = run_of(gc, kind);
    CHECK_EQ(decide(run, key_of(BYTES("\0\xff\xee")), BYTES("\0\0\0\0\0\0\0\1")), RGC_KEEP);
    CHECK_EQ(decide(run, key_of(BYTES("\0\xff\xee\1")), BYTES("\0\0\0\0\0\0\0\1")), RGC_KEEP);
    api.rgc_filter_destroy(run);
  }
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_ledger(void) {
  survives();
  damaged();
  moves();
  places();
}
