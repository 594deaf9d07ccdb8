/* schema_keys.h - keys of schemas, made and read here without the library, and what a store must
 * show before and after. */
#ifndef SCHEMA_KEYS_H
#define SCHEMA_KEYS_H

#include "attached.h"
#include "parts.h"

#define OF(key) (key).data, (key).len
/* A list of ids as pointer and length. */
#define IDS(...) (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

/* The context of gc_at_80 with schema_id=prefix and these options, which may be "". */
rgc_t* gc_of_schemas(const char* options);
/* The API V2 key of any user key. */
struct key user_key(char mode, uint32_t keyspace, const char* user, size_t len, uint64_t ts);
/* The same of a user key that begins with a schema's id. */
struct key id_key(char mode, uint32_t keyspace, uint32_t id, const char* rest, uint64_t ts);
/* Without its timestamp. */
struct key row_of_key(struct key key);
/* user key + timestamp, as the plain layout has it. */
struct key plain_key(const char* user, size_t len, uint64_t ts);
uint64_t ts_of_key(const char* key, size_t len);
/* Is it a stored API V2 key of a schema: mode r or x, with a full first group? Then of which
 * schema. */
int schema_of_key(const char* key, size_t len, uint32_t* keyspace, uint32_t* id);
/* Is it of this one? */
int is_of_schema(const char* key, size_t len, uint32_t keyspace, uint32_t id);
/* For sorting. */
int compare_keys(const void* left, const void* right);

/* What all families show, but for the ledger. */
struct contents {
  struct pair* of[MEM_FAMILIES];
  size_t n[MEM_FAMILIES];
};
struct contents contents_of(struct mem_engine* engine);
void contents_free(struct contents* contents);
/* Must it go (1), stay (0), or may it be either (-1)? */
typedef int (*goes_fn)(void* state, uint32_t cf, const struct pair* pair);
/* Checks that exactly those keys of `before` are gone that must be, and that none is new. Prints
 * the first difference of each family. */
void check_gone(struct mem_engine* engine, const struct contents* before, goes_fn goes, void* state, const char* file, int line);
#define CHECK_GONE(engine, before, goes, state) check_gone(engine, before, goes, state, __FILE__, __LINE__)
/* Compacts all families without filters: no key that a tombstone hid may become visible. */
void compact_everything(struct mem_engine* engine);

/* A call that must fail, of whatever kind of error, and with these texts in it; once. */
void check_refused(char* error, const char* file, int line, const char* call, ...);
#define REFUSES(call, ...)                                                     \
  do {                                                                         \
    char* error_ = CHECK_GARBAGE;                                              \
    char** errptr = &error_;                                                   \
    call;                                                                      \
    check_refused(error_, __FILE__, __LINE__, #call, __VA_ARGS__);             \
  } while (0)
/* The end of the texts. */
#define NO_MORE ((const char*)NULL)

/* xorshift64*, with a state of the caller's that is not 0. */
uint64_t random_below(uint64_t* state, uint64_t n);

#endif
