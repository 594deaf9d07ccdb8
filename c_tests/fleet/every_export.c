/* every_export.c - calls every function of rocks_gc_fleet.h with good and bad arguments.
 *
 *   every_export LIBROCKS_GC LIBROCKS_GC_FLEET ENDPOINT FREE_PORT_ENDPOINT FOLDER
 *
 * etcd holds cluster 7: keyspace 1 at keyspace level, T 20 and G 10. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rocks_gc_fleet.h"

#define FUNCTIONS(X)                                                                            \
  X(rgc_fleet_abi_version) X(rgc_fleet_set_logger) X(rgc_fleet_options_create)                  \
  X(rgc_fleet_options_set) X(rgc_fleet_options_destroy) X(rgc_fleet_load) X(rgc_fleet_follow)   \
  X(rgc_fleet_may_lock) X(rgc_fleet_may_serve) X(rgc_fleet_hold) X(rgc_fleet_is_held) X(rgc_fleet_release)             \
  X(rgc_fleet_status) X(rgc_fleet_replicated) X(rgc_fleet_close)
#define LIBRARY_FUNCTIONS(X) X(rgc_create) X(rgc_destroy) X(rgc_free) X(rgc_keyspace_safe_point)

#define DECLARE(name) static __typeof__(&name) p_##name;
FUNCTIONS(DECLARE)
LIBRARY_FUNCTIONS(DECLARE)

static void fail(int line, const char* what) {
  fprintf(stderr, "every_export.c:%d: %s\n", line, what);
  exit(1);
}
#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

/* The call must fail, with an error that has this text. */
#define FAILS(call, text)                                                                 \
  do {                                                                                    \
    char* error = (char*)&error;                                                          \
    call;                                                                                 \
    if (error == NULL || strstr(error, text) == NULL) {                                   \
      fail(__LINE__, error == NULL ? "no error, expected: " text : error);                \
    }                                                                                     \
    p_rgc_free(error);                                                                    \
  } while (0)
/* The call must succeed. */
#define WORKS(call)                               \
  do {                                            \
    char* error = (char*)&error;                  \
    call;                                         \
    if (error != NULL) fail(__LINE__, error);     \
  } while (0)

static void* loaded(const char* path) {
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) fail(__LINE__, dlerror());
  return handle;
}

static void* found(void* handle, const char* name) {
  void* function = dlsym(handle, name);
  if (function == NULL) fail(__LINE__, name);
  return function;
}

static void pause_ms(long ms) {
  const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&pause, NULL);
}

static rgc_fleet_t* fleet;
static int messages, resolves, refusals;

static void count_message(void* state, int level, const char* message) {
  CHECK(state == &messages && level >= RGC_LOG_ERROR && level <= RGC_LOG_DEBUG && message != NULL);
  __atomic_add_fetch(&messages, 1, __ATOMIC_SEQ_CST);
}

/* What may not be called in a callback. */
static int resolve(void* state, uint32_t keyspace, uint64_t up_to) {
  CHECK(state == &resolves && keyspace == 1 && up_to == 20);
  if (__atomic_load_n(&fleet, __ATOMIC_SEQ_CST) != NULL && resolves != 0) {
    CHECK(p_rgc_fleet_close(fleet) == 0);
    CHECK(p_rgc_fleet_set_logger(NULL, NULL, RGC_LOG_OFF) == 0);
    FAILS(p_rgc_fleet_hold(fleet, 1, "h", 100, 10, 1000, &error), "inside a callback");
    FAILS(p_rgc_fleet_release(fleet, 1, "h", 1000, &error), "inside a callback");
    FAILS(p_rgc_fleet_follow(fleet, 1000, &error), "inside a callback");
    CHECK(p_rgc_fleet_may_lock(fleet, 1, 20) == 0);
    p_rgc_free(p_rgc_fleet_status(fleet));
    __atomic_add_fetch(&refusals, 1, __ATOMIC_SEQ_CST);
  }
  /* Not yet, the first time. */
  return __atomic_fetch_add(&resolves, 1, __ATOMIC_SEQ_CST) != 0;
}

