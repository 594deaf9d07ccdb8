/* together.c - a store that several threads use, and engines that answer nonsense. */
#define _GNU_SOURCE
#include <time.h>

#include "attached.h"
#include "parts.h"

#define OF(key) (key).data, (key).len
static void pause_ms(long ms) { nanosleep(&(struct timespec){0, ms * 1000 * 1000}, NULL); }

struct shared {
  rgc_t* gc;
  struct mem_engine* engine;
  int is_over;
};

static void* destroy_often(void* state) {
  struct shared* shared = state;
  for (int i = 0; i < 20; ++i) {
    struct key start = raw_key(1, i % 2 == 0 ? "c" : "d", 0);
    struct key end = raw_key(1, i % 2 == 0 ? "e" : "f", 0);
    SUCCEEDS(api.rgc_destroy_range(shared->gc, OF(start), OF(end), 0, NULL, errptr));
    CHECK_EQ(api.rgc_destroyed_count(shared->gc) <= 2, 1);
    if (i % 5 == 4) api.rgc_release_destroyed(shared->gc, OF(start), OF(end), NULL);
    if (i % 7 == 6) api.rgc_recheck_destroyed(shared->gc, UINT64_MAX, NULL, NULL);
  }
  return NULL;
}

static void* collect_often(void* state) {
  struct shared* shared = state;
  for (int i = 0; i < 10; ++i) {
    SUCCEEDS(api.rgc_collect(shared->gc, NULL, NULL, 0, NULL, 0, 0, NULL, errptr));
    SUCCEEDS(api.rgc_worker_drain(shared->gc, 5, errptr));
  }
  return NULL;
}

static void* write_often(void* state) {
  struct shared* shared = state;
  for (uint64_t i = 0; i < 200; ++i) {
    char user[2] = {(char)('a' + i % 3 % 2), 0}; /* a and b: outside */
    pthread_mutex_lock(&shared->engine->turn);
    mem_put(shared->engine->store, CF_DEFAULT, raw_key(1, user, 10 + i % 60), i % 5 == 0 ? "\2" : "\0", 1);
    mem_put(shared->engine->store, CF_DEFAULT, raw_key(1, "d", 90 + i), BYTES("\0"));
    if (i % 50 == 0) mem_flush(shared->engine->store, CF_DEFAULT);
    pthread_mutex_unlock(&shared->engine->turn);
    if (i % 20 == 0) run_over(shared->gc, shared->engine, CF_DEFAULT, RGC_KIND_RAW);
  }
  return NULL;
}

static void several(void) {
  struct shared shared = {gc_at_80(""), engine_new(), 0};
  mem_judge(shared.engine->store, CF_DEFAULT, shared.gc, RGC_KIND_RAW);
  attach(shared.gc, shared.engine, 5);
  void* (*const jobs[])(void*) = {destroy_often, destroy_often, collect_often, write_often};
  pthread_t threads[4];
  for (size_t i = 0; i < 4; ++i) REQUIRE(pthread_create(&threads[i], NULL, jobs[i], &shared) == 0);
  for (size_t i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  drain(shared.gc);
  CHECK_EQ(api.rgc_worker_pending(shared.gc), 0);
  CHECK_EQ(api.rgc_destroyed_count(shared.gc), ledger_records(shared.engine, CF_LEDGER));
  struct key start = raw_key(1, "c", 0);
  struct key end = raw_key(1, "f", 0);
  SUCCEEDS(api.rgc_destroy_range(shared.gc, OF(start), OF(end), 0, NULL, errptr));
  CHECK_EQ(mem_count(shared.engine->store, CF_DEFAULT, start, end), 0);
  rgc_stats_t stats = stats_of(shared.gc);
  CHECK_EQ(stats.rows_left_unparsed, 0);
  CHECK_EQ(stats.runs_closed, 0);
  api.rgc_destroy(shared.gc);
  engine_free(shared.engine);
}

/* Calls that are on when the store goes end before it does. */
static void slow_compaction(void* state, int function) {
  (void)state;
  if (function == COMPACT || function == FLUSH || function == DELETE_FILES) pause_ms(20);
}
static void* destroy_once(void* state) {
  struct shared* shared = state;
  struct key start = raw_key(1, "c", 0);
  struct key end = raw_key(1, "e", 0);
  char* error = NULL;
  api.rgc_destroy_range(shared->gc, OF(start), OF(end), 0, NULL, &error);
  api.rgc_free(error);
  return NULL;
}

static void detached_meanwhile(void) {
  for (int round = 0; round < 4; ++round) {
    struct shared shared = {gc_at_80(""), engine_new(), 0};
    for (uint64_t ts = 1; ts < 20; ++ts) mem_put(shared.engine->store, CF_DEFAULT, raw_key(1, "d", ts), BYTES("\0"));
    mem_flush(shared.engine->store, CF_DEFAULT);
    attach(shared.gc, shared.engine, 5);
    shared.engine->during = slow_compaction;
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, destroy_once, &shared) == 0);
    pause_ms(round * 10);
    api.rgc_detach(shared.gc);
    CHECK_EQ(shared.engine->calls[DESTRUCTOR], 1);
    size_t calls = 0;
    for (int function = 0; function < FUNCTIONS; ++function) calls += engine_calls(shared.engine, function);
    pthread_join(thread, NULL);
    for (int function = 0; function < FUNCTIONS; ++function) calls -= engine_calls(shared.engine, function);
    CHECK_EQ(calls, 0);
    engine_forget(shared.engine);
    /* Whatever became of it, the next attach knows. */
    size_t records = ledger_records(shared.engine, CF_LEDGER);
    attach(shared.gc, shared.engine, 5);
    if (records == 1) CHECK_EQ(mem_count(shared.engine->store, CF_DEFAULT, raw_key(1, "d", 99), raw_key(1, "d", 0)), 0);
    CHECK_EQ(api.rgc_destroyed_count(shared.gc), records);
    api.rgc_destroy(shared.gc);
    engine_free(shared.engine);
  }
}

