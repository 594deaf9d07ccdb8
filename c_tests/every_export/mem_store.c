/* mem_store.c - see mem_store.h. */
#include "mem_store.h"

#include <pthread.h>

#include "../check.h"

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

static void* grown(void* array, size_t size) {
  array = realloc(array, size);
  REQUIRE(array != NULL);
  return array;
}

struct bytes bytes_copy(const char* data, size_t len) {
  struct bytes copy = {len, grown(NULL, len + (len == 0))};
  if (len != 0) memcpy(copy.data, data, len);
  return copy;
}

int bytes_compare(const char* left, size_t left_len, const char* right, size_t right_len) {
  size_t shorter = left_len < right_len ? left_len : right_len;
  int order = shorter == 0 ? 0 : memcmp(left, right, shorter);
  return order != 0 ? order : (left_len > right_len) - (left_len < right_len);
}

static int compare(struct bytes left, struct bytes right) { return bytes_compare(left.data, left.len, right.data, right.len); }
static int is_inside(struct bytes key, struct bytes start, struct bytes end) {
  return compare(key, start) >= 0 && (end.len == 0 || compare(key, end) < 0);
}

static void pair_free(struct pair* pair) {
  free(pair->key.data);
  free(pair->value.data);
}

void pairs_free(struct pair* pairs, size_t n) {
  for (size_t i = 0; i < n; ++i) pair_free(&pairs[i]);
  free(pairs);
}

struct mem_store* mem_new(void) {
  struct mem_store* store = calloc(1, sizeof *store);
  REQUIRE(store != NULL);
  store->keys_per_file = 8;
  for (size_t cf = 0; cf < MEM_FAMILIES; ++cf) {
    store->families[cf].levels = grown(NULL, sizeof(int));
    store->families[cf].files = 1;
  }
  return store;
}

void mem_free(struct mem_store* store) {
  for (size_t cf = 0; cf < MEM_FAMILIES; ++cf) {
    struct family* family = &store->families[cf];
    for (size_t i = 0; i < family->n; ++i) pair_free(&family->entries[i].pair);
    for (size_t i = 0; i < family->num_ranges; ++i) pair_free(&family->ranges[i].bounds);
    free(family->entries);
    free(family->ranges);
    free(family->levels);
  }
  free(store);
}

void mem_judge(struct mem_store* store, uint32_t cf, rgc_t* gc, int kind) {
  store->families[cf].gc = gc;
  store->families[cf].kind = kind;
}

void mem_keys_per_file(struct mem_store* store, size_t keys) { store->keys_per_file = keys; }

