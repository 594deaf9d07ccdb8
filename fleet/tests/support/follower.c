/* follower.c - a follower by the C API as a process that answers commands.
 *
 *   follower LIBROCKS_GC LIBROCKS_GC_FLEET FOLLOW_MS OPTION=VALUE...
 *
 * It prints "follows", or an error and ends. Then a line for each command of standard input:
 * "point K", "serves", "locks K TS", "holds K NAME TS", "held K NAME", "status". All messages of the
 * library, of each level, go to standard error. */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rocks_gc_fleet.h"

enum { LIMIT_MS = 30000, TTL_SECONDS = 20 };

static void* found(void* library, const char* name) {
  void* function = library == NULL ? NULL : dlsym(library, name);
  if (function == NULL) {
    fprintf(stderr, "%s: %s\n", name, dlerror());
    exit(2);
  }
  return function;
}
#define FIND(library, name) __typeof__(&name) p_##name = (__typeof__(&name))found(library, #name)

static void log_message(void* state, int level, const char* message) {
  (void)state;
  fprintf(stderr, "%d %s\n", level, message);
}

static int resolve(void* state, uint32_t keyspace, uint64_t up_to) {
  (void)state, (void)keyspace, (void)up_to;
  return 1;
}

static int ends_with(const char* error) {
  printf("%s\n", error);
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  FIND(library, rgc_create);
  FIND(library, rgc_keyspace_safe_point);
  void* fleets = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
  FIND(fleets, rgc_fleet_set_logger);
  FIND(fleets, rgc_fleet_options_create);
  FIND(fleets, rgc_fleet_options_set);
  FIND(fleets, rgc_fleet_load);
  FIND(fleets, rgc_fleet_follow);
  FIND(fleets, rgc_fleet_may_serve);
  FIND(fleets, rgc_fleet_may_lock);
  FIND(fleets, rgc_fleet_hold);
  FIND(fleets, rgc_fleet_is_held);
  FIND(fleets, rgc_fleet_status);
  FIND(fleets, rgc_fleet_close);
  if (p_rgc_fleet_set_logger(log_message, NULL, RGC_LOG_DEBUG) != 1) return 2;

  char* error = NULL;
  rgc_t* gc = p_rgc_create(NULL, NULL);
  rgc_fleet_options_t* options = p_rgc_fleet_options_create();
  for (int i = 4; i < argc; ++i) {
    char* value = strchr(argv[i], '=');
    if (value == NULL) return 2;
    *value++ = '\0';
    p_rgc_fleet_options_set(options, argv[i], value, &error);
    if (error != NULL) return ends_with(error);
  }
  const rgc_fleet_host_t host = {sizeof host, NULL, resolve, NULL, NULL};
  rgc_fleet_t* fleet = p_rgc_fleet_load(gc, options, &host, LIMIT_MS, &error);
  if (error != NULL) return ends_with(error);
  p_rgc_fleet_follow(fleet, strtoull(argv[3], NULL, 10), &error);
  if (error != NULL) return ends_with(error);
  puts("follows");

  char line[256], name[65];
  uint32_t keyspace;
  uint64_t ts;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "point %" SCNu32, &keyspace) == 1) {
      printf("%" PRIu64 "\n", p_rgc_keyspace_safe_point(gc, keyspace));
    } else if (sscanf(line, "locks %" SCNu32 " %" SCNu64, &keyspace, &ts) == 2) {
      printf("%d\n", p_rgc_fleet_may_lock(fleet, keyspace, ts));
    } else if (sscanf(line, "holds %" SCNu32 " %64s %" SCNu64, &keyspace, name, &ts) == 3) {
      p_rgc_fleet_hold(fleet, keyspace, name, ts, TTL_SECONDS, LIMIT_MS, &error);
      printf("%s\n", error == NULL ? "held" : error);
    } else if (sscanf(line, "held %" SCNu32 " %64s", &keyspace, name) == 2) {
      printf("%d\n", p_rgc_fleet_is_held(fleet, keyspace, name));
    } else if (strcmp(line, "serves\n") == 0) {
      printf("%d\n", p_rgc_fleet_may_serve(fleet));
    } else {
      printf("%s\n", p_rgc_fleet_status(fleet));
    }
  }
  return p_rgc_fleet_close(fleet) == 1 ? 0 : 2;
}
