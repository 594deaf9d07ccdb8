/* replay.c - see replay.h. */
#include "replay.h"

/* The start of a record P, D, L or R: its varint. */
static uint64_t start_of_record(struct bytes record) {
  uint64_t start = 0;
  for (size_t i = 1; i < record.len; ++i) {
    start |= (uint64_t)((unsigned char)record.data[i] & 0x7f) << (7 * (i - 1));
    if (((unsigned char)record.data[i] & 0x80) == 0) break;
  }
  return start;
}
static int is_long_put(struct bytes record) {
  if (record.len < 2 || record.data[0] != 'P') return 0;
  size_t at = 1;
  while (at < record.len && ((unsigned char)record.data[at] & 0x80) != 0) ++at;
  return at + 1 >= record.len || record.data[at + 1] != 'v';
}

static int is_same_row(struct bytes left, struct bytes right) {
  return left.len == right.len && memcmp(left.data, right.data, left.len - 8) == 0;
}

/* The record whose value this is; NULL = none. */
static const struct pair* record_of(const struct contents* before, const struct pair* value) {
  for (size_t i = 0; i < before->n[CF_WRITE]; ++i) {
    const struct pair* record = &before->of[CF_WRITE][i];
    if (is_same_row(record->key, value->key) && is_long_put(record->value) &&
        start_of_record(record->value) == ts_of_key(value->key.data, value->key.len)) {
      return record;
    }
  }
  return NULL;
}

int is_truncated(const struct contents* before, const struct truncation* order, uint32_t cf, const struct pair* pair) {
  if (cf > CF_WRITE || !is_of_schema(pair->key.data, pair->key.len, 1, order->id)) return 0;
  if ((pair->key.data[0] == 'x') == (cf == CF_WRITE)) return ts_of_key(pair->key.data, pair->key.len) <= order->up_to;
  if (cf == CF_WRITE) return 0;
  const struct pair* record = record_of(before, pair);
  return record != NULL && ts_of_key(record->key.data, record->key.len) <= order->up_to;
}

int goes_by_truncation(void* state, uint32_t cf, const struct pair* pair) {
  const struct judged_by* by = state;
  return is_truncated(by->before, by->order, cf, pair);
}

struct replay {
  const struct contents* before;
  char* goes[2];
  char* is_gone[2];
  long* record_of_value; /* by value of the default family; -1 = none */
};

static int is_ledger(const struct op* op) {
  return op->key.len >= sizeof LEDGER_PREFIX - 1 && memcmp(op->key.data, BYTES(LEDGER_PREFIX)) == 0;
}

/* 1 = it deleted something that was there. */
static int apply(struct replay* replay, const struct op* op) {
  int any = 0;
  CHECK(op->op != RGC_OP_PUT);
  CHECK(op->cf <= CF_WRITE);
  if (op->cf > CF_WRITE) return 0;
  for (size_t i = 0; i < replay->before->n[op->cf]; ++i) {
    struct bytes key = replay->before->of[op->cf][i].key;
    int order = bytes_compare(key.data, key.len, op->key.data, op->key.len);
    int is_hit = op->op == RGC_OP_DELETE ? order == 0 : order >= 0 && bytes_compare(key.data, key.len, op->value.data, op->value.len) < 0;
    if (!is_hit) continue;
    if (!replay->goes[op->cf][i]) {
      fprintf(stderr, "family %u: %s must stay\n", op->cf, hex_of(key.data, key.len));
      CHECK(!"what must stay was deleted");
    }
    any |= !replay->is_gone[op->cf][i];
    replay->is_gone[op->cf][i] = 1;
  }
  return any;
}

/* As long as an older version of a row exists, so does the newest of those that the truncation
 * deletes: no older one becomes visible. Every record has its value, and every value its record. */
static int is_sound(const struct replay* replay) {
  static const char modes[] = "rx";
  for (uint32_t cf = CF_DEFAULT; cf <= CF_WRITE; ++cf) {
    const struct pair* pairs = replay->before->of[cf];
    for (size_t i = 1; i < replay->before->n[cf]; ++i) {
      if (!replay->goes[cf][i] || !replay->goes[cf][i - 1] || !is_same_row(pairs[i - 1].key, pairs[i].key)) continue;
      if (pairs[i].key.data[0] != modes[cf]) continue;
      if (replay->is_gone[cf][i - 1] && !replay->is_gone[cf][i]) {
        fprintf(stderr, "family %u: %s came up\n", cf, hex_of(pairs[i].key.data, pairs[i].key.len));
        return 0;
      }
    }
  }
  for (size_t i = 0; i < replay->before->n[CF_DEFAULT]; ++i) {
    long record = replay->record_of_value[i];
    if (record >= 0 && replay->is_gone[CF_WRITE][record] != replay->is_gone[CF_DEFAULT][i]) {
      struct bytes key = replay->before->of[CF_DEFAULT][i].key;
      fprintf(stderr, "%s and its record are parted\n", hex_of(key.data, key.len));
      return 0;
    }
  }
  return 1;
}

size_t check_replay(const struct contents* before, const struct truncation* order, const struct mem_engine* engine) {
  struct replay replay = {.before = before};
  for (uint32_t cf = CF_DEFAULT; cf <= CF_WRITE; ++cf) {
    replay.goes[cf] = calloc(before->n[cf] + 1, 1);
    replay.is_gone[cf] = calloc(before->n[cf] + 1, 1);
    REQUIRE(replay.goes[cf] != NULL && replay.is_gone[cf] != NULL);
    for (size_t i = 0; i < before->n[cf]; ++i) replay.goes[cf][i] = (char)is_truncated(before, order, cf, &before->of[cf][i]);
  }
  replay.record_of_value = malloc((before->n[CF_DEFAULT] + 1) * sizeof(long));
  REQUIRE(replay.record_of_value != NULL);
  for (size_t i = 0; i < before->n[CF_DEFAULT]; ++i) {
    const struct pair* value = &before->of[CF_DEFAULT][i];
    const struct pair* record = value->key.data[0] == 'x' ? record_of(before, value) : NULL;
    replay.record_of_value[i] = record == NULL ? -1 : record - before->of[CF_WRITE];
  }
  size_t batches = 0;
  int sound = 1;
  for (size_t i = 0; i < engine->logged && sound; ++i) {
    const struct call* call = &engine->log[i];
    if (call->function != WRITE) continue;
    int any = 0;
    for (size_t j = 0; j < call->n; ++j) {
      if (!is_ledger(&call->ops[j])) any |= apply(&replay, &call->ops[j]);
    }
    batches += (size_t)any;
    sound = is_sound(&replay);
  }
  CHECK(sound);
  for (uint32_t cf = CF_DEFAULT; cf <= CF_WRITE; ++cf) {
    free(replay.goes[cf]);
    free(replay.is_gone[cf]);
  }
  free(replay.record_of_value);
  return batches;
}
