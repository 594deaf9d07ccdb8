/* every_export.c - calls every function of rocks_gc.h with valid and with invalid arguments. It
 * needs no RocksDB.
 *
 * Usage: every_export LIBRARY [NAME...]
 * With names of parts it runs only those. ROCKS_GC_TEST_SEED is the seed of the random numbers, and
 * ROCKS_GC_TEST_ROUNDS the number of random keys. It prints a line for each part: PASSED or FAILED,
 * its time, its name and what it shows. */
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>

#include "every_export/parts.h"

static uint64_t number_of(const char* variable, uint64_t otherwise) {
  const char* text = getenv(variable);
  return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define NAME_OF_PART_(name, parameters, arguments, shows) #name,
static const char* const names[] = {EVERY_PART(NAME_OF_PART_)};

static int is_among(const char* name, char** chosen, int n) {
  for (int i = 0; i < n; ++i) {
    if (strcmp(chosen[i], name) == 0) return 1;
  }
  return n == 0;
}

static int is_part(const char* name) {
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strcmp(names[i], name) == 0) return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  REQUIRE(argc >= 2);
  char** chosen = argv + 2;
  int n = argc - 2;
  for (int i = 0; i < n; ++i) {
    if (is_part(chosen[i])) continue;
    fprintf(stderr, "no part is called %s; there are:\n", chosen[i]);
    for (size_t part = 0; part < sizeof names / sizeof *names; ++part) fprintf(stderr, "  %s\n", names[part]);
    return 2;
  }
  /* A part that never returns is a failure, too. */
  alarm(600);
  api_load(argv[1]);
  /* Thousands of calls fail on purpose. */
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  uint64_t rounds = number_of("ROCKS_GC_TEST_ROUNDS", 200000);
  uint64_t seed = number_of("ROCKS_GC_TEST_SEED", (uint64_t)time(NULL));
  printf("ROCKS_GC_TEST_SEED=%" PRIu64 "\n", seed);

#define RUN_PART_(name, parameters, arguments, shows)                                                                  \
  if (is_among(#name, chosen, n)) {                                                                                    \
    int failed = check_failed();                                                                                       \
    double begun = seconds_now();                                                                                      \
    test_##name arguments;                                                                                             \
    const char* outcome = check_failed() == failed ? "PASSED" : "FAILED";                                             \
    printf("%s %6.2f s  %s: %s\n", outcome, seconds_now() - begun, #name, shows);                                      \
    fflush(stdout);                                                                                                    \
  }
  EVERY_PART(RUN_PART_)
  return check_summary("every_export") == 0 ? 0 : 1;
}