static void options(rgc_fleet_options_t* options, const char* endpoint) {
  static const char* const bad[][2] = {
      {"endpoint", "http://x"},   {"cluster", "seven"},       {"cluster", "-1"},
      {"cluster", ""},            {"cluster", "18446744073709551616"},
      {"node", ""},               {"node", "a/b"},            {"role", "leader"},
      {"lease_seconds", "1"},     {"lease_seconds", "3601"},  {"call_timeout_ms", "99"},
      {"call_timeout_ms", "1e3"}, {"password", "secret"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    FAILS(p_rgc_fleet_options_set(options, bad[i][0], bad[i][1], &error), "Invalid argument: ");
  }
  FAILS(p_rgc_fleet_options_set(NULL, "node", "n", &error), "options is NULL");
  FAILS(p_rgc_fleet_options_set(options, NULL, "n", &error), "name is NULL");
  FAILS(p_rgc_fleet_options_set(options, "node", NULL, &error), "value is NULL");
  FAILS(p_rgc_fleet_options_set(options, "node", "\xff", &error), "not UTF-8");
  p_rgc_fleet_options_set(options, "no", "such", NULL); /* no errptr: it is logged */
  WORKS(p_rgc_fleet_options_set(options, "role", "standby", &error));
  WORKS(p_rgc_fleet_options_set(options, "role", "primary", &error));
  WORKS(p_rgc_fleet_options_set(options, "lease_seconds", "2", &error));
  WORKS(p_rgc_fleet_options_set(options, "call_timeout_ms", "2000", &error));
  WORKS(p_rgc_fleet_options_set(options, "endpoints", endpoint, &error));
}

static rgc_fleet_t* load(rgc_t* gc, rgc_fleet_options_t* options, const rgc_fleet_host_t* host, const char* text) {
  rgc_fleet_t* follower = NULL;
  if (text == NULL) {
    WORKS(follower = p_rgc_fleet_load(gc, options, host, 20000, &error));
    CHECK(follower != NULL);
  } else {
    char* error = NULL;
    follower = p_rgc_fleet_load(gc, options, host, 2500, &error);
    if (follower != NULL || error == NULL || strstr(error, text) == NULL) fail(__LINE__, error == NULL ? text : error);
    p_rgc_free(error);
  }
  return follower;
}

/* Options that do not go together. */
static void refused_loads(rgc_t* gc, const char* endpoint, const char* free_port, const char* folder) {
  rgc_fleet_options_t* some = p_rgc_fleet_options_create();
  load(NULL, some, NULL, "gc is NULL");
  load(gc, NULL, NULL, "options is NULL");
  load(gc, some, NULL, "the option node is missing");
  WORKS(p_rgc_fleet_options_set(some, "node", "n1", &error));
  load(gc, some, NULL, "the option endpoints is missing");
  WORKS(p_rgc_fleet_options_set(some, "endpoints", free_port, &error));
  load(gc, some, NULL, "the option cluster is missing");
  WORKS(p_rgc_fleet_options_set(some, "cluster", "7", &error));
  load(gc, some, NULL, "IO error: ");
  rgc_fleet_host_t small = {sizeof(size_t), NULL, NULL, NULL, NULL};
  load(gc, some, &small, "struct_size");
  WORKS(p_rgc_fleet_options_set(some, "user", "root", &error));
  load(gc, some, NULL, "user and password_file must be given together");
  char file[4096];
  snprintf(file, sizeof file, "%s/no_such_file", folder);
  WORKS(p_rgc_fleet_options_set(some, "password_file", file, &error));
  load(gc, some, NULL, file);
  p_rgc_fleet_options_destroy(some);

  some = p_rgc_fleet_options_create();
  WORKS(p_rgc_fleet_options_set(some, "node", "n1", &error));
  WORKS(p_rgc_fleet_options_set(some, "cluster", "7", &error));
  WORKS(p_rgc_fleet_options_set(some, "endpoints", endpoint, &error));
  WORKS(p_rgc_fleet_options_set(some, "cert_file", file, &error));
  load(gc, some, NULL, "the option ca_file is missing");
  WORKS(p_rgc_fleet_options_set(some, "ca_file", file, &error));
  load(gc, some, NULL, "Invalid argument: ");
  WORKS(p_rgc_fleet_options_set(some, "key_file", file, &error));
  WORKS(p_rgc_fleet_options_set(some, "tls_domain", "etcd", &error));
  load(gc, some, NULL, "begins with http, but files for TLS are given");
  WORKS(p_rgc_fleet_options_set(some, "endpoints", "https://127.0.0.1:1", &error));
  load(gc, some, NULL, file);
  p_rgc_fleet_options_destroy(some);
  p_rgc_fleet_options_destroy(NULL);
}

static void status_has(const char* text) {
  char* status = p_rgc_fleet_status(fleet);
  if (status == NULL || strstr(status, text) == NULL) fail(__LINE__, status == NULL ? "no status" : status);
  p_rgc_free(status);
}

static void follow(rgc_t* gc, rgc_fleet_options_t* some) {
  const rgc_fleet_host_t host = {sizeof host, &resolves, resolve, NULL, NULL};
  fleet = load(gc, some, &host, NULL);
  CHECK(p_rgc_keyspace_safe_point(gc, 1) == 0); /* locks are not resolved yet */
  status_has("\"epoch\":null");
  CHECK(p_rgc_fleet_may_lock(fleet, 1, 100) == 0 && p_rgc_fleet_may_serve(fleet) == 0);
  WORKS(p_rgc_fleet_follow(fleet, 20000, &error));
  WORKS(p_rgc_fleet_follow(fleet, 20000, &error)); /* it follows already */
  CHECK(p_rgc_fleet_may_serve(fleet) == 1 && p_rgc_fleet_may_serve(NULL) == 0);
  FAILS(p_rgc_fleet_follow(NULL, 20000, &error), "fleet is NULL");
  for (int i = 0; i < 2000 && p_rgc_keyspace_safe_point(gc, 1) != 10; ++i) pause_ms(10);
  CHECK(p_rgc_keyspace_safe_point(gc, 1) == 10 && resolves == 2 && refusals == 1);
  CHECK(p_rgc_fleet_may_lock(fleet, 1, 21) == 1 && p_rgc_fleet_may_lock(fleet, 1, 20) == 0);
  CHECK(p_rgc_fleet_may_lock(fleet, RGC_KEYSPACE_NONE, 1) == 1);
  CHECK(p_rgc_fleet_may_lock(fleet, RGC_KEYSPACE_MAX + 1, 100) == 0);
  CHECK(p_rgc_fleet_may_lock(fleet, 2, 100) == 0); /* not known */
  CHECK(p_rgc_fleet_may_lock(NULL, 1, 100) == 0);
  status_has("\"is_connected\":true");
  CHECK(p_rgc_fleet_status(NULL) == NULL);
}

static void holds(void) {
  p_rgc_fleet_replicated(NULL, 1);
  p_rgc_fleet_replicated(fleet, UINT64_MAX);
  FAILS(p_rgc_fleet_hold(NULL, 1, "h", 100, 10, 5000, &error), "fleet is NULL");
  FAILS(p_rgc_fleet_hold(fleet, RGC_KEYSPACE_MAX + 1, "h", 100, 10, 5000, &error), "16777216");
  FAILS(p_rgc_fleet_hold(fleet, 1, NULL, 100, 10, 5000, &error), "name is NULL");
  FAILS(p_rgc_fleet_hold(fleet, 1, "a b", 100, 10, 5000, &error), "a b");
  FAILS(p_rgc_fleet_hold(fleet, 1, "h", 100, 2, 5000, &error), "ttl_seconds is 2");
  FAILS(p_rgc_fleet_hold(fleet, 1, "h", 100, UINT64_MAX, 5000, &error), "ttl_seconds");
  FAILS(p_rgc_fleet_hold(fleet, 1, "h", 19, 10, 5000, &error), "behind the transaction safe point 20");
  FAILS(p_rgc_fleet_hold(fleet, 1, "h", 100, 10, 0, &error), "within 0 ms");
  WORKS(p_rgc_fleet_hold(fleet, 1, "h", 100, 10, 5000, &error));
  WORKS(p_rgc_fleet_hold(fleet, 1, "h", 20, 10, 5000, &error));
  WORKS(p_rgc_fleet_hold(fleet, RGC_KEYSPACE_NONE, "h", 1, 10, 5000, &error));
  CHECK(p_rgc_fleet_is_held(fleet, 1, "h") == 1 && p_rgc_fleet_is_held(fleet, RGC_KEYSPACE_NONE, "h") == 1);
  CHECK(p_rgc_fleet_is_held(fleet, 2, "h") == 0 && p_rgc_fleet_is_held(fleet, 1, "g") == 0);
  CHECK(p_rgc_fleet_is_held(NULL, 1, "h") == 0 && p_rgc_fleet_is_held(fleet, 1, NULL) == 0);
  CHECK(p_rgc_fleet_is_held(fleet, RGC_KEYSPACE_MAX + 1, "h") == 0);
  FAILS(p_rgc_fleet_release(NULL, 1, "h", 5000, &error), "fleet is NULL");
  FAILS(p_rgc_fleet_release(fleet, 1, NULL, 5000, &error), "name is NULL");
  WORKS(p_rgc_fleet_release(fleet, 1, "h", 5000, &error));
  CHECK(p_rgc_fleet_is_held(fleet, 1, "h") == 0);
  WORKS(p_rgc_fleet_release(fleet, 1, "never held", 5000, &error));
}

int main(int argc, char** argv) {
  if (argc != 6) fail(__LINE__, "usage: every_export LIBROCKS_GC LIBROCKS_GC_FLEET ENDPOINT FREE_PORT_ENDPOINT FOLDER");
  void* alone = loaded(argv[2]);
#define FIND(name) p_##name = (__typeof__(&name))found(alone, #name);
  FUNCTIONS(FIND)
  CHECK(p_rgc_fleet_abi_version() == RGC_FLEET_ABI_VERSION);
  CHECK(p_rgc_fleet_set_logger(count_message, &messages, 99) == 0);
  CHECK(p_rgc_fleet_set_logger(count_message, &messages, -1) == 0);
  CHECK(p_rgc_fleet_set_logger(count_message, &messages, RGC_LOG_DEBUG) == 1);

  rgc_fleet_options_t* some = p_rgc_fleet_options_create();
  WORKS(p_rgc_fleet_options_set(some, "node", "n1", &error));
  /* The fleet's library never loads a second copy of the other one. */
  char* missing = NULL;
  CHECK(p_rgc_fleet_load((rgc_t*)&missing, some, NULL, 1000, &missing) == NULL);
  CHECK(missing != NULL && strncmp(missing, "Not found: librocks_gc.so.1", 27) == 0);
  free(missing);

  void* library = loaded(argv[1]);
#define FIND_LIBRARY(name) p_##name = (__typeof__(&name))found(library, #name);
  LIBRARY_FUNCTIONS(FIND_LIBRARY)
  options(some, argv[3]);
  WORKS(p_rgc_fleet_options_set(some, "cluster", "7", &error));
  rgc_t* gc = p_rgc_create(NULL, NULL);
  refused_loads(gc, argv[3], argv[4], argv[5]);
  CHECK(messages > 0);

  /* Loaded, and never followed. */
  fleet = load(gc, some, NULL, NULL);
  CHECK(p_rgc_keyspace_safe_point(gc, 1) == 10);
  CHECK(p_rgc_fleet_close(fleet) == 1);
  fleet = NULL;
  CHECK(p_rgc_destroy(gc) == 1);

  gc = p_rgc_create(NULL, NULL);
  follow(gc, some);
  holds();
  CHECK(p_rgc_fleet_close(fleet) == 1);
  CHECK(p_rgc_fleet_close(NULL) == 1);
  p_rgc_fleet_options_destroy(some);
  CHECK(p_rgc_destroy(gc) == 1);
  CHECK(p_rgc_fleet_set_logger(NULL, NULL, RGC_LOG_OFF) == 1);
  puts("every_export: ok");
  return 0;
}