/* The first entry at or above key. */
static size_t lower_bound(const struct family* family, struct bytes key) {
  size_t low = 0;
  size_t high = family->n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (compare(family->entries[middle].pair.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

void mem_write(struct mem_store* store, const rgc_write_t* write) {
  REQUIRE(write->cf < MEM_FAMILIES);
  struct family* family = &store->families[write->cf];
  struct pair pair = {bytes_copy(write->key, write->key_len), bytes_copy(write->value, write->value_len)};
  ++store->seq;
  if (write->op == RGC_OP_DELETE_RANGE) {
    family->ranges = grown(family->ranges, (family->num_ranges + 1) * sizeof *family->ranges);
    family->ranges[family->num_ranges++] = (struct range){pair, store->seq, 0};
    return;
  }
  size_t at = lower_bound(family, pair.key);
  family->entries = grown(family->entries, (family->n + 1) * sizeof *family->entries);
  memmove(family->entries + at + 1, family->entries + at, (family->n - at) * sizeof *family->entries);
  family->entries[at] = (struct entry){pair, store->seq, write->op, 0};
  ++family->n;
}

static uint32_t new_file(struct family* family, int level) {
  family->levels = grown(family->levels, (family->files + 1) * sizeof *family->levels);
  family->levels[family->files] = level;
  return family->files++;
}

void mem_flush(struct mem_store* store, uint32_t cf) {
  struct family* family = &store->families[cf];
  uint32_t file = 0;
  for (size_t i = 0; i < family->n; ++i) {
    if (family->entries[i].file != 0) continue;
    if (file == 0) file = new_file(family, 0);
    family->entries[i].file = file;
  }
  for (size_t i = 0; i < family->num_ranges; ++i) {
    if (family->ranges[i].file != 0) continue;
    if (file == 0) file = new_file(family, 0);
    family->ranges[i].file = file;
  }
}

/* What a file says of itself; 0 = it holds nothing. */
static int describe(const struct family* family, uint32_t number, rgc_file_t* out) {
  *out = (rgc_file_t){.struct_size = sizeof *out, .level = family->levels[number]};
  if (out->level < 0) return 0;
  struct bytes smallest = {0, NULL};
  struct bytes largest = {0, NULL};
  for (size_t i = 0; i < family->n; ++i) {
    const struct entry* entry = &family->entries[i];
    if (entry->file != number) continue;
    if (smallest.data == NULL) smallest = entry->pair.key;
    largest = entry->pair.key;
    ++out->entries;
    out->deletions += entry->op == RGC_OP_DELETE;
    out->bytes += entry->pair.key.len + entry->pair.value.len;
  }
  for (size_t i = 0; i < family->num_ranges; ++i) {
    const struct range* range = &family->ranges[i];
    if (range->file != number) continue;
    if (smallest.data == NULL || compare(range->bounds.key, smallest) < 0) smallest = range->bounds.key;
    if (largest.data == NULL || compare(range->bounds.value, largest) > 0) largest = range->bounds.value;
    ++out->entries;
    ++out->deletions;
    out->bytes += range->bounds.key.len + range->bounds.value.len;
  }
  out->smallest = smallest.data;
  out->smallest_len = smallest.len;
  out->largest = largest.data;
  out->largest_len = largest.len;
  return out->entries != 0;
}

static int overlaps(const rgc_file_t* file, struct bytes start, struct bytes end) {
  return bytes_compare(file->largest, file->largest_len, start.data, start.len) >= 0 &&
         (end.len == 0 || bytes_compare(file->smallest, file->smallest_len, end.data, end.len) < 0);
}

static int is_hidden(const struct family* family, const struct entry* entry, const char* files) {
  for (size_t i = 0; i < family->num_ranges; ++i) {
    const struct range* range = &family->ranges[i];
    if (files != NULL && !files[range->file]) continue;
    if (range->seq > entry->seq && is_inside(entry->pair.key, range->bounds.key, range->bounds.value)) return 1;
  }
  return 0;
}

/* The filter of one compaction. */
struct judging {
  struct family* family;
  struct entry** entries; /* the newest of each key */
  size_t n;
  int is_bottommost, output_level;
  rgc_table_properties_t* inputs;
  size_t num_inputs;
};

static void* judge(void* state) {
  struct judging* job = state;
  rgc_compaction_t compaction = {.struct_size = sizeof compaction, .is_full = -1, .is_manual = 1, .is_bottommost = job->is_bottommost};
  compaction.start_level = -1;
  compaction.output_level = job->output_level;
  compaction.inputs = job->inputs;
  compaction.num_inputs = job->num_inputs;
  rgc_filter_t* filter = NULL;
  SUCCEEDS(filter = api.rgc_filter_create(job->family->gc, job->family->kind, &compaction, errptr));
  struct bytes until = {0, NULL};
  for (size_t i = 0; filter != NULL && i < job->n; ++i) {
    struct entry* entry = job->entries[i];
    int is_skipped = until.data != NULL && compare(entry->pair.key, until) < 0;
    int verdict = RGC_KEEP;
    if (!is_skipped && entry->op == RGC_OP_PUT) {
      const char* skip = NULL;
      size_t skip_len = 0;
      struct pair pair = entry->pair;
      verdict = api.rgc_filter_decide(filter, 0, RGC_VALUE, pair.key.data, pair.key.len, pair.value.data, pair.value.len, &skip, &skip_len);
      if (verdict == RGC_REMOVE_AND_SKIP_UNTIL) {
        free(until.data);
        until = bytes_copy(skip, skip_len);
        is_skipped = 1;
      }
    }
    if (is_skipped) entry->op = -1;
    else if (verdict == RGC_REMOVE) entry->op = job->is_bottommost ? -1 : RGC_OP_DELETE;
  }
  free(until.data);
  api.rgc_filter_destroy(filter);
  return NULL;
}

/* Writes what goes on of the files that are chosen into new ones. */
static void merge(struct mem_store* store, struct family* family, const char* chosen, int level, int is_bottommost,
                  rgc_table_properties_t* inputs, size_t num_inputs) {
  struct entry** newest = grown(NULL, (family->n + 1) * sizeof *newest);
  size_t n = 0;
  for (size_t i = 0; i < family->n; ++i) {
    struct entry* entry = &family->entries[i];
    if (entry->file == 0 || !chosen[entry->file]) continue;
    int is_older = n > 0 && compare(newest[n - 1]->pair.key, entry->pair.key) == 0;
    if (is_older || is_hidden(family, entry, chosen)) entry->op = -1; /* gone */
    if (!is_older) newest[n++] = entry;
  }
  size_t left = 0;
  for (size_t i = 0; i < n; ++i) {
    if (newest[i]->op != -1) newest[left++] = newest[i];
  }
  if (family->gc != NULL) {
    struct judging job = {family, newest, left, is_bottommost, level, inputs, num_inputs};
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, judge, &job) == 0);
    pthread_join(thread, NULL);
  }
  size_t kept_ranges = 0;
  uint32_t file = new_file(family, level);
  for (size_t i = 0; i < family->num_ranges; ++i) {
    struct range* range = &family->ranges[i];
    int is_chosen = range->file != 0 && chosen[range->file];
    if (is_chosen && is_bottommost) {
      pair_free(&range->bounds);
      continue;
    }
    if (is_chosen) range->file = file;
    family->ranges[kept_ranges++] = *range;
  }
  int is_one_file = kept_ranges != 0;
  family->num_ranges = kept_ranges;
  size_t kept = 0;
  size_t written = 0;
  for (size_t i = 0; i < family->n; ++i) {
    struct entry* entry = &family->entries[i];
    int is_chosen = entry->file != 0 && (entry->op == -1 || chosen[entry->file]);
    if (is_chosen && (entry->op == -1 || (entry->op == RGC_OP_DELETE && is_bottommost))) {
      pair_free(&entry->pair);
      continue;
    }
    if (is_chosen) {
      if (written != 0 && written % store->keys_per_file == 0 && !is_one_file) file = new_file(family, level);
      entry->file = file;
      ++written;
    }
    family->entries[kept++] = *entry;
  }
  family->n = kept;
  free(newest);
}

void mem_compact(struct mem_store* store, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                 int last_level_too) {
  struct family* family = &store->families[cf];
  struct bytes from = {start_len, (char*)start};
  struct bytes to = {end_len, (char*)end};
  char* chosen = calloc(family->files, 1);
  REQUIRE(chosen != NULL);
  rgc_file_t file;
  int level = -1;
  for (uint32_t i = 1; i < family->files; ++i) {
    if (describe(family, i, &file) && overlaps(&file, from, to) && file.level > level) level = file.level;
  }
  if (level == 0) level = MEM_LAST_LEVEL;
  int is_needed = 0;
  for (uint32_t i = 1; i < family->files; ++i) {
    chosen[i] = describe(family, i, &file) && overlaps(&file, from, to);
    is_needed |= chosen[i] && (last_level_too || file.level < level);
  }
  /* With every file that overlaps a chosen one, down to this level. */
  for (int is_growing = is_needed; is_growing;) {
    is_growing = 0;
    for (uint32_t i = 1; i < family->files; ++i) {
      rgc_file_t other;
      if (chosen[i] || !describe(family, i, &file) || file.level > level) continue;
      for (uint32_t j = 1; j < family->files && !chosen[i]; ++j) {
        if (!chosen[j] || !describe(family, j, &other)) continue;
        struct bytes smallest = {other.smallest_len, (char*)other.smallest};
        chosen[i] = overlaps(&file, smallest, (struct bytes){0, NULL}) &&
                    bytes_compare(file.smallest, file.smallest_len, other.largest, other.largest_len) <= 0;
      }
      is_growing |= chosen[i];
    }
  }
  if (is_needed) {
    int is_bottommost = 1;
    rgc_table_properties_t* inputs = calloc(family->files, sizeof *inputs);
    REQUIRE(inputs != NULL);
    size_t n = 0;
    for (uint32_t i = 1; i < family->files; ++i) {
      if (!describe(family, i, &file)) continue;
      if (file.level > level) is_bottommost = 0;
      if (!chosen[i]) continue;
      inputs[n++] = (rgc_table_properties_t){.struct_size = sizeof *inputs, .num_entries = file.entries, .num_deletions = file.deletions};
    }
    merge(store, family, chosen, level, is_bottommost, inputs, n);
    for (uint32_t i = 1; inputs != NULL && i < family->files; ++i) {
      if (!describe(family, i, &file)) family->levels[i] = -1;
    }
    free(inputs);
  }
  free(chosen);
}

void mem_delete_files(struct mem_store* store, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len) {
  struct family* family = &store->families[cf];
  rgc_file_t file;
  for (uint32_t number = 1; number < family->files; ++number) {
    if (!describe(family, number, &file) || file.level < 1) continue;
    if (bytes_compare(file.smallest, file.smallest_len, start, start_len) < 0) continue;
    if (bytes_compare(file.largest, file.largest_len, end, end_len) >= 0) continue;
    size_t kept = 0;
    for (size_t i = 0; i < family->n; ++i) {
      if (family->entries[i].file == number) pair_free(&family->entries[i].pair);
      else family->entries[kept++] = family->entries[i];
    }
    family->n = kept;
    kept = 0;
    for (size_t i = 0; i < family->num_ranges; ++i) {
      if (family->ranges[i].file == number) pair_free(&family->ranges[i].bounds);
      else family->ranges[kept++] = family->ranges[i];
    }
    family->num_ranges = kept;
    family->levels[number] = -1;
  }
}

void mem_files(struct mem_store* store, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file), void* each_state) {
  rgc_file_t file;
  for (uint32_t number = 1; number < store->families[cf].files; ++number) {
    if (describe(&store->families[cf], number, &file)) each(each_state, &file);
  }
}

