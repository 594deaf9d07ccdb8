/* mem_compact.c - compactions of a mem_store, with a filter of the library. */
#include <pthread.h>

#include "mem_parts.h"

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
    int is_skipped = until.data != NULL && mem_compare(entry->pair.key, until) < 0;
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
  struct entry** newest = mem_grown(NULL, (family->n + 1) * sizeof *newest);
  size_t n = 0;
  for (size_t i = 0; i < family->n; ++i) {
    struct entry* entry = &family->entries[i];
    if (entry->file == 0 || !chosen[entry->file]) continue;
    int is_older = n > 0 && mem_compare(newest[n - 1]->pair.key, entry->pair.key) == 0;
    if (is_older || mem_is_hidden(family, entry, chosen)) entry->op = -1; /* gone */
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
  uint32_t file = mem_new_file(family, level);
  for (size_t i = 0; i < family->num_ranges; ++i) {
    struct range* range = &family->ranges[i];
    int is_chosen = range->file != 0 && chosen[range->file];
    if (is_chosen && is_bottommost) {
      mem_pair_free(&range->bounds);
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
      mem_pair_free(&entry->pair);
      continue;
    }
    if (is_chosen) {
      if (written != 0 && written % store->keys_per_file == 0 && !is_one_file) file = mem_new_file(family, level);
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
    if (mem_describe(family, i, &file) && mem_overlaps(&file, from, to) && file.level > level) level = file.level;
  }
  if (level == 0) level = MEM_LAST_LEVEL;
  int is_needed = 0;
  for (uint32_t i = 1; i < family->files; ++i) {
    chosen[i] = mem_describe(family, i, &file) && mem_overlaps(&file, from, to);
    is_needed |= chosen[i] && (last_level_too || file.level < level);
  }
  /* With every file that overlaps a chosen one, down to this level. */
  for (int is_growing = is_needed; is_growing;) {
    is_growing = 0;
    for (uint32_t i = 1; i < family->files; ++i) {
      rgc_file_t other;
      if (chosen[i] || !mem_describe(family, i, &file) || file.level > level) continue;
      for (uint32_t j = 1; j < family->files && !chosen[i]; ++j) {
        if (!chosen[j] || !mem_describe(family, j, &other)) continue;
        struct bytes smallest = {other.smallest_len, (char*)other.smallest};
        chosen[i] = mem_overlaps(&file, smallest, (struct bytes){0, NULL}) &&
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
      if (!mem_describe(family, i, &file)) continue;
      if (file.level > level) is_bottommost = 0;
      if (!chosen[i]) continue;
      inputs[n++] = (rgc_table_properties_t){.struct_size = sizeof *inputs, .num_entries = file.entries, .num_deletions = file.deletions};
    }
    merge(store, family, chosen, level, is_bottommost, inputs, n);
    for (uint32_t i = 1; inputs != NULL && i < family->files; ++i) {
      if (!mem_describe(family, i, &file)) family->levels[i] = -1;
    }
    free(inputs);
  }
  free(chosen);
}
