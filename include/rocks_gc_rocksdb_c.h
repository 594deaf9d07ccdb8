/* rocks_gc_rocksdb_c.h - glue for hosts on rocksdb/c.h, compiled in the host.
 *
 *     char* err;
 *     rgc_symbol_t symbols[RGC_ROCKSDB_SYMBOLS];
 *     rgc_bind_rocksdb_symbols(gc, symbols, rgc_rocksdb_symbols(symbols), &err);
 *
 * The addresses are those of the RocksDB that the host is linked with, so this also works where no symbol can be looked up
 * at run time: static executables, Rust and Go hosts. Needs no function of librocks_gc at link time. */
#ifndef ROCKS_GC_ROCKSDB_C_H
#define ROCKS_GC_ROCKSDB_C_H

/* The functions of rocksdb/c.h that the library needs, X(return type, name, parameters): filtering. From this one list come
 * the table below, its type check against the host's rocksdb/c.h, the names that the library looks up at run time, and
 * the text of its error when one is missing. */
#define RGC_ROCKSDB_FUNCTIONS(X)                                                                                          \
  X(rocksdb_compactionfilter_t*, rocksdb_compactionfilter_create,                                                         \
    (void* state, void (*destructor)(void*),                                                                              \
     unsigned char (*filter)(void*, int level, const char* key, size_t key_length, const char* existing_value,           \
                             size_t value_length, char** new_value, size_t* new_value_length,                             \
                             unsigned char* value_changed),                                                               \
     const char* (*name)(void*)))                                                                                         \
  X(rocksdb_compactionfilterfactory_t*, rocksdb_compactionfilterfactory_create,                                           \
    (void* state, void (*destructor)(void*),                                                                              \
     rocksdb_compactionfilter_t* (*create_compaction_filter)(void*, rocksdb_compactionfiltercontext_t* context),         \
     const char* (*name)(void*)))                                                                                         \
  X(unsigned char, rocksdb_compactionfiltercontext_is_full_compaction, (rocksdb_compactionfiltercontext_t * context))     \
  X(unsigned char, rocksdb_compactionfiltercontext_is_manual_compaction, (rocksdb_compactionfiltercontext_t * context))

/* The library itself is built from the list alone, without RocksDB's headers. */
#ifndef RGC_ROCKSDB_LIST_ONLY
#include <rocksdb/c.h>

#include "rocks_gc.h"

#define RGC_ROCKSDB_COUNT_(type, name, parameters) +1
/* How many symbols rgc_rocksdb_symbols writes. */
#define RGC_ROCKSDB_SYMBOLS (0 RGC_ROCKSDB_FUNCTIONS(RGC_ROCKSDB_COUNT_))

/* rgc_rocksdb_symbols: fills symbols, which has room for RGC_ROCKSDB_SYMBOLS; returns how many it wrote. */
static inline size_t rgc_rocksdb_symbols(rgc_symbol_t* symbols) {
  size_t n = 0;
#define RGC_ROCKSDB_FILL_(type, function, parameters)                                   \
  {                                                                                     \
    type(*checked) parameters = function; /* the host's c.h must declare this type */   \
    symbols[n].name = #function;                                                        \
    symbols[n++].address = (void (*)(void))checked;                                     \
  }
  RGC_ROCKSDB_FUNCTIONS(RGC_ROCKSDB_FILL_)
#undef RGC_ROCKSDB_FILL_
  return n;
}
#endif
#endif
