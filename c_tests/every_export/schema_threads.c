/* schema_threads.c - drops and truncations from several threads while the host detaches: every
 * answer is true. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <time.h>

#include "schema_keys.h"

enum { THREADS = 4, EACH = 6 };

static struct mem_engine* filled(void) {
  struct mem_engine* engine = engine_new();
  for (uint32_t id = 0; id < THREADS * EACH + 4; ++id) {
    for (uint64_t ts = 10; ts <= 40; ts += 10) mem_put(engine->store, CF_DEFAULT, id_key('r', 1, id, "a row", ts), BYTES("v\0"));
  }
  mem_flush(engine->store, CF_DEFAULT);
  return engine;
}

static rgc_t* subject;
/* Answered without an error: dropped (1), truncated (2). */
static atomic_int answered[THREADS * EACH];

static void* order(void* number) {
  int first = *(int*)number * EACH;
  for (int i = 0; i < EACH; ++i) {
    char* error = NULL;
    uint32_t id = (uint32_t)(first + i);
    if (i % 2 == 0) api.rgc_schema_drop(subject, 1, id, &error);
    else api.rgc_schema_truncate(subject, 1, id, 25, &error);
    if (error == NULL) answered[id] = 1 + i % 2;
    else CHECK(strstr(error, ": ") != NULL);
    api.rgc_free(error);
    /* All of them drop the same one, too. */
    if (i == 0) api.rgc_schema_drop(subject, 1, THREADS * EACH + 1, NULL);
    api.rgc_schema_state(subject, 1, id);
  }
  return NULL;
}

static int by_answers(void* state, uint32_t cf, const struct pair* pair) {
  (void)cf;
  uint32_t keyspace, id;
  if (!schema_of_key(pair->key.data, pair->key.len, &keyspace, &id)) return 0;
  if (id == THREADS * EACH + 1) return *(int*)state ? -1 : 1;
  if (id >= THREADS * EACH) return 0;
  int is_old = ts_of_key(pair->key.data, pair->key.len) <= 25;
  /* What was not answered may have happened, or not. */
  if (answered[id] == 0) return is_old || id % EACH % 2 == 0 ? -1 : 0;
  return answered[id] == 1 || is_old;
}

static void at_once(int detaches) {
  subject = gc_of_schemas("");
  struct mem_engine* engine = filled();
  struct contents before = contents_of(engine);
  attach(subject, engine, 5);
  for (size_t i = 0; i < THREADS * EACH; ++i) answered[i] = 0;
  pthread_t threads[THREADS];
  int numbers[THREADS];
  for (int i = 0; i < THREADS; ++i) {
    numbers[i] = i;
    REQUIRE(pthread_create(&threads[i], NULL, order, &numbers[i]) == 0);
  }
  if (detaches != 0) {
    nanosleep(&(struct timespec){0, detaches * 100 * 1000}, NULL);
    api.rgc_detach(subject);
    CHECK_EQ(engine->calls[DESTRUCTOR], 1);
  }
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  if (detaches != 0) {
    size_t calls = 0;
    for (int function = 0; function < FUNCTIONS; ++function) calls += engine_calls(engine, function);
    api.rgc_destroy(subject);
    for (int function = 0; function < FUNCTIONS; ++function) calls -= engine_calls(engine, function);
    CHECK_EQ(calls, 0);
    subject = gc_of_schemas("");
    attach(subject, engine, 5);
  }
  drain(subject);
  CHECK_GONE(engine, &before, by_answers, &detaches);
  for (uint32_t id = 0; id < THREADS * EACH; ++id) {
    if (answered[id] == 1) CHECK_EQ(api.rgc_schema_state(subject, 1, id), RGC_SCHEMA_DROPPED);
    if (answered[id] == 2) CHECK(api.rgc_schema_state(subject, 1, id) != RGC_SCHEMA_DROPPED);
  }
  CHECK_EQ(api.rgc_schema_state(subject, 1, THREADS * EACH + 2), RGC_SCHEMA_UNKNOWN);
  if (detaches == 0) CHECK_EQ(api.rgc_schema_state(subject, 1, THREADS * EACH + 1), RGC_SCHEMA_DROPPED);
  compact_everything(engine);
  CHECK_GONE(engine, &before, by_answers, &detaches);
  api.rgc_destroy(subject);
  contents_free(&before);
  engine_free(engine);
}

