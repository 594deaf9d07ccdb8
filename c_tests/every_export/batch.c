/* batch.c - see batch.h. */
#include "batch.h"

void batch_byte(struct batch* batch, int byte) {
  REQUIRE(batch->len < sizeof batch->data);
  batch->data[batch->len++] = (char)byte;
}

void batch_varint(struct batch* batch, uint64_t number) {
  for (; number > 127; number >>= 7) batch_byte(batch, (int)(number & 127) | 128);
  batch_byte(batch, (int)number);
}

static void add_bytes(struct batch* batch, const char* bytes, size_t len) {
  batch_varint(batch, len);
  for (size_t i = 0; i < len; ++i) batch_byte(batch, bytes[i]);
}

void batch_begin(struct batch* batch, uint64_t sequence) {
  batch->len = 0;
  for (int i = 0; i < 8; ++i) batch_byte(batch, (int)(sequence >> (8 * i) & 255));
  for (int i = 0; i < 4; ++i) batch_byte(batch, 0);
}

uint32_t batch_count(const char* data) {
  uint32_t count = 0;
  for (int i = 3; i >= 0; --i) count = count << 8 | (unsigned char)data[8 + i];
  return count;
}

void batch_set_count(struct batch* batch, uint32_t count) {
  for (int i = 0; i < 4; ++i) batch->data[8 + i] = (char)(count >> (8 * i));
}

void batch_add(struct batch* batch, int tag, long cf, const char* key, size_t key_len, const char* value, size_t value_len) {
  batch_byte(batch, tag);
  if (cf >= 0) batch_varint(batch, (uint64_t)cf);
  int is_counted = 1;
  switch (tag) {
    case TAG_PUT: case TAG_CF_PUT: case TAG_MERGE: case TAG_CF_MERGE: case TAG_DELETE_RANGE: case TAG_CF_DELETE_RANGE:
      add_bytes(batch, key, key_len);
      add_bytes(batch, value, value_len);
      break;
    case TAG_BEGIN_PREPARE: case TAG_NOOP: is_counted = 0; break;
    case TAG_LOG_DATA: case TAG_END_PREPARE: case TAG_COMMIT: case TAG_ROLLBACK:
      add_bytes(batch, key, key_len);
      is_counted = 0;
      break;
    default: add_bytes(batch, key, key_len);
  }
  batch_set_count(batch, batch_count(batch->data) + (uint32_t)is_counted);
}
