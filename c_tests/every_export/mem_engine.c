/* mem_engine.c - see mem_engine.h. */
#define _GNU_SOURCE
#include "mem_engine.h"

struct rgc_engine_iterator_t {
  struct mem_engine* engine;
  struct pair* pairs;
  size_t n, at;
  int is_backwards;
  struct pair shown; /* alone in memory, and given back by the next call */
};

struct mem_engine* engine_new(void) {
  struct mem_engine* engine = calloc(1, sizeof *engine);
  REQUIRE(engine != NULL);
  engine->store = mem_new();
  engine->fails_in = -1;
  pthread_mutex_init(&engine->turn, NULL);
  return engine;
}

static void forget_log(struct mem_engine* engine) {
  for (size_t i = 0; i < engine->logged; ++i) {
    struct call* call = &engine->log[i];
    free(call->start.data);
    free(call->end.data);
    for (size_t j = 0; j < call->n; ++j) {
      free(call->ops[j].key.data);
      free(call->ops[j].value.data);
    }
    free(call->ops);
  }
  free(engine->log);
  engine->log = NULL;
  engine->logged = 0;
}

void engine_free(struct mem_engine* engine) {
  CHECK_EQ(engine->iterators, 0);
  forget_log(engine);
  mem_free(engine->store);
  pthread_mutex_destroy(&engine->turn);
  free(engine);
}

void engine_forget(struct mem_engine* engine) {
  pthread_mutex_lock(&engine->turn);
  forget_log(engine);
  memset(engine->calls, 0, sizeof engine->calls);
  memset(engine->busy, 0, sizeof engine->busy);
  engine->fails_in = -1;
  engine->fails_on = 0;
  engine->failed = 0;
  engine->is_stalled = 0;
  engine->compacts_nothing = 0;
  engine->during = NULL;
  pthread_mutex_unlock(&engine->turn);
}

void engine_fail(struct mem_engine* engine, int function, int how, long n) {
  pthread_mutex_lock(&engine->turn);
  engine->fails = function;
  engine->fails_how = how;
  engine->fails_in = n;
  engine->failed = 0;
  pthread_mutex_unlock(&engine->turn);
}

size_t engine_calls(struct mem_engine* engine, int function) {
  pthread_mutex_lock(&engine->turn);
  size_t calls = engine->calls[function];
  pthread_mutex_unlock(&engine->turn);
  return calls;
}

/* Logs a call, locks, and returns what the call must answer. *is_done = it must do its work, also
 * if it answers an error. */
static int enter(struct mem_engine* engine, int function, int may_be_busy, int* is_done, char** errptr) {
  pthread_mutex_lock(&engine->turn);
  void (*during)(void*, int) = engine->during;
  pthread_mutex_unlock(&engine->turn);
  if (during != NULL) during(engine->during_state, function);
  pthread_mutex_lock(&engine->turn);
  ++engine->calls[function];
  *is_done = 1;
  if (function >= STALLED) return RGC_ENGINE_OK;
  CHECK(errptr != NULL && *errptr == NULL);
  if (may_be_busy && engine->busy[function] > 0) {
    --engine->busy[function];
    *is_done = 0;
    return RGC_ENGINE_BUSY;
  }
  if (engine->fails_in < 0 || (engine->fails != ANY && engine->fails != function)) return RGC_ENGINE_OK;
  if (engine->fails_in > 0) {
    --engine->fails_in;
    return RGC_ENGINE_OK;
  }
  if (!engine->fails_on) engine->fails_in = -1;
  ++engine->failed;
  *is_done = engine->fails_how == UNKNOWN;
  if (engine->fails_how == GARBAGE) return 77;
  if (engine->fails_how != WITHOUT_TEXT) {
    struct bytes text = bytes_copy(NO_SPACE, sizeof NO_SPACE);
    *errptr = text.data;
  }
  return RGC_ENGINE_ERROR;
}

static void leave(struct mem_engine* engine) { pthread_mutex_unlock(&engine->turn); }

