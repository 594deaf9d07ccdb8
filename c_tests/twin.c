/* twin.c - a library that looks like a second RocksDB: the functions that the library needs, and
 * the destroyer of factories. Debian's RocksDB itself cannot be loaded twice: its gflags end the
 * process. With -DINCOMPLETE it lacks most of them. */
#include <stddef.h>
#include <stdlib.h>

typedef struct rocksdb_compactionfilter_t rocksdb_compactionfilter_t;
typedef struct rocksdb_compactionfiltercontext_t rocksdb_compactionfiltercontext_t;
typedef struct rocksdb_compactionfilterfactory_t {
  void* state;
  void (*destructor)(void*);
} rocksdb_compactionfilterfactory_t;

#define RGC_ROCKSDB_LIST_ONLY
#include "rocks_gc_rocksdb_c.h"
#define DECLARE(type, function, parameters) type function parameters;
RGC_ROCKSDB_FUNCTIONS(DECLARE)

rocksdb_compactionfilterfactory_t* rocksdb_compactionfilterfactory_create(
    void* state, void (*destructor)(void*),
    rocksdb_compactionfilter_t* (*create_compaction_filter)(void*, rocksdb_compactionfiltercontext_t* context),
    const char* (*name)(void*)) {
  (void)create_compaction_filter;
  (void)name;
  rocksdb_compactionfilterfactory_t* factory = malloc(sizeof *factory);
  if (factory == NULL) abort();
  factory->state = state;
  factory->destructor = destructor;
  return factory;
}

#ifndef INCOMPLETE
void rocksdb_compactionfilterfactory_destroy(rocksdb_compactionfilterfactory_t* factory);
void rocksdb_compactionfilterfactory_destroy(rocksdb_compactionfilterfactory_t* factory) {
  factory->destructor(factory->state);
  free(factory);
}

/* Never called. */
rocksdb_compactionfilter_t* rocksdb_compactionfilter_create(
    void* state, void (*destructor)(void*),
    unsigned char (*filter)(void*, int level, const char* key, size_t key_length, const char* existing_value, size_t value_length,
                            char** new_value, size_t* new_value_length, unsigned char* value_changed),
    const char* (*name)(void*)) {
  (void)state;
  (void)destructor;
  (void)filter;
  (void)name;
  abort();
}

unsigned char rocksdb_compactionfiltercontext_is_full_compaction(rocksdb_compactionfiltercontext_t* context) {
  return context != NULL;
}

unsigned char rocksdb_compactionfiltercontext_is_manual_compaction(rocksdb_compactionfiltercontext_t* context) {
  return context != NULL;
}
#endif
