/* mem_store.c - see mem_store.h. */
#include "mem_parts.h"

void* mem_grown(void* array, size_t size) {
  array = realloc(array, size);
  REQUIRE(array != NULL);
  return array;
}

struct bytes bytes_copy(const char* data, size_t len) {
  struct bytes copy = {len, mem_grown(NULL, len + (len == 0))};
  if (len != 0) memcpy(copy.data, data, len);
  return copy;
}

int bytes_compare(const char* left, size_t left_len, const char* right, size_t right_len) {
  size_t shorter = left_len < right_len ? left_len : right_len;
  int order = shorter == 0 ? 0 : memcmp(left, right, shorter);
  return order != 0 ? order : (left_len > right_len) - (left_len < right_len);
}

int mem_compare(struct bytes left, struct bytes right) { return bytes_compare(left.data, left.len, right.data, right.len); }
int mem_is_inside(struct bytes key, struct bytes start, struct bytes end) {
  return mem_compare(key, start) >= 0 && (end.len == 0 || mem_compare(key, end) < 0);
}

void mem_pair_free(struct pair* pair) {
  free(pair->key.data);
  free(pair->value.data);
}

void pairs_free(struct pair* pairs, size_t n) {
  for (size_t i = 0; i < n; ++i) mem_pair_free(&pairs[i]);
  free(pairs);
}

struct mem_store* mem_new(void) {
  struct mem_store* store = calloc(1, sizeof *store);
  REQUIRE(store != NULL);
  store->keys_per_file = 8;
  for (size_t cf = 0; cf < MEM_FAMILIES; ++cf) {
    store->families[cf].levels = mem_grown(NULL, sizeof(int));
    store->families[cf].files = 1;
  }
  return store;
}

void mem_free(struct mem_store* store) {
  for (size_t cf = 0; cf < MEM_FAMILIES; ++cf) {
    struct family* family = &store->families[cf];
    for (size_t i = 0; i < family->n; ++i) mem_pair_free(&family->entries[i].pair);
    for (size_t i = 0; i < family->num_ranges; ++i) mem_pair_free(&family->ranges[i].bounds);
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
    if (mem_compare(family->entries[middle].pair.key, key) < 0) low = middle + 1;
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
    family->ranges = mem_grown(family->ranges, (family->num_ranges + 1) * sizeof *family->ranges);
    family->ranges[family->num_ranges++] = (struct range){pair, store->seq, 0};
    return;
  }
  size_t at = lower_bound(family, pair.key);
  family->entries = mem_grown(family->entries, (family->n + 1) * sizeof *family->entries);
  memmove(family->entries + at + 1, family->entries + at, (family->n - at) * sizeof *family->entries);
  family->entries[at] = (struct entry){pair, store->seq, write->op, 0};
  ++family->n;
}

uint32_t mem_new_file(struct family* family, int level) {
  family->levels = mem_grown(family->levels, (family->files + 1) * sizeof *family->levels);
  family->levels[family->files] = level;
  return family->files++;
}

void mem_flush(struct mem_store* store, uint32_t cf) {
  struct family* family = &store->families[cf];
  uint32_t file = 0;
  for (size_t i = 0; i < family->n; ++i) {
    if (family->entries[i].file != 0) continue;
    if (file == 0) file = mem_new_file(family, 0);
    family->entries[i].file = file;
  }
  for (size_t i = 0; i < family->num_ranges; ++i) {
    if (family->ranges[i].file != 0) continue;
    if (file == 0) file = mem_new_file(family, 0);
    family->ranges[i].file = file;
  }
}

/* What a file says of itself; 0 = it holds nothing. */
int mem_describe(const struct family* family, uint32_t number, rgc_file_t* out) {
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
    if (smallest.data == NULL || mem_compare(range->bounds.key, smallest) < 0) smallest = range->bounds.key;
    if (largest.data == NULL || mem_compare(range->bounds.value, largest) > 0) largest = range->bounds.value;
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

int mem_overlaps(const rgc_file_t* file, struct bytes start, struct bytes end) {
  return bytes_compare(file->largest, file->largest_len, start.data, start.len) >= 0 &&
         (end.len == 0 || bytes_compare(file->smallest, file->smallest_len, end.data, end.len) < 0);
}

int mem_is_hidden(const struct family* family, const struct entry* entry, const char* files) {
  for (size_t i = 0; i < family->num_ranges; ++i) {
    const struct range* range = &family->ranges[i];
    if (files != NULL && !files[range->file]) continue;
    if (range->seq > entry->seq && mem_is_inside(entry->pair.key, range->bounds.key, range->bounds.value)) return 1;
  }
  return 0;
}

void mem_delete_files(struct mem_store* store, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len) {
  struct family* family = &store->families[cf];
  rgc_file_t file;
  for (uint32_t number = 1; number < family->files; ++number) {
    if (!mem_describe(family, number, &file) || file.level < 1) continue;
    if (bytes_compare(file.smallest, file.smallest_len, start, start_len) < 0) continue;
    if (bytes_compare(file.largest, file.largest_len, end, end_len) >= 0) continue;
    size_t kept = 0;
    for (size_t i = 0; i < family->n; ++i) {
      if (family->entries[i].file == number) mem_pair_free(&family->entries[i].pair);
      else family->entries[kept++] = family->entries[i];
    }
    family->n = kept;
    kept = 0;
    for (size_t i = 0; i < family->num_ranges; ++i) {
      if (family->ranges[i].file == number) mem_pair_free(&family->ranges[i].bounds);
      else family->ranges[kept++] = family->ranges[i];
    }
    family->num_ranges = kept;
    family->levels[number] = -1;
  }
}

void mem_files(struct mem_store* store, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file), void* each_state) {
  rgc_file_t file;
  for (uint32_t number = 1; number < store->families[cf].files; ++number) {
    if (mem_describe(&store->families[cf], number, &file)) each(each_state, &file);
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
  for (size_t i = lower_bound(family, from); i < family->n && mem_is_inside(family->entries[i].pair.key, from, to); ++i) {
    const struct entry* entry = &family->entries[i];
    int is_older = last != NULL && mem_compare(last->pair.key, entry->pair.key) == 0;
    last = entry;
    if (is_older || entry->op != RGC_OP_PUT || mem_is_hidden(family, entry, NULL)) continue;
    if ((*n & (*n + 1)) == 0) found = mem_grown(found, (*n + 1) * 2 * sizeof *found);
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
    if (mem_is_inside(all[i].key, (struct bytes){start.len, start.data}, (struct bytes){end.len, end.data})) continue;
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
  counting->n += (size_t)mem_overlaps(file, counting->start, counting->end);
}

size_t mem_files_of(struct mem_store* store, uint32_t cf, struct key start, struct key end) {
  struct counting counting = {{start.len, start.data}, {end.len, end.data}, 0};
  mem_files(store, cf, count_file, &counting);
  return counting.n;
}
