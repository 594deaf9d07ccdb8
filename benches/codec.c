/* The codec through the C ABI, single calls against many keys in one call.
 *     codec LIBRARY [ROUNDS]
 * It converts a million user keys of 16 and of 64 bytes, of keyspace 4242 in mode r. In each round
 * every method converts all keys once and frees the results by rgc_free; the methods change their
 * order. It measures the thread's CPU time. A round before the first one compares every result with
 * the expected one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rocks_gc.h"

enum { N = 1000000, MODE = 'r', KEYSPACE = 4242, PREFIX = 4, MAX_ROUNDS = 99, WAYS = 10 };

static void fail(const char* what, const char* why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void* need(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == NULL) fail(name, dlerror());
  return found;
}
#define LOAD(name) __typeof__(name)* name##_ = (__typeof__(name)*)need(library, #name)

typedef char* (*one_fn)(int, uint32_t, const char*, size_t, size_t*, char**);
typedef char* (*many_fn)(int, uint32_t, const char* const*, const size_t*, size_t, size_t*, char**);

/* Keys one behind the other, all of one length. */
struct keys {
  size_t len;
  char* data;
  const char** at;
  size_t* lens;
};

/* A way from some keys to others; per call: how many keys it takes, 1 = the function for one. */
struct way {
  const char* name;
  size_t per_call;
  one_fn one;
  many_fn many;
  const struct keys *from, *to;
};

static size_t offsets[N + 1];
static void (*give_back)(void*);

static struct keys keys_of(size_t len) {
  struct keys keys = {len, malloc(N * len), malloc(N * sizeof(char*)), malloc(N * sizeof(size_t))};
  if (keys.data == NULL || keys.at == NULL || keys.lens == NULL) fail("malloc", "no memory");
  for (size_t i = 0; i < N; i++) {
    keys.at[i] = keys.data + i * len;
    keys.lens[i] = len;
  }
  return keys;
}

static void free_keys(struct keys* keys) {
  free(keys->data);
  free(keys->at);
  free(keys->lens);
}

/* Converts all keys; compares them with what they must be, if that is asked for. */
static void convert(const struct way* way, int compare) {
  for (size_t i = 0; i < N; i += way->per_call) {
    size_t len = 0;
    char* found;
    if (way->many == NULL) {
      found = way->one(MODE, KEYSPACE, way->from->at[i], way->from->len, &len, NULL);
    } else {
      found = way->many(MODE, KEYSPACE, way->from->at + i, way->from->lens + i, way->per_call, offsets, NULL);
      len = offsets[way->per_call];
    }
    if (found == NULL || len != way->per_call * way->to->len) fail(way->name, "not what was to be measured");
    if (compare && memcmp(found, way->to->at[i], len) != 0) fail(way->name, "other keys than they must be");
    give_back(found);
  }
}

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int ascending(const void* a, const void* b) {
  double left = *(const double*)a, right = *(const double*)b;
  return (left > right) - (left < right);
}

/* The keys of the three forms; what they must be is written here by hand. */
static void make_keys(struct keys* user, struct keys* request, struct keys* region) {
  uint64_t random = 88172645463325252u;
  for (size_t i = 0; i < N * user->len; i++) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    user->data[i] = (char)random;
  }
  for (size_t i = 0; i < N; i++) {
    char* key = request->data + i * request->len;
    memcpy(key, "r\0\x10\x92", PREFIX);
    memcpy(key + PREFIX, user->at[i], user->len);
    char* out = region->data + i * region->len;
    memset(out, 0, region->len);
    for (size_t from = 0; from <= request->len; from += 8, out += 9) {
      size_t held = request->len - from < 8 ? request->len - from : 8;
      memcpy(out, key + from, held);
      out[8] = (char)(held == 8 ? 0xff : 0xff - (8 - held));
    }
  }
}

static void measure(void* library, size_t key_len, int rounds) {
  struct keys user = keys_of(key_len), request = keys_of(key_len + PREFIX), region = keys_of(((key_len + PREFIX) / 8 + 1) * 9);
  make_keys(&user, &request, &region);
  LOAD(rgc_codec_encode_key);
  LOAD(rgc_codec_decode_key);
  LOAD(rgc_codec_encode_keys);
  LOAD(rgc_codec_decode_keys);
  LOAD(rgc_codec_encode_region_key);
  LOAD(rgc_codec_decode_region_key);
  const struct way ways[WAYS] = {
      {"encode, request keys", 1, rgc_codec_encode_key_, NULL, &user, &request},
      {"encode, request keys", 100, NULL, rgc_codec_encode_keys_, &user, &request},
      {"encode, request keys", 10000, NULL, rgc_codec_encode_keys_, &user, &request},
      {"encode, request keys", N, NULL, rgc_codec_encode_keys_, &user, &request},
      {"decode, request keys", 1, rgc_codec_decode_key_, NULL, &request, &user},
      {"decode, request keys", 100, NULL, rgc_codec_decode_keys_, &request, &user},
      {"decode, request keys", 10000, NULL, rgc_codec_decode_keys_, &request, &user},
      {"decode, request keys", N, NULL, rgc_codec_decode_keys_, &request, &user},
      {"encode, region keys", 1, rgc_codec_encode_region_key_, NULL, &user, &region},
      {"decode, region keys", 1, rgc_codec_decode_region_key_, NULL, &region, &user},
  };
  static double ns[WAYS][MAX_ROUNDS];
  for (int way = 0; way < WAYS; way++) convert(&ways[way], 1);
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < WAYS; i++) {
      int way = (i * 3 + round) % WAYS;
      double begin = cpu_seconds();
      convert(&ways[way], 0);
      ns[way][round] = (cpu_seconds() - begin) * 1e9 / N;
    }
  }
  for (int way = 0; way < WAYS; way++) {
    qsort(ns[way], (size_t)rounds, sizeof(double), ascending);
    double median = ns[way][rounds / 2];
    printf("| %s | %zu | %zu | %.1f | %.1f | %.0f |\n", ways[way].name, key_len, ways[way].per_call, ns[way][0], median, 1e3 / median);
  }
  free_keys(&user);
  free_keys(&request);
  free_keys(&region);
}

int main(int argc, char** argv) {
  void* library = argc == 2 || argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
  int rounds = argc == 3 ? atoi(argv[2]) : 31;
  if (library == NULL || rounds < 1 || rounds > MAX_ROUNDS) {
    fprintf(stderr, "usage: codec LIBRARY [ROUNDS]: %s\n", library == NULL && argc > 1 ? dlerror() : "1 to 99 rounds");
    return 1;
  }
  LOAD(rgc_free);
  give_back = rgc_free_;
  printf("| | user key, bytes | keys a call | ns a key, least | ns a key, median | M keys/s, median |\n|---|---|---|---|---|---|\n");
  measure(library, 16, rounds);
  measure(library, 64, rounds);
  return 0;
}
