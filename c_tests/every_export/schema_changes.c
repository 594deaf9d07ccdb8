/* schema_changes.c - lists that change while filters run: a filter uses the old list to the row's
 * end at most; closed filters; and long lists. */
#include "schema_keys.h"

enum { IDS_OF_RUN = 6, FIRST_ID = 0x61620000 };

struct lists {
  char is_valid[3][IDS_OF_RUN]; /* by keyspace, 1 and 2 */
};

static void load(rgc_t* gc, struct lists* lists, uint32_t keyspace, uint64_t* seed) {
  uint32_t ids[IDS_OF_RUN + 1];
  size_t n = 0;
  ids[n++] = FIRST_ID + IDS_OF_RUN;
  for (uint32_t i = 0; i < IDS_OF_RUN; ++i) {
    lists->is_valid[keyspace][i] = random_below(seed, 2) == 0;
    if (lists->is_valid[keyspace][i]) ids[n++] = FIRST_ID + i;
  }
  SUCCEEDS(api.rgc_schemas_load(gc, keyspace, ids, n, FIRST_ID + IDS_OF_RUN, errptr));
}

static int is_same_row(const struct key* left, const struct key* right) {
  return left->len == right->len && memcmp(left->data, right->data, left->len - 8) == 0;
}

/* Rows of one version or three, above the safe point, so that only schemas decide. A list may
 * arrive between any two keys. */
static void while_runs_are_on(uint64_t seed, int by_key) {
  static const char* const rests[] = {"", "a", "the same long beginning, 1", "the same long beginning, 2", "the same long beginning, 3"};
  rgc_t* gc = gc_of_schemas("");
  struct lists lists;
  for (int round = 0; round < 60; ++round) {
    static struct key keys[2 * IDS_OF_RUN * 5 * 3];
    size_t n = 0;
    for (uint32_t keyspace = 1; keyspace <= 2; ++keyspace) {
      load(gc, &lists, keyspace, &seed);
      for (uint32_t i = 0; i < IDS_OF_RUN; ++i) {
        for (size_t r = 0; r < 5; ++r) {
          for (uint64_t ts = 90; ts < (random_below(&seed, 2) == 0 ? 91u : 93u); ++ts) {
            keys[n++] = id_key('r', keyspace, FIRST_ID + i, rests[r], ts);
          }
        }
      }
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
    int is_changed = 0; /* within this row */
    for (size_t i = 0; i < n; ++i) {
      if (i == 0 || !is_same_row(&keys[i - 1], &keys[i])) is_changed = 0;
      uint32_t keyspace = 0, id = 0;
      CHECK(schema_of_key(OF(keys[i]), &keyspace, &id));
      int verdict = RGC_UNDETERMINED;
      if (by_key) verdict = api.rgc_filter_decide_by_key(run, 0, OF(keys[i]), NULL, NULL);
      if (verdict == RGC_UNDETERMINED) verdict = decide_live(run, keys[i]);
      int expected = lists.is_valid[keyspace][id - FIRST_ID] ? RGC_KEEP : RGC_REMOVE;
      if (verdict != expected && !is_changed) {
        const char* what = expected == RGC_KEEP ? "valid" : "no more";
        fprintf(stderr, "%s, which a list that came before its row names %s\n", hex_of(OF(keys[i])), what);
        CHECK(!"a run follows the last list from the next row on");
      }
      if (random_below(&seed, 6) != 0) continue;
      load(gc, &lists, 1 + (uint32_t)random_below(&seed, 2), &seed);
      is_changed = 1;
    }
    api.rgc_filter_destroy(run);
  }
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  api.rgc_destroy(gc);
}

/* Keys out of order close a run, and then everything stays. The same key again is judged again. */
static void closed_runs(void) {
  rgc_t* gc = gc_of_schemas("");
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(2), 9, errptr));
  for (int kind = RGC_KIND_DROPPED_ONLY; kind <= RGC_KIND_TTL_V1; ++kind) {
    rgc_filter_t* run = run_of(gc, kind);
    CHECK_EQ(decide_live(run, id_key('r', 1, 1, "a", 90)), RGC_REMOVE);
    CHECK_EQ(decide_live(run, id_key('r', 1, 1, "a", 90)), RGC_REMOVE);
    CHECK_EQ(decide_live(run, id_key('r', 1, 1, "a", 80)), RGC_REMOVE);
    CHECK_EQ(decide_live(run, id_key('r', 1, 0, "a", 80)), RGC_KEEP);
    CHECK_EQ(decide_live(run, id_key('r', 1, 1, "b", 80)), RGC_KEEP);
    CHECK_EQ(decide_live(run, id_key('r', 1, 3, "b", 80)), RGC_KEEP);
    api.rgc_filter_destroy(run);
    CHECK_EQ(stats_of(gc).runs_closed, (uint64_t)(kind - RGC_KIND_DROPPED_ONLY) + 1);
  }
  api.rgc_destroy(gc);
}

/* A list of very many ids, and a question about each. */
static void long_lists(void) {
  enum { MANY = 100000 };
  uint32_t* ids = malloc(MANY * sizeof *ids);
  REQUIRE(ids != NULL);
  for (uint32_t i = 0; i < MANY; ++i) ids[i] = 3 * (MANY - i);
  rgc_t* gc = gc_of_schemas("");
  SUCCEEDS(api.rgc_schemas_load(gc, 1, ids, MANY, 3 * MANY + 2, errptr));
  int wrong = 0;
  rgc_filter_t* run = run_of(gc, RGC_KIND_DROPPED_ONLY);
  for (uint32_t id = 0; id <= 3 * MANY + 3; ++id) {
    int state = id > 3 * MANY + 2 ? RGC_SCHEMA_UNKNOWN : id % 3 == 0 && id != 0 ? RGC_SCHEMA_VALID : RGC_SCHEMA_DROPPED;
    wrong += api.rgc_schema_state(gc, 1, id) != state;
    if (id % 7 == 0) wrong += decide_live(run, id_key('r', 1, id, "", 9)) != (state == RGC_SCHEMA_DROPPED ? RGC_REMOVE : RGC_KEEP);
  }
  CHECK_EQ(wrong, 0);
  api.rgc_filter_destroy(run);
  ids[MANY / 2] = UINT32_MAX;
  FAILS(api.rgc_schemas_load(gc, 1, ids, MANY, 3 * MANY + 2, errptr), "Invalid argument", "50000", "4294967295");
  CHECK_EQ(api.rgc_schema_state(gc, 1, 3), RGC_SCHEMA_VALID);
  api.rgc_destroy(gc);
  free(ids);
}

void test_schema_changes(uint64_t seed) {
  while_runs_are_on(seed | 1, 0);
  while_runs_are_on(4712, 1);
  closed_runs();
  long_lists();
}
