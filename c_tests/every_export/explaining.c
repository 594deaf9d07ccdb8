/* explaining.c - why nothing is collected, keyspace by keyspace, and as text. The store has no
 * properties, so the answers come from samples. */
#include "attached.h"
#include "parts.h"

enum { MOST = 16 };

struct answers {
  rgc_explained_t all[MOST];
  size_t n;
  size_t wanted; /* it stops after as many; 0 = never */
};

static int take(void* state, const rgc_explained_t* answer) {
  struct answers* answers = state;
  REQUIRE(answers->n < MOST);
  CHECK_EQ(answer->struct_size, sizeof *answer);
  CHECK(answer->text != NULL && strlen(answer->text) > 10);
  CHECK(strcmp(answer->column_family, "default") == 0 || strcmp(answer->column_family, "write") == 0);
  answers->all[answers->n++] = *answer;
  return answers->n == answers->wanted;
}

static const rgc_explained_t* find(const struct answers* answers, int mode, uint32_t keyspace) {
  for (size_t i = 0; i < answers->n; ++i) {
    if (answers->all[i].mode == mode && answers->all[i].keyspace == keyspace) return &answers->all[i];
  }
  return NULL;
}

static int why(rgc_t* gc, uint32_t keyspace) {
  struct answers answers = {.n = 0};
  char* text = NULL;
  SUCCEEDS(text = api.rgc_explain_keyspace(gc, keyspace, take, &answers, errptr));
  REQUIRE(text != NULL);
  CHECK(strstr(text, "Collecting is ") == text);
  api.rgc_free(text);
  const rgc_explained_t* answer = find(&answers, RGC_MODE_RAW, keyspace);
  REQUIRE(answer != NULL);
  return answer->why;
}

static void put_rows(struct mem_engine* engine, uint32_t keyspace) {
  for (uint64_t ts = 70; ts <= 100; ts += 10) mem_put(engine->store, CF_DEFAULT, raw_key(keyspace, "a", ts), BYTES("v\0"));
  mem_put(engine->store, CF_DEFAULT, raw_key(keyspace, "b", 90), BYTES("v\0"));
}

static void reasons(void) {
  rgc_t* gc = gc_with("");
  struct mem_engine* engine = engine_new();
  for (uint32_t keyspace = 1; keyspace <= 5; ++keyspace) put_rows(engine, keyspace);
  mem_flush(engine->store, CF_DEFAULT);
  attach(gc, engine, 1);
  CHECK_EQ(why(gc, 1), RGC_WHY_NO_FILTER);
  /* The first filter of the kind. */
  rgc_filter_t* filter = NULL;
  SUCCEEDS(filter = api.rgc_filter_create(gc, RGC_KIND_RAW, NULL, errptr));
  api.rgc_filter_destroy(filter);
  CHECK_EQ(why(gc, 1), RGC_WHY_NOT_REGISTERED);
  CHECK_EQ(why(gc, 9), RGC_WHY_NOT_REGISTERED);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  CHECK_EQ(why(gc, 1), RGC_WHY_NO_OWN_SAFE_POINT);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 1000), 1);
  CHECK_EQ(why(gc, 1), RGC_WHY_NO_OWN_SAFE_POINT);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_GLOBAL, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 60, errptr));
  CHECK_EQ(why(gc, 1), RGC_WHY_OWN_SAFE_POINT);
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 75, errptr));
  int due = why(gc, 1);
  CHECK(due == RGC_WHY_DUE || due == RGC_WHY_ONLY_IN_LAST_LEVEL);
  due = why(gc, 2);
  CHECK(due == RGC_WHY_DUE || due == RGC_WHY_ONLY_IN_LAST_LEVEL);
  api.rgc_pause_keyspace(gc, 2, NULL);
  CHECK_EQ(why(gc, 2), RGC_WHY_PAUSED);
  set_enabled_elsewhere(gc, 0);
  CHECK_EQ(why(gc, 1), RGC_WHY_DISABLED);
  set_enabled_elsewhere(gc, 1);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 8, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 8, 60, errptr));
  CHECK_EQ(why(gc, 8), RGC_WHY_NO_VERSIONS);

  /* All of them, a part, one. */
  struct answers answers = {.n = 0};
  char* text = NULL;
  SUCCEEDS(text = api.rgc_explain(gc, NULL, 0, NULL, 0, take, &answers, errptr));
  CHECK_EQ(answers.n, 5);
  CHECK(strstr(text, "Keyspace 3 (mode r) in default: 5 versions of 2 rows") != NULL);
  CHECK(strstr(text, "have no properties") != NULL);
  api.rgc_free(text);
  const rgc_explained_t* one = find(&answers, RGC_MODE_RAW, 1);
  REQUIRE(one != NULL);
  CHECK_EQ(one->rows, 2);
  CHECK_EQ(one->versions, 5);
  CHECK_EQ(one->sampled_versions, 5);
  CHECK_EQ(one->oldest_ts, 70);
  CHECK_EQ(one->own_safe_point, 75);
  CHECK_EQ(one->effective_safe_point, 75);
  CHECK(one->due_versions >= 1 && one->due_versions + one->held_versions == 3);
  CHECK(one->bytes > one->due_bytes + one->held_bytes);
  answers = (struct answers){.wanted = 2};
  api.rgc_free(api.rgc_explain(gc, NULL, 0, NULL, 0, take, &answers, NULL));
  CHECK_EQ(answers.n, 2);
  answers = (struct answers){.n = 0};
  struct key from = raw_key(3, "", UINT64_MAX), to = raw_key(4, "", UINT64_MAX);
  api.rgc_free(api.rgc_explain(gc, from.data, from.len, to.data, to.len, take, &answers, NULL));
  CHECK(find(&answers, RGC_MODE_RAW, 3) != NULL && find(&answers, RGC_MODE_RAW, 1) == NULL);
  api.rgc_free(api.rgc_explain(gc, NULL, 0, NULL, 0, NULL, NULL, NULL));
  api.rgc_destroy(gc);
  engine_free(engine);
}

