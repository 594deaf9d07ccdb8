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
  int compacts_nothing; /* as if other compactions held all files */
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

#endif