struct pair* mem_read(struct mem_store* store, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                      size_t* n) {
  const struct family* family = &store->families[cf];
  struct bytes from = {start_len, (char*)start};
  struct bytes to = {end_len, (char*)end};
  struct pair* found = NULL;
  *n = 0;
  const struct entry* last = NULL;
  for (size_t i = lower_bound(family, from); i < family->n && is_inside(family->entries[i].pair.key, from, to); ++i) {
    const struct entry* entry = &family->entries[i];
    int is_older = last != NULL && compare(last->pair.key, entry->pair.key) == 0;
    last = entry;
    if (is_older || entry->op != RGC_OP_PUT || is_hidden(family, entry, NULL)) continue;
    if ((*n & (*n + 1)) == 0) found = grown(found, (*n + 1) * 2 * sizeof *found);
    struct bytes key = entry->pair.key;
    struct bytes value = entry->pair.value;
    found[(*n)++] = (struct pair){bytes_copy(key.data, key.len), bytes_copy(value.data, value.len)};
  }
  return found;
}

void mem_put(struct mem_store* store, uint32_t cf, struct key key, const char* value, size_t value_len) {
  mem_write(store, &(rgc_write_t){RGC_OP_PUT, cf, key.data, key.len, value, value_len});
}

void mem_delete(struct mem_store* store, uint32_t cf, struct key key) {
  mem_write(store, &(rgc_write_t){RGC_OP_DELETE, cf, key.data, key.len, NULL, 0});
}