static void bad_arguments(void) {
  rgc_t* gc = gc_with("");
  FAILS(CHECK(api.rgc_explain(gc, NULL, 0, NULL, 0, NULL, NULL, errptr) == NULL), "Invalid argument", "attached");
  FAILS(CHECK(api.rgc_explain_keyspace(gc, 1, NULL, NULL, errptr) == NULL), "Invalid argument", "attached");
  FAILS(CHECK(api.rgc_explain(gc, "b", 1, "a", 1, NULL, NULL, errptr) == NULL), "Invalid argument", "inverted");
  FAILS(CHECK(api.rgc_explain(gc, NULL, 3, NULL, 0, NULL, NULL, errptr) == NULL), "Invalid argument", "start");
  FAILS(CHECK(api.rgc_explain_keyspace(gc, RGC_KEYSPACE_MAX + 1, NULL, NULL, errptr) == NULL), "Invalid argument", "16777216");
  FAILS(CHECK(api.rgc_explain(NULL, NULL, 0, NULL, 0, NULL, NULL, errptr) == NULL), "Invalid argument", "gc");
  FAILS(CHECK(api.rgc_explain_keyspace(NULL, 1, NULL, NULL, errptr) == NULL), "Invalid argument", "gc");

  /* A comparison of replicas. */
  uint64_t ts = 1;
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 50), 1);
  SUCCEEDS(ts = api.rgc_consistency_safe_point(gc, NULL, 0, NULL, 0, errptr));
  CHECK_EQ(ts, 50);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 3, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 4, RGC_GC_GLOBAL, errptr));
  FAILS(CHECK_EQ(api.rgc_consistency_safe_point(gc, NULL, 0, NULL, 0, errptr), 0), "Not supported", "keyspace 3");
  struct key from = raw_key(4, "", UINT64_MAX), to = raw_key(5, "", UINT64_MAX);
  SUCCEEDS(ts = api.rgc_consistency_safe_point(gc, from.data, from.len, to.data, to.len, errptr));
  CHECK_EQ(ts, 50);
  api.rgc_pause_keyspace(gc, 3, NULL);
  FAILS(api.rgc_consistency_safe_point(gc, NULL, 0, to.data, to.len, errptr), "Not supported", "keyspace 3");
  FAILS(api.rgc_consistency_safe_point(gc, "b", 1, "a", 1, errptr), "Invalid argument", "inverted");
  FAILS(api.rgc_consistency_safe_point(NULL, NULL, 0, NULL, 0, errptr), "Invalid argument", "gc");
  api.rgc_destroy(gc);
}

void test_explaining(void) {
  reasons();
  bad_arguments();
}