/* Readers meanwhile: what they show is in order and never half. */
static int in_order(void* last, const rgc_schema_info_t* info) {
  CHECK_EQ(info->keyspace, 1);
  CHECK(*(long*)last < (long)info->id);
  *(long*)last = info->id;
  CHECK(info->state >= RGC_SCHEMA_VALID && info->state <= RGC_SCHEMA_DROPPED);
  CHECK(info->truncated_up_to_ts == 0 || info->truncated_up_to_ts == 25);
  return 0;
}
static int keyspaces_in_order(void* last, const rgc_keyspace_info_t* info) {
  CHECK(*(long*)last < (long)info->id);
  *(long*)last = info->id;
  CHECK(info->state == -1 || strcmp(info->name, "loaded") == 0);
  return 0;
}
static void* load_keyspaces(void* gc) {
  for (uint32_t i = 0; i < 400; ++i) {
    rgc_keyspace_meta_t meta = {.struct_size = sizeof meta, .id = (i * 7919) % 5000, .state = 0, .name = "loaded"};
    SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
  }
  return NULL;
}
static void shown_meanwhile(void) {
  subject = gc_with("schema_id=prefix");
  struct mem_engine* engine = filled();
  attach(subject, engine, 5);
  pthread_t threads[2];
  int number = 1;
  REQUIRE(pthread_create(&threads[0], NULL, order, &number) == 0);
  REQUIRE(pthread_create(&threads[1], NULL, load_keyspaces, subject) == 0);
  for (int round = 0; round < 200; ++round) {
    long last = -1;
    api.rgc_schemas_foreach(subject, in_order, &last);
    last = -1;
    api.rgc_keyspaces_foreach(subject, keyspaces_in_order, &last);
  }
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  drain(subject);
  api.rgc_destroy(subject);
  engine_free(engine);
}

/* The worker looks at rows; before it writes what goes of them, the host orders something else. */
enum { IDLE, ARMED, LOOKING, ORDERED };
static atomic_int moment;
static void hold_the_worker(void* state, int function) {
  (void)state;
  int armed = ARMED;
  if (function != NEXT || !atomic_compare_exchange_strong(&moment, &armed, LOOKING)) return;
  while (moment != ORDERED) nanosleep(&(struct timespec){0, 1000000}, NULL);
}
static void order_in_between(int drops) {
  subject = gc_of_schemas("");
  struct mem_engine* engine = filled();
  attach(subject, engine, 5);
  moment = ARMED;
  engine->during = hold_the_worker;
  SUCCEEDS(api.rgc_schema_truncate(subject, 1, 1, 15, errptr));
  while (moment != LOOKING) nanosleep(&(struct timespec){0, 1000000}, NULL);
  if (drops) SUCCEEDS(api.rgc_schema_drop(subject, 1, 1, errptr));
  else SUCCEEDS(api.rgc_schema_truncate(subject, 1, 1, 35, errptr));
  moment = ORDERED;
  drain(subject);
  CHECK_EQ(api.rgc_schema_state(subject, 1, 1), drops ? RGC_SCHEMA_DROPPED : RGC_SCHEMA_VALID);
  struct contents now = contents_of(engine);
  size_t left = 0;
  for (size_t i = 0; i < now.n[CF_DEFAULT]; ++i) left += (size_t)is_of_schema(now.of[CF_DEFAULT][i].key.data, now.of[CF_DEFAULT][i].key.len, 1, 1);
  CHECK_EQ(left, drops ? 0 : 1);
  contents_free(&now);
  api.rgc_destroy(subject);
  /* And so says the ledger. */
  subject = gc_of_schemas("");
  attach(subject, engine, 5);
  CHECK_EQ(api.rgc_schema_state(subject, 1, 1), drops ? RGC_SCHEMA_DROPPED : RGC_SCHEMA_VALID);
  CHECK_EQ(api.rgc_worker_pending(subject), 0);
  api.rgc_destroy(subject);
  engine_free(engine);
}

void test_schema_threads(void) {
  order_in_between(1);
  order_in_between(0);
  at_once(0);
  for (int detaches = 1; detaches < 60; detaches = detaches * 3 / 2 + 1) at_once(detaches);
  shown_meanwhile();
}