size_t mem_count(struct mem_store* store, uint32_t cf, struct key start, struct key end) {
  size_t n = 0;
  struct pair* pairs = mem_read(store, cf, start.data, start.len, end.data, end.len, &n);
  pairs_free(pairs, n);
  return n;
}

size_t mem_count_all(struct mem_store* store, uint32_t cf) { return mem_count(store, cf, (struct key){0}, (struct key){0}); }

int mem_has(struct mem_store* store, uint32_t cf, struct key key) {
  struct key next = key;
  next.data[next.len++] = 0;
  return mem_count(store, cf, key, next) == 1;
}

void mem_compact_all(struct mem_store* store) {
  for (uint32_t cf = 0; cf < MEM_FAMILIES; ++cf) {
    mem_flush(store, cf);
    mem_compact(store, cf, NULL, 0, NULL, 0, 1);
  }
}

uint64_t mem_digest_outside(struct mem_store* store, uint32_t cf, struct key start, struct key end) {
  size_t n = 0;
  uint64_t digest = 1469598103934665603u;
  struct pair* all = mem_read(store, cf, NULL, 0, NULL, 0, &n);
  for (size_t i = 0; i < n; ++i) {
    if (is_inside(all[i].key, (struct bytes){start.len, start.data}, (struct bytes){end.len, end.data})) continue;
    for (size_t j = 0; j < all[i].key.len; ++j) digest = (digest ^ (unsigned char)all[i].key.data[j]) * 1099511628211u;
    for (size_t j = 0; j < all[i].value.len; ++j) digest = (digest ^ (unsigned char)all[i].value.data[j]) * 1099511628211u;
  }
  pairs_free(all, n);
  return digest;
}

struct counting {
  struct bytes start, end;
  size_t n;
};
static void count_file(void* state, const rgc_file_t* file) {
  struct counting* counting = state;
  counting->n += (size_t)overlaps(file, counting->start, counting->end);
}

size_t mem_files_of(struct mem_store* store, uint32_t cf, struct key start, struct key end) {
  struct counting counting = {{start.len, start.data}, {end.len, end.data}, 0};
  mem_files(store, cf, count_file, &counting);
  return counting.n;
}
