/* parts.h - the parts of every_export.c and what they share. */
#ifndef PARTS_H
#define PARTS_H

#include "../api.h"
#include "../check.h"
#include "../keys.h"

/* Every part, in the order in which they run: its name, the parameters of its function test_NAME,
 * their arguments (`seed` of random numbers, number `rounds` of random keys), and what it shows. */
#define EVERY_PART(X) \
  X(library, (void), (), "the version, memory, kinds of errors and levels of the log are as the header says")            \
  X(options, (void), (), "options are taken by name, and wrong ones are refused by name and value")                      \
  X(safe_points, (void), (), "safe points only move forward, for keyspaces that exist")                                  \
  X(types_and_removals, (void), (), "the first type of a keyspace is kept, and a paused keyspace keeps everything")      \
  X(barriers, (void), (), "a barrier holds safe points back until it is deleted or has ended")                           \
  X(runs, (void), (), "a filter judges keys in order, and keeps everything after a wrong order")                         \
  X(values, (void), (), "expiry, delete mark and damage are read from values")                                           \
  X(records, (void), (), "records of transactions are judged by type and commit timestamp")                              \
  X(skips, (void), (), "a filter skips only as far as no tombstone can be lost")                                         \
  X(inputs, (void), (), "what a filter is told of its input files decides whether it may skip")                          \
  X(collectors, (void), (), "files get properties, and compactions that need no filter by them get none")                \
  X(listener, (void), (), "the listener tells filters their level")                                                      \
  X(key_layouts, (void), (), "prefixes, plain keys, history and unknown keyspaces change what is judged")                \
  X(callbacks, (void), (), "loggers and clocks may call readers, and nothing that waits")                                \
  X(refusals, (void), (), "what refuses returns 0 and changes nothing")                                                  \
  X(threads, (void), (), "a replaced logger or clock may be freed when the call returns")                                \
  X(rocksdb, (void), (), "RocksDB's functions are bound once, and filters answer its callbacks")                         \
  X(stored_keys, (void), (), "stored keys and ranges are encoded and decoded to the byte")                               \
  X(codec, (void), (), "the codec of a keyspace translates as client-go, TiKV and PD do")                                \
  X(codec_many, (void), (), "the codec translates many keys, and the keys of buckets, in one call")                      \
  X(pd, (void), (), "PD's keys and values are read, and bad ones refused")                                               \
  X(stats, (void), (), "counters come as a struct that grows, and as text")                                              \
  X(attach, (void), (), "a store is attached and given back")                                                            \
  X(worker, (void), (), "the worker finishes the rows that filters hand over")                                           \
  X(worker_batches, (void), (), "the worker deletes long rows in batches, the mark last")                                \
  X(worker_limits, (void), (), "the worker obeys its limits, and waits for stores that stall")                           \
  X(destroy, (void), (), "a destroyed range is gone in order, also after a failure")                                     \
  X(destroy_errors, (void), (), "destroying refuses what it must, and its records end")                                  \
  X(destroy_many, (void), (), "many ranges are destroyed in one call, or none of them")                                  \
  X(debts, (void), (), "files that destroys leave are shown, and compacted once")                                        \
  X(debt_faults, (void), (), "a payment that fails or waits is made later, and a detach does not wait")                  \
  X(debts_of_schemas, (void), (), "dropped and truncated schemas leave debts that are paid")                             \
  X(pending_destroys, (void), (), "a destroy begins when the safe point has passed its timestamp")                       \
  X(destroyed_runs, (void), (), "filters drop keys of destroyed ranges")                                                 \
  X(ledger, (void), (), "the ledger's records survive, and damaged ones are not believed")                               \
  X(reload, (void), (), "a standby knows what replication brought, after it has read the ledger anew")                   \
  X(collect, (void), (), "collecting takes the files with garbage, and reports them")                                    \
  X(locks, (void), (), "the oldest lock of a keyspace is found, and a damaged one is not overlooked")                     \
  X(explaining, (void), (), "an operator is told why nothing is collected")                                              \
  X(together, (void), (), "several threads use one store, and engines may answer nonsense")                              \
  X(schemas, (uint64_t seed), (seed), "lists, creations and drops decide the state of a schema")                         \
  X(schema_runs, (void), (), "filters drop keys of dropped schemas, and no others")                                      \
  X(schema_changes, (uint64_t seed), (seed), "a list that changes during a compaction is used from the next row on")     \
  X(schema_skips, (uint64_t seed), (seed), "skips over dropped schemas leave exactly what must be left")                 \
  X(schema_drops, (void), (), "a dropped schema is cleared, and stays dropped")                                          \
  X(schema_edges, (void), (), "the first and last ids, data prefixes and moved ledgers work")                            \
  X(schema_meetings, (void), (), "drops and truncations go on beside full queues, stalls and closed stores")             \
  X(schema_drop_faults, (void), (), "a drop that is interrupted at any call is finished later")                          \
  X(schema_truncates, (void), (), "a truncation deletes versions up to its timestamp, oldest first")                     \
  X(schema_truncate_faults, (void), (), "a truncation that is interrupted at any call is finished later")                \
  X(schema_plain, (void), (), "schemas of plain keys are truncated, keys between them stay")                             \
  X(schema_records, (void), (), "records of every shape are truncated")                                                  \
  X(schema_threads, (void), (), "several threads drop and truncate while the host detaches")                             \
  X(schema_histories, (uint64_t seed), (seed), "random hosts crash and come back, and each row reads right")             \
  X(kinds, (void), (), "a number that is no kind is refused")                                                            \
  X(keyspaces, (void), (), "states, names and types of keyspaces are loaded, and wrong moves refused")                   \
  X(keyspace_names, (void), (), "a keyspace is found by its name, unless two own it")                              \
  X(keyspace_bytes, (uint64_t seed), (seed), "PD's bytes are read, and damaged ones change nothing")                     \
  X(keyspace_destroys, (void), (), "a destroyed keyspace is neither registered nor loaded as alive")                     \
  X(foreach, (void), (), "an operator is shown keyspaces and destroyed ranges")                                          \
  X(foreach_schemas, (void), (), "an operator is shown schemas")                                                         \
  X(recovery, (uint64_t seed), (seed), "a WAL filter leaves out exactly what was dropped")                               \
  X(random, (uint64_t seed, uint64_t rounds), (seed, rounds), "random bytes crash nothing, and only garbage is removed")

#define DECLARE_PART_(name, parameters, arguments, shows) void test_##name parameters;
EVERY_PART(DECLARE_PART_)

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
/* Gives three versions of a row of keyspace 1 (100, 70, 60) to a new filter; returns how many it
 * removed. */
int removals_of_a_row(rgc_t* gc);

/* On a thread of their own: with a store attached they are refused where a filter lives. */
void set_enabled_elsewhere(rgc_t* gc, int enabled);
void remove_keyspace_1_elsewhere(rgc_t* gc);

/* Long enough for the worker to begin what it can begin. */
void pause_a_little(void);

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
