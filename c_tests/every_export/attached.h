/* attached.h - contexts with an attached mem_engine: what tests write, do and check there. */
#ifndef ATTACHED_H
#define ATTACHED_H

#include "mem_engine.h"

/* Waits until the worker has nothing to do or a call of the engine has failed; returns the number
 * of failed calls. */
size_t wait_for_the_fault(const rgc_t* gc, struct mem_engine* engine);

/* The families that tests attach, by their numbers. */
enum { CF_DEFAULT, CF_WRITE, CF_LOCK, CF_RAFT, CF_LEDGER };
extern const rgc_column_family_t families[5];
/* Attaches the first n of them. */
void attach(rgc_t* gc, struct mem_engine* engine, size_t n);
/* A store in which each of the first keyspaces has a RawKV version and a transaction record. */
enum { FILLED_KEYSPACES = 8 };
struct mem_engine* filled_keyspaces(void);
/* Counts what is left of these two. */
size_t left_of_keyspace(struct mem_engine* engine, uint32_t keyspace);

/* Checks that attach refuses a damaged record of the ledger in the default family: the error names
 * the key, and the call changes nothing. */
void check_corrupt(rgc_t* gc, struct mem_engine* engine, const char* key, size_t key_len);

/* The default ledger prefix. */
#define LEDGER_PREFIX "\1rocks_gc/"
struct key key_of(const char* bytes, size_t len);
/* Counts the ledger's records in a family, without its pages of keyspace types. */
size_t ledger_records(struct mem_engine* engine, uint32_t cf);
/* Counts the probes that a failed call has left there. The next attach deletes them. */
size_t ledger_probes(struct mem_engine* engine, uint32_t cf);
/* The state of the record of a destroyed range, if a family has one such record: an
 * RGC_DESTROY_.... -1 = it has none. */
int recorded_state(struct mem_engine* engine, uint32_t cf);
/* What rgc_debt answers. */
rgc_debt_t debt_of(const rgc_t* gc);
/* Its number of debts. */
uint64_t debts_of(const rgc_t* gc);
/* As error texts show bytes: 0x0172. The next call overwrites the text. */
const char* hex_of(const char* bytes, size_t len);
/* Waits until nothing is pending. */
void drain(rgc_t* gc);
/* Gives all visible keys of a family to one filter on this thread, and ignores its decisions. */
void run_over(rgc_t* gc, struct mem_engine* engine, uint32_t cf, int kind);

/* Puts a row of keyspace 1 for the worker, with so many versions below 70: a RawKV row with a
 * delete mark at 70, or a transaction's with a delete at 70 and long values. */
void put_dead_row(struct mem_engine* engine, const char* user_key, uint64_t versions);
void put_deleted_row(struct mem_engine* engine, const char* user_key, uint64_t versions);
struct key record_key(const char* user_key, uint64_t ts);
/* Counts the versions of a RawKV row. */
size_t left_of(struct mem_engine* engine, const char* user_key);
/* Checks that a row with any version left still has its newest one, so that it reads as deleted. */
void check_reads_dead(struct mem_engine* engine, uint32_t cf, struct key newest, size_t left);

#endif
