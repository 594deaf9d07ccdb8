/* debts.h - a store whose destroys leave debts, and what the tests of debts check there. */
#ifndef DEBTS_H
#define DEBTS_H

#include "attached.h"
#include "parts.h"

#define OF(key) (key).data, (key).len

/* A row of keyspace 1, k00 to k09. */
struct key debts_row(int i);
struct key debts_key(int i, uint64_t ts);
/* A store with one version of each row in the default and in the write family. Each family has its
 * rows in files of so many keys in the last level. */
struct mem_engine* debts_filled(size_t keys_per_file);
/* Destroys the rows from `start` to before `end`. */
void debts_destroy(rgc_t* gc, int start, int end, int flags);
/* Checks that none of these rows can be seen, and that all others can. */
void check_rows_gone(struct mem_engine* engine, int start, int end);
/* Counts what the files of a family hold of the host's keys, also what cannot be seen, and all
 * range tombstones. */
size_t entries_of(struct mem_engine* engine, uint32_t cf);
/* Checks what the library says of its debts, and the state that it lists of the only destroyed
 * range; -1 = none is listed. */
void check_debts(const rgc_t* gc, uint64_t debts, int state);
/* Compactions do nothing from now on, as if others held all files; or they do again. */
void hold_files(struct mem_engine* engine, int are_held);
void stall(struct mem_engine* engine, int is_stalled);
/* Waits until nothing is pending, but does not drain. */
void wait_until_paid(const rgc_t* gc);
double seconds_since(double then);

#endif
