/* random.c - any bytes as key and value: no crash, and the filter removes only what it may.
 *
 * Half of the keys come in order, so that filters stay open. There this file predicts every
 * decision. The other half comes in no order. In both halves a removed version must be a RawKV key
 * to the last byte, below its safe point, and older than a version of its row that the same filter
 * saw before and kept. */
#include "parts.h"

struct shown {
  struct key key;
  size_t value_len;
  char value[16];
  struct raw_version version;
  int is_version;
};

static uint64_t random_state;

/* xorshift64* */
static uint64_t next_random(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545f4914f6cdd1d;
}

static uint64_t below(uint64_t n) { return (next_random() >> 11) % n; }

/* Unnamed, keyspace level at 500, global at 300, removed, keyspace level at 20. */
static const struct {
  uint32_t id;
  uint64_t safe_point;
} keyspaces[] = {{0, 0}, {1, 500}, {2, 300}, {3, 0}, {16777215, 20}};

static uint64_t safe_point_of(uint32_t keyspace) {
  for (size_t i = 0; i < sizeof keyspaces / sizeof *keyspaces; ++i) {
    if (keyspaces[i].id == keyspace) return keyspaces[i].safe_point;
  }
  return 0;
}

static rgc_t* context(void) {
  rgc_t* gc = gc_with("");
  static const uint32_t ids[] = {1, 3, 16777215};
  static const uint64_t ts[] = {500, 400, 20};
  SUCCEEDS(api.rgc_set_keyspace_gc_types(gc, ids, 3, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_points(gc, ids, ts, 3, errptr));
  SUCCEEDS(api.rgc_pause_keyspace(gc, 3, errptr));
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 300), 1);
  return gc;
}

/* Now and then any bytes, mostly a value: a damaged one closes its row, and a row is long. */
static void random_value(struct shown* shown) {
  shown->value_len = below(sizeof shown->value + 1);
  for (size_t i = 0; i < shown->value_len; ++i) shown->value[i] = (char)next_random();
  if (below(100) == 0) return;
  if (shown->value_len == 0) shown->value_len = 1;
  shown->value[shown->value_len - 1] = (char)(shown->value_len < 9 ? 2 * below(2) : below(4));
}

/* The next version of the row of the key before, if it is one. */
static void older_version(struct key* key, const struct shown* before) {
  *key = before->key;
  for (size_t i = key->len; before->is_version && i-- > before->version.row_len;) {
    if (++key->data[i] != 0) break;
  }
}

static void random_key(struct key* key) {
  static const char modes[] = "rrrrrrrrxtmq";
  static const char alphabet[] = {0, 1, 'a', (char)0xf7, (char)0xff};
  uint32_t keyspace = keyspaces[below(sizeof keyspaces / sizeof *keyspaces)].id;
  char raw[32] = {modes[below(sizeof modes - 1)], (char)(keyspace >> 16), (char)(keyspace >> 8), (char)keyspace};
  size_t len = 4 + (below(4) == 0 ? below(14) : below(2));
  for (size_t i = 4; i < len; ++i) raw[i] = alphabet[below(sizeof alphabet)];
  if (below(30) == 0) len = below(4);
  uint64_t ts = below(30) == 0 ? next_random() : below(30) == 0 ? UINT64_MAX - below(2) : below(600);
  *key = stored_key(raw, len, ts);
  switch (below(60)) {
    case 0: key->data[below(key->len)] = (char)next_random(); break;
    case 1: key->len = below(key->len + 1); break;
    case 2: key->data[key->len++] = (char)next_random(); break;
    case 3: key->data[8] = (char)next_random(); break;
    case 4:
      key->len = below(40);
      for (size_t i = 0; i < key->len; ++i) key->data[i] = (char)next_random();
      break;
    default: break;
  }
}

