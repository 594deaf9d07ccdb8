/* keys.c - see keys.h. */
#include "keys.h"

#include <string.h>

static void add(struct key* key, char byte) { key->data[key->len++] = byte; }

struct key stored_key(const char* raw, size_t len, uint64_t ts) {
  struct key key = {0};
  for (size_t i = 0; i <= len; i += 8) {
    size_t here = len - i < 8 ? len - i : 8;
    for (size_t j = 0; j < 8; ++j) add(&key, j < here ? raw[i + j] : 0);
    add(&key, (char)(0xff - (8 - here)));
  }
  for (int shift = 56; shift >= 0; shift -= 8) add(&key, (char)(~ts >> shift));
  return key;
}

struct key mode_key(char mode, uint32_t keyspace, const char* user_key, uint64_t ts) {
  char raw[64] = {mode, (char)(keyspace >> 16), (char)(keyspace >> 8), (char)keyspace};
  size_t len = strlen(user_key);
  memcpy(raw + 4, user_key, len);
  return stored_key(raw, 4 + len, ts);
}

struct key raw_key(uint32_t keyspace, const char* user_key, uint64_t ts) { return mode_key('r', keyspace, user_key, ts); }

int parse_raw_key(const char* key, size_t len, struct raw_version* out) {
  const unsigned char* bytes = (const unsigned char*)key;
  size_t at = 0;
  size_t raw_len = 0;
  for (;; at += 9) {
    if (at + 9 > len) return 0;
    unsigned marker = bytes[at + 8];
    if (marker == 0xff) {
      raw_len += 8;
      continue;
    }
    if (marker < 0xf7) return 0;
    size_t here = 8 - (0xff - marker);
    for (size_t j = here; j < 8; ++j) {
      if (bytes[at + j] != 0) return 0;
    }
    raw_len += here;
    at += 9;
    break;
  }
  if (len != at + 8 || raw_len < 4 || bytes[0] != 'r') return 0;
  out->keyspace = (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  out->row_len = at;
  uint64_t inverted = 0;
  for (size_t j = 0; j < 8; ++j) inverted = inverted << 8 | bytes[at + j];
  out->ts = ~inverted;
  return 1;
}

int is_raw_value(const char* value, size_t len) {
  if (len == 0) return 0;
  unsigned flags = (unsigned char)value[len - 1];
  return flags <= 3 && ((flags & 1) == 0 || len >= 9);
}
