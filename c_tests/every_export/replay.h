/* replay.h - the writes of a truncation, batch by batch, over what the store showed before: after each batch every row must show what a
 * reader may see. */
#ifndef REPLAY_H
#define REPLAY_H

#include "schema_keys.h"

/* Of keyspace 1, in API V2. */
struct truncation {
  uint32_t id;
  uint64_t up_to;
};

/* Does this version go? RawKV versions and records by their own timestamp; a value of the default family by that of its record. */
int is_truncated(const struct contents* before, const struct truncation* order, uint32_t cf, const struct pair* pair);
/* The same as goes_fn, with a struct judged_by as state. */
struct judged_by {
  const struct contents* before;
  const struct truncation* order;
};
int goes_by_truncation(void* judged_by, uint32_t cf, const struct pair* pair);
/* Replays what was logged; ledger keys apart nothing but deletes may be written. Returns how many batches deleted something. */
size_t check_replay(const struct contents* before, const struct truncation* order, const struct mem_engine* engine);

#endif