static struct call* note(struct mem_engine* engine, int function, uint32_t cf, int flags, const char* start, size_t start_len,
                         const char* end, size_t end_len) {
  CHECK(cf < MEM_FAMILIES);
  engine->log = realloc(engine->log, (engine->logged + 1) * sizeof *engine->log);
  REQUIRE(engine->log != NULL);
  struct call* call = &engine->log[engine->logged++];
  *call = (struct call){function, cf, flags, bytes_copy(start, start_len), bytes_copy(end, end_len), NULL, 0};
  return call;
}

static int get(void* state, uint32_t cf, const char* key, size_t key_len, char** value, size_t* value_len, char** errptr) {
  struct mem_engine* engine = state;
  int is_done;
  int answer = enter(engine, GET, 1, &is_done, errptr);
  note(engine, GET, cf, 0, key, key_len, NULL, 0);
  if (answer == RGC_ENGINE_OK) {
    struct bytes next = bytes_copy(key, key_len);
    next.data = realloc(next.data, key_len + 1);
    REQUIRE(next.data != NULL);
    next.data[key_len] = 0;
    size_t n = 0;
    struct pair* found = mem_read(engine->store, cf, key, key_len, next.data, key_len + 1, &n);
    *value = NULL;
    *value_len = 0;
    if (n != 0) {
      *value_len = found[0].value.len;
      *value = found[0].value.data;
      found[0].value.data = NULL;
    }
    pairs_free(found, n);
    free(next.data);
  }
  leave(engine);
  return answer;
}

static int write_batch(void* state, const rgc_write_t* writes, size_t n, int flags, char** errptr) {
  struct mem_engine* engine = state;
  int is_done;
  int answer = enter(engine, WRITE, flags & RGC_WRITE_FLAG_NO_SLOWDOWN, &is_done, errptr);
  /* Nothing, but durable: what was written before. */
  if (n == 0) CHECK((flags & RGC_WRITE_FLAG_SYNC) != 0);
  CHECK((flags & ~(RGC_WRITE_FLAG_SYNC | RGC_WRITE_FLAG_NO_SLOWDOWN)) == 0);
  if (answer == RGC_ENGINE_OK && engine->is_stalled && (flags & RGC_WRITE_FLAG_NO_SLOWDOWN)) {
    answer = RGC_ENGINE_BUSY;
    is_done = 0;
  }
  if (is_done) {
    struct call* call = note(engine, WRITE, n == 0 ? 0 : writes[0].cf, flags, NULL, 0, NULL, 0);
    call->ops = calloc(n + 1, sizeof *call->ops);
    REQUIRE(call->ops != NULL);
    call->n = n;
    for (size_t i = 0; i < n; ++i) {
      CHECK(writes[i].op >= RGC_OP_PUT && writes[i].op <= RGC_OP_DELETE_RANGE);
      if (writes[i].op == RGC_OP_DELETE) CHECK(writes[i].value == NULL && writes[i].value_len == 0);
      if (writes[i].op == RGC_OP_DELETE_RANGE) {
        CHECK(bytes_compare(writes[i].key, writes[i].key_len, writes[i].value, writes[i].value_len) < 0);
      }
      struct bytes key = bytes_copy(writes[i].key, writes[i].key_len);
      call->ops[i] = (struct op){writes[i].op, writes[i].cf, key, bytes_copy(writes[i].value, writes[i].value_len)};
      mem_write(engine->store, &writes[i]);
    }
  }
  leave(engine);
  return answer;
}

static rgc_engine_iterator_t* iterate(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                                      unsigned char backwards, char** errptr) {
  struct mem_engine* engine = state;
  int is_done;
  int answer = enter(engine, ITERATE, 0, &is_done, errptr);
  note(engine, ITERATE, cf, backwards, start, start_len, end, end_len);
  rgc_engine_iterator_t* it = NULL;
  if (answer == RGC_ENGINE_OK) {
    it = calloc(1, sizeof *it);
    REQUIRE(it != NULL);
    it->engine = engine;
    it->pairs = mem_read(engine->store, cf, start, start_len, end, end_len, &it->n);
    it->is_backwards = backwards;
    ++engine->iterators;
  }
  leave(engine);
  return it;
}

