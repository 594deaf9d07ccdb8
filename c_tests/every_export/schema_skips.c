/* schema_skips.c - filters over many rows of many schemas, by a caller that skips and by one that
 * cannot. This file predicts what is left, and no skip passes a key that must stay. Also in the
 * plain layout. */
#include "schema_keys.h"

static rgc_filter_t* run_at(rgc_t* gc, int kind, int is_bottommost) {
  rgc_compaction_t known = {.struct_size = sizeof known, .is_full = -1, .is_manual = -1, .is_bottommost = is_bottommost};
  known.start_level = known.output_level = -1;
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, kind, &known, errptr));
  REQUIRE(run != NULL);
  return run;
}

struct keys {
  struct key* keys;
  char* stays; /* by the rule */
  char* drops; /* its schema is dropped */
  size_t n;
};

static struct key with_prefix(const char* prefix, struct key key) {
  size_t len = strlen(prefix);
  REQUIRE(key.len + len <= sizeof key.data);
  memmove(key.data + len, key.data, key.len);
  memcpy(key.data, prefix, len);
  key.len += len;
  return key;
}

/* Random rows in keyspaces 1 and 2: neighbouring ids, short and long user keys, with common
 * beginnings. */
static struct keys random_keys(uint64_t* seed, size_t rows, const char* prefix) {
  static const char modes[] = "rrrrrrxmt";
  static const char* const tails[] = {"", "a", "ab", "abc", "abcd", "the same long beginning of a user key 1",
                                      "the same long beginning of a user key 2", "the same long beginning of a user key 22"};
  struct keys made = {calloc(rows * 6, sizeof *made.keys), NULL, NULL, 0};
  REQUIRE(made.keys != NULL);
  for (size_t i = 0; i < rows; ++i) {
    uint32_t id = 0x61620000 + (uint32_t)random_below(seed, 8);
    char user[80] = {(char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    const char* tail = tails[random_below(seed, sizeof tails / sizeof *tails)];
    size_t len = 4 + strlen(tail);
    memcpy(user + 4, tail, len - 4);
    if (random_below(seed, 5) == 0) len = random_below(seed, 4);
    size_t versions = random_below(seed, 10) == 0 ? 6 : 1 + random_below(seed, 2);
    char mode = modes[random_below(seed, sizeof modes - 1)];
    uint32_t keyspace = 1 + (uint32_t)random_below(seed, 2);
    for (size_t v = 0; v < versions; ++v) {
      made.keys[made.n++] = with_prefix(prefix, user_key(mode, keyspace, user, len, 60 + 7 * (uint64_t)v));
    }
  }
  qsort(made.keys, made.n, sizeof *made.keys, compare_keys);
  size_t kept = 0;
  for (size_t i = 0; i < made.n; ++i) {
    if (i == 0 || compare_keys(&made.keys[kept - 1], &made.keys[i]) != 0) made.keys[kept++] = made.keys[i];
  }
  made.n = kept;
  made.stays = calloc(made.n, 1);
  made.drops = calloc(made.n, 1);
  REQUIRE(made.stays != NULL && made.drops != NULL);
  return made;
}

static void keys_free(struct keys* keys) {
  free(keys->keys);
  free(keys->stays);
  free(keys->drops);
}

/* The rule: in keyspaces 1 and 2 the filter drops ids that have a bit in `dropped`. Of keyspace 1's
 * r keys (kind DEFAULT) it keeps the first version of a row, and versions at or above 80. */
static void judge_by_rule(struct keys* keys, int kind, size_t prefix_len, const unsigned* dropped) {
  for (size_t i = 0; i < keys->n; ++i) {
    const struct key* key = &keys->keys[i];
    uint32_t keyspace, id;
    const char* bytes = key->data + prefix_len;
    size_t len = key->len - prefix_len;
    keys->stays[i] = 1;
    if (schema_of_key(bytes, len, &keyspace, &id) && (dropped[keyspace] >> (id - 0x61620000) & 1)) {
      keys->stays[i] = 0;
      keys->drops[i] = 1;
      continue;
    }
    if (kind != RGC_KIND_RAW || bytes[0] != 'r' || bytes[3] != 1) continue;
    int is_first = i == 0 || keys->keys[i - 1].len != key->len || memcmp(keys->keys[i - 1].data, key->data, key->len - 8) != 0;
    if (!is_first && ts_of_key(bytes, len) < 80) keys->stays[i] = 0;
  }
}

/* One run over all keys; a caller that skips does not show what it skipped. */
static void run_through(rgc_t* gc, const struct keys* keys, int kind, int is_bottommost, int skips, int by_key) {
  rgc_filter_t* run = run_at(gc, kind, is_bottommost);
  struct bytes until = {0, NULL};
  size_t skipped = 0;
  for (size_t i = 0; i < keys->n; ++i) {
    const struct key* key = &keys->keys[i];
    const char* what = NULL;
    if (until.data != NULL && bytes_compare(OF(*key), until.data, until.len) < 0) {
      ++skipped;
      if (keys->stays[i]) what = "was skipped";
    } else {
      const char* skip = NULL;
      size_t skip_len = 0;
      int verdict = RGC_UNDETERMINED;
      if (by_key) verdict = api.rgc_filter_decide_by_key(run, 0, OF(*key), skips ? &skip : NULL, skips ? &skip_len : NULL);
      if (verdict == RGC_UNDETERMINED) {
        const char* value = kind == RGC_KIND_TXN ? "P\5v\1a" : "v\0";
        verdict = api.rgc_filter_decide(run, 0, RGC_VALUE, OF(*key), value, kind == RGC_KIND_TXN ? 5 : 2, skips ? &skip : NULL,
                                        skips ? &skip_len : NULL);
      }
      if ((verdict == RGC_KEEP) != keys->stays[i]) what = verdict == RGC_KEEP ? "was kept" : "was removed";
      if (verdict == RGC_REMOVE_AND_SKIP_UNTIL) {
        if (!skips || bytes_compare(skip, skip_len, OF(*key)) <= 0) what = "skips nowhere";
        if (keys->drops[i] && is_bottommost != 1) what = "skips where older data may lie below";
        free(until.data);
        until = bytes_copy(skip, skip_len);
      }
    }
    if (what != NULL) {
      fprintf(stderr, "kind %d, bottommost %d, by key %d: %s %s\n", kind, is_bottommost, by_key, hex_of(OF(*key)), what);
      CHECK(!"a run does what the rule says");
      break;
    }
  }
  if (!skips) CHECK_EQ(skipped, 0);
  free(until.data);
  api.rgc_filter_destroy(run);
}

static void over_many(uint64_t seed, const char* mode, const char* prefix) {
  char options[80];
  snprintf(options, sizeof options, "remove_mode=%s;data_prefix=%s", mode, prefix);
  for (int round = 0; round < 8; ++round) {
    rgc_t* gc = gc_of_schemas(options);
    unsigned dropped[3] = {0, 0, 0};
    for (uint32_t keyspace = 1; keyspace <= 2; ++keyspace) {
      uint32_t ids[8];
      size_t n = 0;
      /* Sparse and dense; 7 is unknown. */
      for (uint32_t i = 0; i < 7; ++i) {
        if (random_below(&seed, round % 2 == 0 ? 4 : 2) == 0 || (i == 3 && n == 0)) ids[n++] = 0x61620000 + i;
        else dropped[keyspace] |= 1u << i;
      }
      if (n == 0) dropped[keyspace] = 0;
      SUCCEEDS(api.rgc_schemas_load(gc, keyspace, ids, n, 0x61620006, errptr));
    }
    struct keys keys = random_keys(&seed, 300, prefix);
    for (int kind = RGC_KIND_DROPPED_ONLY; kind <= RGC_KIND_TXN; ++kind) {
      memset(keys.drops, 0, keys.n);
      judge_by_rule(&keys, kind, strlen(prefix), dropped);
      if (kind == RGC_KIND_TXN) {
        /* Records: of each row of keyspace 1 the first one at or below the safe point stays. */
        int is_over = 0;
        for (size_t i = 0; i < keys.n; ++i) {
          const struct key* key = &keys.keys[i];
          const char* bytes = key->data + strlen(prefix);
          int is_next = i > 0 && keys.keys[i - 1].len == key->len && memcmp(keys.keys[i - 1].data, key->data, key->len - 8) == 0;
          if (!is_next) is_over = 0;
          if (bytes[0] != 'x' || bytes[3] != 1 || keys.drops[i]) continue;
          if (is_over) keys.stays[i] = 0;
          is_over |= ts_of_key(OF(*key)) <= 80;
        }
      }
      for (int is_bottommost = -1; is_bottommost <= 1; ++is_bottommost) {
        for (int skips = 0; skips < 2; ++skips) {
          run_through(gc, &keys, kind, is_bottommost, skips, 0);
          run_through(gc, &keys, kind, is_bottommost, skips, 1);
        }
      }
    }
    CHECK_EQ(stats_of(gc).runs_closed, 0);
    if (strcmp(mode, "remove") == 0) CHECK_EQ(stats_of(gc).skipped, 0);
    keys_free(&keys);
    api.rgc_destroy(gc);
  }
}

/* Over consecutive dropped keys of one schema in the last level, a caller that can skip skips to
 * the schema's end at most. */
static void to_the_end(void) {
  rgc_t* gc = gc_of_schemas("remove_mode=skip");
  SUCCEEDS(api.rgc_schemas_load(gc, 1, IDS(0x616200ff), 0x61630000, errptr));
  /* Ids whose end carries into the byte before, and the last id of all. */
  static const uint32_t ids[] = {0x616200fe, 0x6162ffff, 0x61630000};
  for (size_t i = 0; i < 3; ++i) {
    static const char modes[] = "rx";
    for (size_t m = 0; m < 2; ++m) {
      rgc_filter_t* run = run_at(gc, RGC_KIND_DROPPED_ONLY, 1);
      struct key end = id_key(modes[m], 1, ids[i] + 1, "", UINT64_MAX);
      end.len = 8; /* every key of a schema above begins with this, shorter user keys of these bytes too */
      for (uint64_t ts = 50; ts > 0; --ts) {
        struct key key = id_key(modes[m], 1, ids[i], "k", ts);
        const char* until = "untouched";
        size_t until_len = 77;
        int verdict = api.rgc_filter_decide(run, 6, RGC_VALUE, OF(key), BYTES("v\0"), &until, &until_len);
        CHECK(verdict == RGC_REMOVE || verdict == RGC_REMOVE_AND_SKIP_UNTIL);
        if (verdict != RGC_REMOVE_AND_SKIP_UNTIL) {
          CHECK(until == NULL && until_len == 0);
          continue;
        }
        CHECK(bytes_compare(until, until_len, OF(key)) > 0);
        CHECK(bytes_compare(until, until_len, OF(end)) <= 0);
      }
      api.rgc_filter_destroy(run);
    }
  }
  api.rgc_destroy(gc);
}

/* In the plain layout a key is of a schema from 4 + 8 bytes on; shorter ones lie between. */
static void plain(const char* options, size_t user_len, const char* prefix) {
  for (int kind = RGC_KIND_DROPPED_ONLY; kind <= RGC_KIND_TTL_V1; ++kind) {
    rgc_t* gc = gc_with(options);
    /* "\1roc" is dropped too, but not the library's own keys. */
    SUCCEEDS(api.rgc_schemas_load(gc, RGC_KEYSPACE_NONE, IDS(0x61626364, 0x61626366), 0x61626367, errptr));
    struct keys keys = {calloc(400, sizeof *keys.keys), calloc(400, 1), calloc(400, 1), 0};
    for (unsigned char last = 'a'; last < 'k'; ++last) {
      char user[40] = {'a', 'b', 'c', (char)last};
      memcpy(user + 4, "defghijklmnopqrstuvwxyz0123456789", 33);
      keys.keys[keys.n++] = plain_key(user, user_len, 90);
      if (user_len > 5) keys.keys[keys.n++] = plain_key((user[user_len - 1] = 'x', user), user_len, 90);
      /* Shorter than any key of a schema. */
      for (size_t len = 0; len < 12; ++len) keys.keys[keys.n++] = key_of(user, len);
      for (size_t len = 5; len < 12; ++len) {
        struct key key = key_of(user, len);
        key.data[4] = 'e'; /* behind the rows, and no part of one */
        keys.keys[keys.n++] = key;
      }
    }
    keys.keys[keys.n++] = key_of(BYTES("r\0\0\1abcd"));
    for (size_t i = 0; i < keys.n; ++i) keys.keys[i] = with_prefix(prefix, keys.keys[i]);
    keys.keys[keys.n++] = key_of(BYTES(LEDGER_PREFIX "0123456789abcdef"));
    keys.keys[keys.n++] = key_of(BYTES(LEDGER_PREFIX));
    if (prefix[0] != 0) keys.keys[keys.n++] = plain_key("abcg0123", 8, 90);
    qsort(keys.keys, keys.n, sizeof *keys.keys, compare_keys);
    size_t kept = 0;
    for (size_t i = 0; i < keys.n; ++i) {
      if (i == 0 || compare_keys(&keys.keys[kept - 1], &keys.keys[i]) != 0) keys.keys[kept++] = keys.keys[i];
    }
    keys.n = kept;
    for (size_t i = 0; i < keys.n; ++i) {
      const struct key* key = &keys.keys[i];
      size_t skip = strlen(prefix);
      int is_ours = key->len >= skip + 12 && memcmp(key->data, prefix, skip) == 0 && memcmp(key->data, BYTES(LEDGER_PREFIX)) != 0;
      char last = is_ours ? key->data[skip + 3] : 0;
      keys.drops[i] = is_ours && last <= 'g' && last != 'd' && last != 'f';
      keys.stays[i] = !keys.drops[i];
    }
    int dropped = 0;
    for (size_t i = 0; i < keys.n; ++i) dropped += keys.drops[i];
    CHECK(dropped >= 5);
    for (int is_bottommost = -1; is_bottommost <= 1; ++is_bottommost) {
      for (int skips = 0; skips < 2; ++skips) {
        run_through(gc, &keys, kind, is_bottommost, skips, 0);
        run_through(gc, &keys, kind, is_bottommost, skips, 1);
      }
    }
    keys_free(&keys);
    api.rgc_destroy(gc);
  }
}

void test_schema_skips(uint64_t seed) {
  static const char* const modes[] = {"auto", "remove", "skip"};
  for (size_t i = 0; i < 3; ++i) {
    over_many(seed | 1, modes[i], "");
    over_many(4711 + i, modes[i], "z");
  }
  to_the_end();
  plain("key_layout=plain;history=latest;plain_keys=8;schema_id=prefix;remove_mode=skip", 8, "");
  plain("key_layout=plain;history=latest;plain_keys=4;schema_id=prefix;remove_mode=skip", 4, "");
  plain("key_layout=plain;history=latest;plain_keys=24;schema_id=prefix", 24, "");
  plain("key_layout=plain;history=latest;plain_keys=prefix_free;schema_id=prefix;remove_mode=skip", 16, "");
  plain("key_layout=plain;history=latest;plain_keys=8;schema_id=prefix;remove_mode=skip;data_prefix=z", 8, "z");
}
