/* batch.h - write batches of RocksDB's, made byte by byte. */
#ifndef BATCH_H
#define BATCH_H

#include "schema_keys.h"

/* Tags of records; those with CF_ carry a family's number. */
enum {
  TAG_DELETE = 0x0, TAG_PUT = 0x1, TAG_MERGE = 0x2, TAG_LOG_DATA = 0x3,
  TAG_CF_DELETE = 0x4, TAG_CF_PUT = 0x5, TAG_CF_MERGE = 0x6,
  TAG_SINGLE_DELETE = 0x7, TAG_CF_SINGLE_DELETE = 0x8,
  TAG_BEGIN_PREPARE = 0x9, TAG_END_PREPARE = 0xa, TAG_COMMIT = 0xb, TAG_ROLLBACK = 0xc, TAG_NOOP = 0xd,
  TAG_CF_DELETE_RANGE = 0xe, TAG_DELETE_RANGE = 0xf,
};

struct batch {
  size_t len;
  char data[1 << 16];
};

/* An empty one: sequence number and count 0. */
void batch_begin(struct batch* batch, uint64_t sequence);
/* Adds a record. cf < 0 = the tag without a family. A tag without a value gets none. The batch
 * counts the records that RocksDB counts. */
void batch_add(struct batch* batch, int tag, long cf, const char* key, size_t key_len, const char* value, size_t value_len);
void batch_set_count(struct batch* batch, uint32_t count);
uint32_t batch_count(const char* data);
/* Any byte, and a number as RocksDB writes lengths. */
void batch_byte(struct batch* batch, int byte);
void batch_varint(struct batch* batch, uint64_t number);

#endif