static int by_key(const void* left, const void* right) {
  const struct key* a = &((const struct shown*)left)->key;
  const struct key* b = &((const struct shown*)right)->key;
  int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
  return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int same_row(const struct shown* a, const struct shown* b) {
  return a->version.row_len == b->version.row_len && memcmp(a->key.data, b->key.data, a->version.row_len) == 0;
}

/* May the filter remove the last of these, which it saw in this order? `kept` says which earlier
 * ones it kept. */
static int may_be_removed(const struct shown* run, const char* kept, size_t last) {
  const struct shown* it = &run[last];
  if (!it->is_version || it->version.ts >= safe_point_of(it->version.keyspace)) return 0;
  for (size_t i = last; i-- > 0;) {
    if (kept[i] && run[i].is_version && same_row(&run[i], it) && run[i].version.ts > it->version.ts) return 1;
  }
  return 0;
}

/* The decision about a key that comes in order, by the header: the filter keeps the first version
 * that it sees of a row. It removes later ones that are older and below the safe point. It keeps
 * all after a value that does not parse. A key that is no version, between two versions, ends the
 * row for the filter. */
static int foretold(const struct shown* run, size_t last, size_t* first_of_row, int* is_closed) {
  const struct shown* it = &run[last];
  uint64_t safe_point = it->is_version ? safe_point_of(it->version.keyspace) : 0;
  if (safe_point == 0) {
    *first_of_row = SIZE_MAX;
    return 0;
  }
  if (*first_of_row == SIZE_MAX || !same_row(&run[*first_of_row], it)) {
    *first_of_row = last;
    *is_closed = 0;
  }
  if (!is_raw_value(it->value, it->value_len)) *is_closed = 1;
  return !*is_closed && it->version.ts < safe_point && it->version.ts < run[*first_of_row].version.ts;
}

static uint64_t removed;

static void run_through(rgc_t* gc, const struct shown* run, char* kept, size_t n, int in_order) {
  rgc_filter_t* filter = run_of(gc, RGC_KIND_RAW);
  size_t first_of_row = SIZE_MAX;
  int is_closed = 0;
  for (size_t i = 0; i < n; ++i) {
    const struct shown* it = &run[i];
    /* Exactly as long as it says, so that a byte read too many is seen by who watches memory. */
    char* key = malloc(it->key.len + (it->key.len == 0));
    char* value = malloc(it->value_len + (it->value_len == 0));
    REQUIRE(key != NULL && value != NULL);
    memcpy(key, it->key.data, it->key.len);
    memcpy(value, it->value, it->value_len);
    unsigned char changed = 1;
    unsigned char verdict = api.rgc_filter_callback(filter, 0, key, it->key.len, value, it->value_len, NULL, NULL, &changed);
    free(key);
    free(value);
    kept[i] = verdict == 0;
    removed += verdict;
    CHECK(changed == 0 && verdict <= 1);
    CHECK(kept[i] || may_be_removed(run, kept, i));
    if (in_order) CHECK_EQ(verdict, foretold(run, i, &first_of_row, &is_closed));
  }
  api.rgc_filter_destroy(filter);
}

void test_random(uint64_t seed, uint64_t rounds) {
  enum { IN_ORDER = 2000, NO_ORDER = 16 };
  printf("random seed %" PRIu64 ", %" PRIu64 " keys in order and as many in none\n", seed, rounds);
  random_state = seed * 2 + 1;
  static struct shown run[IN_ORDER];
  static char kept[IN_ORDER];
  rgc_t* gc = context();
  for (int in_order = 1; in_order >= 0; --in_order) {
    size_t length = in_order ? IN_ORDER : NO_ORDER;
    removed = 0;
    for (uint64_t round = 0; round < rounds; round += length) {
      for (size_t i = 0; i < length; ++i) {
        if (!in_order && i > 0 && below(3) > 0) {
          older_version(&run[i].key, &run[i - 1]);
        } else {
          random_key(&run[i].key);
        }
        random_value(&run[i]);
        run[i].is_version = parse_raw_key(run[i].key.data, run[i].key.len, &run[i].version);
      }
      if (in_order) qsort(run, length, sizeof *run, by_key);
      run_through(gc, run, kept, length, in_order);
    }
    printf("  of %s %" PRIu64 " removed\n", in_order ? "those in order" : "the others", removed);
    /* Else it would show nothing. */
    CHECK(removed > rounds / 100);
    CHECK(in_order ? stats_of(gc).runs_closed == 0 : stats_of(gc).runs_closed > 0);
  }
  api.rgc_destroy(gc);
}
