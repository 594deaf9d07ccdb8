/* replay.h - replays the writes of a truncation, batch by batch. After each batch every row must
 * show what a reader may see. */
#ifndef REPLAY_H
#define REPLAY_H

#include "schema_keys.h"

/* Of keyspace 1, in API V2. */
struct truncation {
  uint32_t id;
  uint64_t up_to;
};

/* Does the truncation delete this version? RawKV versions and records count by their own timestamp,
 * a value of the default family by its record's. */
int is_truncated(const struct contents* before, const struct truncation* order, uint32_t cf, const struct pair* pair);
/* The same as goes_fn, with a struct judged_by as state. */
struct judged_by {
  const struct contents* before;
  const struct truncation* order;
};
int goes_by_truncation(void* judged_by, uint32_t cf, const struct pair* pair);
/* Replays the logged writes. Besides keys of the ledger only deletes may be among them. Returns how
 * many batches deleted something. */
size_t check_replay(const struct contents* before, const struct truncation* order, const struct mem_engine* engine);

#endif
