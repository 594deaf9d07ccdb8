/* schema_keys.c - see schema_keys.h. */
#include "schema_keys.h"

#include <stdarg.h>

rgc_t* gc_of_schemas(const char* options) {
  char all[256];
  REQUIRE((size_t)snprintf(all, sizeof all, "schema_id=prefix;%s", options) < sizeof all);
  return gc_at_80(all);
}

struct key user_key(char mode, uint32_t keyspace, const char* user, size_t len, uint64_t ts) {
  char raw[104] = {mode, (char)(keyspace >> 16), (char)(keyspace >> 8), (char)keyspace};
  REQUIRE(len + 4 <= sizeof raw - 1);
  if (len != 0) memcpy(raw + 4, user, len);
  return stored_key(raw, 4 + len, ts);
}

struct key id_key(char mode, uint32_t keyspace, uint32_t id, const char* rest, uint64_t ts) {
  char user[96] = {(char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
  size_t len = strlen(rest);
  REQUIRE(len + 4 <= sizeof user);
  memcpy(user + 4, rest, len);
  return user_key(mode, keyspace, user, 4 + len, ts);
}

struct key row_of_key(struct key key) {
  REQUIRE(key.len >= 8);
  key.len -= 8;
  return key;
}

struct key plain_key(const char* user, size_t len, uint64_t ts) {
  struct key key = {.len = len + 8};
  REQUIRE(key.len <= sizeof key.data);
  memcpy(key.data, user, len);
  for (size_t i = 0; i < 8; ++i) key.data[len + i] = (char)(~ts >> (56 - 8 * i));
  return key;
}

uint64_t ts_of_key(const char* key, size_t len) {
  uint64_t inverted = 0;
  for (size_t i = len - 8; i < len; ++i) inverted = inverted << 8 | (unsigned char)key[i];
  return ~inverted;
}

int schema_of_key(const char* key, size_t len, uint32_t* keyspace, uint32_t* id) {
  const unsigned char* bytes = (const unsigned char*)key;
  if (len < 9 || (bytes[0] != 'r' && bytes[0] != 'x') || bytes[8] != 0xff) return 0;
  *keyspace = (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  *id = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | bytes[7];
  return 1;
}

int is_of_schema(const char* key, size_t len, uint32_t keyspace, uint32_t id) {
  uint32_t its_keyspace, its_id;
  return schema_of_key(key, len, &its_keyspace, &its_id) && its_keyspace == keyspace && its_id == id;
}

int compare_keys(const void* left, const void* right) {
  const struct key* a = left;
  const struct key* b = right;
  return bytes_compare(a->data, a->len, b->data, b->len);
}

static int is_ledger(const struct pair* pair) {
  return pair->key.len >= sizeof LEDGER_PREFIX - 1 && memcmp(pair->key.data, BYTES(LEDGER_PREFIX)) == 0;
}

struct contents contents_of(struct mem_engine* engine) {
  struct contents contents;
  pthread_mutex_lock(&engine->turn);
  for (uint32_t cf = 0; cf < MEM_FAMILIES; ++cf) {
    size_t n = 0;
    size_t kept = 0;
    struct pair* all = mem_read(engine->store, cf, NULL, 0, NULL, 0, &n);
    for (size_t i = 0; i < n; ++i) {
      if (is_ledger(&all[i])) {
        free(all[i].key.data);
        free(all[i].value.data);
      } else {
        all[kept++] = all[i];
      }
    }
    contents.of[cf] = all;
    contents.n[cf] = kept;
  }
  pthread_mutex_unlock(&engine->turn);
  return contents;
}

void contents_free(struct contents* contents) {
  for (uint32_t cf = 0; cf < MEM_FAMILIES; ++cf) pairs_free(contents->of[cf], contents->n[cf]);
}

void check_gone(struct mem_engine* engine, const struct contents* before, goes_fn goes, void* state, const char* file, int line) {
  struct contents now = contents_of(engine);
  for (uint32_t cf = 0; cf < MEM_FAMILIES; ++cf) {
    size_t at = 0;
    char what[512] = "";
    for (size_t i = 0; i < before->n[cf] && what[0] == 0; ++i) {
      const struct pair* old = &before->of[cf][i];
      const struct pair* left = at < now.n[cf] ? &now.of[cf][at] : NULL;
      int order = left == NULL ? 1 : bytes_compare(left->key.data, left->key.len, old->key.data, old->key.len);
      const char* key = hex_of(old->key.data, old->key.len);
      if (order < 0) {
        snprintf(what, sizeof what, "family %u: %s has come", cf, hex_of(left->key.data, left->key.len));
        continue;
      }
      int must_go = goes(state, cf, old);
      at += order == 0;
      if (order == 0 && must_go == 1) snprintf(what, sizeof what, "family %u: %s has not gone", cf, key);
      if (order > 0 && must_go == 0) snprintf(what, sizeof what, "family %u: %s has gone", cf, key);
      if (order == 0 && bytes_compare(left->value.data, left->value.len, old->value.data, old->value.len) != 0) {
        snprintf(what, sizeof what, "family %u: %s has another value", cf, key);
      }
    }
    if (what[0] == 0 && at < now.n[cf]) {
      snprintf(what, sizeof what, "family %u: %s has come", cf, hex_of(now.of[cf][at].key.data, now.of[cf][at].key.len));
    }
    check_that(what[0] == 0, file, line, what);
  }
  contents_free(&now);
}

void compact_everything(struct mem_engine* engine) {
  pthread_mutex_lock(&engine->turn);
  for (uint32_t cf = 0; cf < MEM_FAMILIES; ++cf) mem_judge(engine->store, cf, NULL, 0);
  mem_compact_all(engine->store);
  pthread_mutex_unlock(&engine->turn);
}

void check_refused(char* error, const char* file, int line, const char* call, ...) {
  static const char* const kinds[] = {"Invalid argument: ", "Not found: ", "Not supported: ", "Busy: ",
                                      "Corruption: ",       "IO error: ",  "Aborted: "};
  if (error == NULL || error == CHECK_GARBAGE) {
    check_error(error, file, line, call, "any", NULL);
    return;
  }
  int is_known = 0;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) is_known |= strncmp(error, kinds[i], strlen(kinds[i])) == 0;
  check_that(is_known, file, line, error);
  va_list parts;
  va_start(parts, call);
  for (const char* part = va_arg(parts, const char*); part != NULL; part = va_arg(parts, const char*)) {
    check_contains(error, part, file, line);
  }
  va_end(parts);
  api.rgc_free(error);
}

uint64_t random_below(uint64_t* state, uint64_t n) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return (*state * 0x2545f4914f6cdd1d >> 11) % n;
}
