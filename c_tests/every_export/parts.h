/* parts.h - the parts of every_export.c and what they share. */
#ifndef PARTS_H
#define PARTS_H

#include "../api.h"
#include "../check.h"
#include "../keys.h"

void test_library(void);
void test_options(void);
void test_safe_points(void);
void test_types_and_removals(void);
void test_runs(void);
void test_values(void);
void test_records(void);
void test_skips(void);
void test_inputs(void);
void test_listener(void);
void test_layouts(void);
void test_callbacks(void);
void test_refusals(void);
void test_threads(void);
void test_rocksdb(void);
void test_stored_keys(void);
void test_codec(void);
void test_stats(void);
void test_attach(void);
void test_worker(void);
void test_worker_batches(void);
void test_worker_limits(void);
void test_destroy(void);
void test_destroy_errors(void);
void test_destroyed_runs(void);
void test_ledger(void);
void test_collect(void);
void test_together(void);
void test_schemas(uint64_t seed);
void test_schema_runs(void);
void test_schema_changes(uint64_t seed);
void test_schema_skips(uint64_t seed);
void test_schema_drops(void);
void test_schema_edges(void);
void test_schema_meetings(void);
void test_schema_drop_faults(void);
void test_schema_truncates(void);
void test_schema_truncate_faults(void);
void test_schema_plain(void);
void test_schema_records(void);
void test_schema_threads(void);
void test_schema_histories(uint64_t seed);
void test_kinds(void);
void test_keyspaces(void);
void test_keyspace_bytes(uint64_t seed);
void test_keyspace_destroys(void);
void test_foreach(void);
void test_foreach_schemas(void);
void test_recovery(uint64_t seed);
/* Random bytes; `rounds` keys in order, and as many out of order. */
void test_random(uint64_t seed, uint64_t rounds);

/* A context with options as rgc_options_parse takes them. */
rgc_t* gc_with(const char* options);
/* The same with keyspace 1 at keyspace level and its safe point at 80. */
rgc_t* gc_at_80(const char* options);
rgc_stats_t stats_of(const rgc_t* gc);
/* A run that there must be. */
rgc_filter_t* run_of(rgc_t* gc, int kind);
/* One decision about a plain value. */
int decide(rgc_filter_t* run, struct key key, const char* value, size_t value_len);
/* The same with a value that is alive. */
int decide_live(rgc_filter_t* run, struct key key);
/* Runs three versions of a row of keyspace 1 (100, 70, 60) through a new run; returns how many it removed. */
int removals_of_a_row(rgc_t* gc);

/* On a thread of their own: with a store attached they are refused where a filter lives. */
void set_enabled_elsewhere(rgc_t* gc, int enabled);
void remove_keyspace_1_elsewhere(rgc_t* gc);

/* A logger that remembers. State: a struct log of zeros. */
struct log {
  int lines;
  int highest_level;
  char text[1 << 16];
};
void remember(void* state, int level, const char* message);

/* A clock whose state is a uint64_t of seconds. */
uint64_t fixed_clock(void* seconds);

#endif