static void forget_shown(rgc_engine_iterator_t* it) {
  free(it->shown.key.data);
  free(it->shown.value.data);
  it->shown = (struct pair){{0, NULL}, {0, NULL}};
}

static int next(rgc_engine_iterator_t* it, const char** key, size_t* key_len, const char** value, size_t* value_len, char** errptr) {
  struct mem_engine* engine = it->engine;
  int is_done;
  int answer = enter(engine, NEXT, 1, &is_done, errptr);
  forget_shown(it);
  *key = *value = NULL;
  *key_len = *value_len = 0;
  if (answer == RGC_ENGINE_OK && it->at < it->n) {
    struct pair pair = it->pairs[it->is_backwards ? it->n - 1 - it->at : it->at];
    ++it->at;
    it->shown = (struct pair){bytes_copy(pair.key.data, pair.key.len), bytes_copy(pair.value.data, pair.value.len)};
    *key = it->shown.key.data;
    *key_len = it->shown.key.len;
    *value = it->shown.value.data;
    *value_len = it->shown.value.len;
  }
  leave(engine);
  return answer;
}

static void iterator_destroy(rgc_engine_iterator_t* it) {
  struct mem_engine* engine = it->engine;
  int is_done;
  enter(engine, ITERATOR_DESTROY, 0, &is_done, NULL);
  --engine->iterators;
  leave(engine);
  forget_shown(it);
  pairs_free(it->pairs, it->n);
  free(it);
}

static int delete_files(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len, char** errptr) {
  struct mem_engine* engine = state;
  int is_done;
  int answer = enter(engine, DELETE_FILES, 1, &is_done, errptr);
  note(engine, DELETE_FILES, cf, 0, start, start_len, end, end_len);
  if (is_done) mem_delete_files(engine->store, cf, start, start_len, end, end_len);
  leave(engine);
  return answer;
}

static int compact(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                   unsigned char last_level_too, char** errptr) {
  struct mem_engine* engine = state;
  int is_done;
  int answer = enter(engine, COMPACT, 1, &is_done, errptr);
  note(engine, COMPACT, cf, last_level_too, start, start_len, end, end_len);
  if (is_done && !engine->compacts_nothing) mem_compact(engine->store, cf, start, start_len, end, end_len, last_level_too);
  leave(engine);
  return answer;
}

static int flush(void* state, uint32_t cf, char** errptr) {
  struct mem_engine* engine = state;
  int is_done;
  int answer = enter(engine, FLUSH, 1, &is_done, errptr);
  note(engine, FLUSH, cf, 0, NULL, 0, NULL, 0);
  if (is_done) mem_flush(engine->store, cf);
  leave(engine);
  return answer;
}

static int files(void* state, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file), void* each_state, char** errptr) {
  struct mem_engine* engine = state;
  int is_done;
  int answer = enter(engine, FILES, 1, &is_done, errptr);
  note(engine, FILES, cf, 0, NULL, 0, NULL, 0);
  if (is_done) mem_files(engine->store, cf, each, each_state);
  leave(engine);
  return answer;
}

static int write_stalled(void* state) {
  struct mem_engine* engine = state;
  int is_done;
  enter(engine, STALLED, 0, &is_done, NULL);
  int answer = engine->is_stalled;
  leave(engine);
  return answer;
}

static void destructor(void* state) {
  struct mem_engine* engine = state;
  int is_done;
  enter(engine, DESTRUCTOR, 0, &is_done, NULL);
  CHECK_EQ(engine->iterators, 0);
  leave(engine);
}

/* No crash loses what is in memory, so every write is durable. */
static int get_durable(void* state, uint32_t cf, const char* key, size_t key_len, char** value, size_t* value_len, char** errptr) {
  return get(state, cf, key, key_len, value, value_len, errptr);
}

/* Of the functions that may be NULL, only get_durable is not. */
const rgc_engine_t mem_functions = {sizeof mem_functions, get,     write_batch, iterate, next,          iterator_destroy,
                                    delete_files,         compact, flush,       files,   write_stalled, destructor,
                                    get_durable,          NULL,    NULL,        NULL,    NULL};
