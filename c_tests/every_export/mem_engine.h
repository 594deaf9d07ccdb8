/* mem_engine.h - rgc_engine_t over a mem_store. The engine logs the calls in their order, and fails
 * the calls that a test chooses. */
#ifndef MEM_ENGINE_H
#define MEM_ENGINE_H

#include <pthread.h>

#include "../check.h"
#include "mem_store.h"

#define NO_SPACE "IO error: No space left on device"

/* The functions of an engine. Those before STALLED can fail. */
enum { GET, WRITE, ITERATE, NEXT, DELETE_FILES, COMPACT, FLUSH, FILES, STALLED, ITERATOR_DESTROY, DESTRUCTOR, FUNCTIONS, ANY = -1 };
/* How a call fails. UNKNOWN: it was done all the same. */
enum { WITH_TEXT, WITHOUT_TEXT, GARBAGE, UNKNOWN };

struct op {
  int op;
  uint32_t cf;
  struct bytes key, value;
};
/* A call; of NEXT and STALLED none is remembered. */
struct call {
  int function;
  uint32_t cf; /* WRITE: of the first op */
  int flags;   /* WRITE: its flags; COMPACT: last_level_too; ITERATE: backwards */
  struct bytes start, end;
  struct op* ops;
  size_t n;
};

struct mem_engine {
  struct mem_store* store;
  pthread_mutex_t turn;
  size_t calls[FUNCTIONS];
  struct call* log;
  size_t logged;
  size_t iterators; /* that live */
  /* Faults. */
  int fails;     /* which function; ANY */
  int fails_how;
  long fails_in; /* after so many more of its calls; < 0 = never */
  int fails_on;  /* it fails from then on, not once */
  size_t failed; /* so many calls did */
  size_t busy[FUNCTIONS]; /* answer BUSY so many times; writes only to who does not want to wait */
  int is_stalled;
  /* Called first, under no lock. */
  void (*during)(void* state, int function);
  void* during_state;
};

struct mem_engine* engine_new(void);
void engine_free(struct mem_engine* engine);
/* The functions; their state is a struct mem_engine. */
extern const rgc_engine_t mem_functions;
/* Forgets calls and faults. */
void engine_forget(struct mem_engine* engine);
/* The n-th call of this function from now on fails, 0 = the next. */
void engine_fail(struct mem_engine* engine, int function, int how, long n);
size_t engine_calls(struct mem_engine* engine, int function);

/* Waits until the worker has nothing to do, or the engine has failed; so many times. */
size_t wait_for_the_fault(const rgc_t* gc, struct mem_engine* engine);

/* The families that tests attach: the default one and the transactions' with these numbers, then others. */
enum { CF_DEFAULT, CF_WRITE, CF_LOCK, CF_RAFT, CF_LEDGER };
/* The first n of them. */
extern const rgc_column_family_t families[5];
void attach(rgc_t* gc, struct mem_engine* engine, size_t n);

/* The default family's ledger holds a record under this key that does not parse: attach names it, and changes nothing. */
void check_corrupt(rgc_t* gc, struct mem_engine* engine, const char* key, size_t key_len);

/* The default ledger prefix, and a key behind all of it. */
#define LEDGER_PREFIX "\1rocks_gc/"
struct key key_of(const char* bytes, size_t len);
/* Records of the ledger in a family. */
size_t ledger_records(struct mem_engine* engine, uint32_t cf);
/* As error texts have it: [01, 72]; one at a time. */
const char* hex_of(const char* bytes, size_t len);
/* Waits until nothing is pending. */
void drain(rgc_t* gc);
/* One run of this kind on this thread over all that a family shows, whose verdicts nobody follows. */
void run_over(rgc_t* gc, struct mem_engine* engine, uint32_t cf, int kind);

/* Rows of keyspace 1 for the worker: of RawKV with a mark at 70, of a transaction with a delete at 70 and long values, each with so
 * many versions below. */
void put_dead_row(struct mem_engine* engine, const char* user_key, uint64_t versions);
void put_deleted_row(struct mem_engine* engine, const char* user_key, uint64_t versions);
struct key record_key(const char* user_key, uint64_t ts);
/* Versions that are left of a row of RawKV. */
size_t left_of(struct mem_engine* engine, const char* user_key);
/* What is left of a row reads dead. */
void check_reads_dead(struct mem_engine* engine, uint32_t cf, struct key newest, size_t left);

#endif
