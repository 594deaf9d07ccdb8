/* mem_parts.h - what mem_store.c and mem_compact.c share. */
#ifndef MEM_PARTS_H
#define MEM_PARTS_H

#include "../check.h"
#include "mem_store.h"

/* A put or a point tombstone. */
struct entry {
  struct pair pair;
  uint64_t seq;
  int op;
  uint32_t file; /* 0 = the memtable */
};
/* A range tombstone. */
struct range {
  struct pair bounds;
  uint64_t seq;
  uint32_t file;
};
struct family {
  struct entry* entries; /* by key, the newest first */
  size_t n;
  struct range* ranges;
  size_t num_ranges;
  int* levels; /* by file; -1 = gone */
  uint32_t files;
  rgc_t* gc;
  int kind;
};
struct mem_store {
  struct family families[MEM_FAMILIES];
  uint64_t seq;
  size_t keys_per_file;
};

void* mem_grown(void* array, size_t size);
int mem_compare(struct bytes left, struct bytes right);
int mem_is_inside(struct bytes key, struct bytes start, struct bytes end);
void mem_pair_free(struct pair* pair);
uint32_t mem_new_file(struct family* family, int level);
/* What a file says of itself; 0 = it holds nothing. */
int mem_describe(const struct family* family, uint32_t number, rgc_file_t* out);
int mem_overlaps(const rgc_file_t* file, struct bytes start, struct bytes end);
int mem_is_hidden(const struct family* family, const struct entry* entry, const char* files);

#endif
