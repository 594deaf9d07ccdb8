/* keys.h - API V2 keys, encoded and parsed here without the library; the library's results are
 * compared with these. */
#ifndef KEYS_H
#define KEYS_H

#include <stddef.h>
#include <stdint.h>

struct key {
  size_t len;
  char data[128];
};

/* memcomparable(raw) + timestamp. */
struct key stored_key(const char* raw, size_t len, uint64_t ts);

/* The RawKV key of a NUL-terminated user key. */
struct key raw_key(uint32_t keyspace, const char* user_key, uint64_t ts);

/* The same with another mode. */
struct key mode_key(char mode, uint32_t keyspace, const char* user_key, uint64_t ts);

/* What a stored key says, if it is one of RawKV to the last byte. */
struct raw_version {
  uint32_t keyspace;
  uint64_t ts;
  size_t row_len; /* the key without its timestamp */
};

/* 1 = it is. */
int parse_raw_key(const char* key, size_t len, struct raw_version* out);

/* Is it a value of RawKV: flags known, room for the expiry? */
int is_raw_value(const char* value, size_t len);

#endif
