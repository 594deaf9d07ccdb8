/* mem_store.h - the C store in memory. It has RocksDB's pitfalls: a delete writes a tombstone,
 * older files keep the deleted version, the version is visible again if the tombstone is dropped
 * first, and a compaction may run a filter of the library on its own thread. It has no locks. It is
 * C because it shows that a store written against rgc_engine_t alone works; mem_engine.h puts it
 * behind that table. Rust tests that hold or fail a call of the worker use a smaller one
 * (tests/support/memory.rs), which has no files and no tombstones. */
#ifndef MEM_STORE_H
#define MEM_STORE_H

#include "../api.h"
#include "../keys.h"

enum { MEM_FAMILIES = 6, MEM_LAST_LEVEL = 6 };

struct bytes {
  size_t len;
  char* data; /* malloc'ed exactly so long, so that a byte read too many is seen */
};
struct pair {
  struct bytes key, value;
};
struct mem_store;

struct bytes bytes_copy(const char* data, size_t len);
int bytes_compare(const char* left, size_t left_len, const char* right, size_t right_len);
void pairs_free(struct pair* pairs, size_t n);

struct mem_store* mem_new(void);
void mem_free(struct mem_store* store);
/* Compactions of this family run filters of gc; gc NULL = none. */
void mem_judge(struct mem_store* store, uint32_t cf, rgc_t* gc, int kind);
/* So many keys go into one file of a compaction; 8 at start. */
void mem_keys_per_file(struct mem_store* store, size_t keys);

void mem_write(struct mem_store* store, const rgc_write_t* write);
void mem_flush(struct mem_store* store, uint32_t cf);
/* As rgc_engine_t says; end_len 0 = no bound. */
void mem_compact(struct mem_store* store, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                 int last_level_too);
void mem_delete_files(struct mem_store* store, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len);
void mem_files(struct mem_store* store, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file), void* each_state);
/* What can be seen in [start, end), for pairs_free; end_len 0 = no bound. */
struct pair* mem_read(struct mem_store* store, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                      size_t* n);

/* For tests, one line each. */
void mem_put(struct mem_store* store, uint32_t cf, struct key key, const char* value, size_t value_len);
void mem_delete(struct mem_store* store, uint32_t cf, struct key key);
int mem_has(struct mem_store* store, uint32_t cf, struct key key);
size_t mem_count(struct mem_store* store, uint32_t cf, struct key start, struct key end);
size_t mem_count_all(struct mem_store* store, uint32_t cf);
void mem_compact_all(struct mem_store* store);
/* A number for all that can be seen in a family but for [start, end). */
uint64_t mem_digest_outside(struct mem_store* store, uint32_t cf, struct key start, struct key end);
/* Files that hold anything of [start, end). */
size_t mem_files_of(struct mem_store* store, uint32_t cf, struct key start, struct key end);

#endif
