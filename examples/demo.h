/* demo.h - what the parts of the demo share. */
#ifndef DEMO_H
#define DEMO_H
#include <rocks_gc.h>
#include <rocksdb/c.h>
#include <stdint.h>
#include <stdio.h>

/* ---------------------------------------------------------------- demo.c: the host */

#define RGC_FUNCTIONS(X)                                                                                                \
  X(abi_version) X(version) X(free) X(set_logger) X(options_create) X(options_set) X(options_destroy) X(create)         \
  X(destroy) X(set_clock) X(bind_rocksdb_symbols) X(rocksdb_filter_factory) X(set_keyspace_gc_type)                     \
  X(pause_keyspace) X(advance_global_safe_point)  X(advance_keyspace_safe_point) X(keyspace_safe_point)                 \
  X(attach_rocksdb) X(detach) X(worker_drain) X(destroy_keyspace) X(destroyed_count) X(encode_key) X(decode_key)        \
  X(keyspace_range) X(stats)

/* The functions of the library, found at run time: rgc.create is rgc_create, and so on. */
#define RGC_DECLARE(function) __typeof__(rgc_##function)* function;
extern struct rgc_functions {
  RGC_FUNCTIONS(RGC_DECLARE)
} rgc;

/* What the demo holds; clean_up gives it back on every way out. */
extern struct demo {
  void* library;
  rgc_options_t* gc_options;
  rgc_t* gc;
  rocksdb_options_t* options;
  rocksdb_writeoptions_t* write_options;
  rocksdb_flushoptions_t* flush_options;
  rocksdb_compactoptions_t* compact_options;
  rocksdb_readoptions_t* read_options;
  rocksdb_writebatch_t* batch;
  rocksdb_t* db;
  rocksdb_iterator_t* iterator; /* while there is one */
  char directory[256];
} demo;

/* Ends the demo with what is wrong. */
_Noreturn void fail(const char* what, const char* why);

/* Ends the demo if Ctrl-C was pressed. */
void stop_if_interrupted(void);

/* From some moment on. */
double seconds(void);

/* Makes a call that writes to the char* err, and ends the demo if it wrote a text. */
#define CHECK(release, call)                \
  do {                                      \
    char* err = NULL;                       \
    call;                                   \
    if (err) {                              \
      char why[512];                        \
      snprintf(why, sizeof why, "%s", err); \
      release(err);                         \
      fail(#call, why);                     \
    }                                       \
  } while (0)
#define RGC(call) CHECK(rgc.free, call)
#define ROCKSDB(call) CHECK(rocksdb_free, call)

/* ---------------------------------------------------------------- demo_data.c: what is written */

enum { HOURS = 24, NO_SAFE_POINT = -1, DEFAULT_THOUSANDS = 1300 };

/* The demo's clock stands still: 2026-01-01 00:00 UTC. */
#define NOW UINT64_C(1767225600)

typedef struct {
  const char* name;
  uint32_t id;
  const char* type;
  int safe_point_hours;      /* the effective safe point lies so many hours back; or NO_SAFE_POINT */
  unsigned rows_percent;     /* of all rows */
  unsigned ttl_percent;      /* of its versions have a TTL */
  double gone_min, gone_max; /* which part of its versions must go */
  uint64_t rows;
} keyspace_t;

enum { ORDERS, REPORTS, USERS, SESSIONS, SCRATCH, ARCHIVE, KEYSPACES };
extern keyspace_t keyspaces[KEYSPACES];
#define EACH_KEYSPACE(k) (keyspace_t* k = keyspaces; k < keyspaces + KEYSPACES; k++)

/* Shares the rows out. */
void plan_data(uint64_t thousands_of_versions);

/* TiKV's timestamp of so many hours ago: milliseconds, and 18 bits below. */
uint64_t hours_ago(int hours);

/* A keyspace's effective safe point, as it should be in the end. */
uint64_t planned_safe_point(const keyspace_t* k);

/* Writes the versions from that hour ago down to the other, and flushes every fourth hour. */
void write_hours(int from, int to);

/* ---------------------------------------------------------------- demo_look.c: what is there */

typedef struct {
  uint64_t versions, rows, bytes;
  uint64_t must_stay; /* versions at or above the safe point, or the newest of their row */
  uint64_t dead_rows; /* whose newest version is dead and below the safe point: nothing of them has to stay */
  uint64_t* found;    /* what a reader gets of each row: a hash, or 0 = nothing */
} look_t;

/* A look at every keyspace, before and after the collection. */
extern look_t before[KEYSPACES], after[KEYSPACES];

/* Reads every version of every keyspace. */
void look_at_all(look_t* looks);

/* In how many rows of a keyspace a reader gets the same before and after. */
uint64_t same_reads(const keyspace_t* k);

/* Holds what is there against the rule; returns how much is wrong, and says what. */
int count_mistakes(void);

void free_looks(look_t* looks);

/* |---------------------------------------------------------------- demo_destroy.c: a tenant
 * leaves */

/* Destroys a keyspace and prints its space before and after; returns how many checks failed, and
 * prints them. */
int destroy(const keyspace_t* k);

/* |---------------------------------------------------------------- demo_print.c: what the
 * operator sees */

/* A number with its thousands set apart; good for sixteen numbers at a time. */
const char* number(uint64_t n);

void print_versions(void);

/* Prints the levels that have files; returns how many. */
int print_levels(void);

void print_progress(int hours_done);

void print_table(void);

/* The library's own counters: what stayed, and why. */
void print_why(void);
#endif