/* Files as no store has them. */
static int nonsense(void* state, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file), void* each_state, char** errptr) {
  (void)state;
  (void)cf;
  (void)errptr;
  static const rgc_property_t properties[] = {
      {NULL, 0, NULL, 0},
      {"", 0, "", 0},
      {BYTES("tikv.min_ts"), BYTES("short")},
      {BYTES("tikv.num_rows"), BYTES("\xff\xff\xff\xff\xff\xff\xff\xff")},
      {BYTES("tikv.num_versions"), BYTES("\0\0\0\0\0\0\0\0")},
      {BYTES("tikv.max_row_versions"), NULL, 0},
  };
  rgc_file_t file = {.struct_size = sizeof file};
  each(each_state, &file);
  file.level = -3;
  file.bytes = file.entries = file.deletions = UINT64_MAX;
  each(each_state, &file);
  file.smallest = "z";
  file.smallest_len = 1;
  file.largest = "a";
  file.largest_len = 1;
  file.level = INT32_MAX;
  each(each_state, &file);
  file.smallest = "\0";
  file.largest = "\xff";
  file.user_collected = properties;
  file.num_user_collected = sizeof properties / sizeof *properties;
  each(each_state, &file);
  file.level = 6;
  file.entries = 1;
  file.deletions = 0;
  each(each_state, &file);
  each(each_state, NULL);
  file.struct_size = 3;
  each(each_state, &file);
  file.struct_size = sizeof file;
  file.smallest = NULL;
  each(each_state, &file);
  return RGC_ENGINE_OK;
}

static void answers(void) {
  struct key start = raw_key(1, "c", 0);
  struct key end = raw_key(1, "e", 0);
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  rgc_engine_t functions = mem_functions;
  functions.files = nonsense;
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "a", 9), BYTES("\0"));
  mem_put(engine->store, CF_DEFAULT, raw_key(1, "d", 9), BYTES("\0"));
  SUCCEEDS(api.rgc_attach_engine(gc, &functions, engine, families, 5, errptr));
  rgc_collect_report_t report = {.struct_size = sizeof report};
  api.rgc_collect(gc, NULL, NULL, 0, NULL, 0, 0, &report, NULL);
  api.rgc_collect(gc, NULL, OF(start), OF(end), 1, &report, NULL);
  api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, NULL);
  CHECK(mem_has(engine->store, CF_DEFAULT, raw_key(1, "a", 9)));
  api.rgc_detach(gc);
  /* Any call may be too busy once: then it is made again, or an error. */
  for (int function = 0; function < STALLED; ++function) {
    mem_put(engine->store, CF_DEFAULT, raw_key(1, "d", 9), BYTES("\0"));
    mem_flush(engine->store, CF_DEFAULT);
    attach(gc, engine, 5);
    engine->busy[function] = 1;
    char* error = NULL;
    api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, &error);
    if (error == NULL) CHECK(!mem_has(engine->store, CF_DEFAULT, raw_key(1, "d", 9)));
    api.rgc_free(error);
    engine_forget(engine);
    SUCCEEDS(api.rgc_destroy_range(gc, OF(start), OF(end), 0, NULL, errptr));
    CHECK(!mem_has(engine->store, CF_DEFAULT, raw_key(1, "d", 9)));
    engine->busy[function] = 1;
    error = NULL;
    api.rgc_collect(gc, NULL, NULL, 0, NULL, 0, 0, NULL, &error);
    api.rgc_free(error);
    engine_forget(engine);
    api.rgc_detach(gc);
  }
  CHECK(mem_has(engine->store, CF_DEFAULT, raw_key(1, "a", 9)));
  api.rgc_destroy(gc);
  engine_free(engine);
}

void test_together(void) {
  several();
  detached_meanwhile();
  answers();
}
