/* keyspace_bytes.c - rgc_keyspace_load_protobuf: the bytes of PD, of older and newer PDs, and
 * invalid ones. */
#include "known.h"
#include "schema_keys.h"

static size_t from_hex(const char* hex, char* out) {
  size_t len = strlen(hex) / 2;
  for (size_t i = 0; i < len; ++i) {
    unsigned byte = 0;
    REQUIRE(sscanf(hex + 2 * i, "%2x", &byte) == 1);
    out[i] = (char)byte;
  }
  return len;
}

#define LEVEL "3a240a1267635f6d616e6167656d656e745f74797065120e6b657973706163655f6c6576656c"
#define TIMES "2080e2cfaa062880e2cfaa06"
/* "a": "b", another entry of the map; and one without value, one without key. */
#define OTHER_ENTRY "3a060a0161120162"

static const struct {
  const char* hex;
  uint32_t id;
  int state, gc_type;
  const char* name;
} known[] = {
    {"0800120744454641554c54" TIMES, 0, 0, RGC_GC_GLOBAL, "DEFAULT"},
    {"120744454641554c54" TIMES, 0, 0, RGC_GC_GLOBAL, "DEFAULT"},
    {"080112036b7331" TIMES LEVEL, 1, 0, RGC_GC_KEYSPACE_LEVEL, "ks1"},
    {"080212036b733218012080e2cfaa062881e2cfaa06" "3a1d0a1267635f6d616e6167656d656e745f747970651207756e6966696564", 2, 1, RGC_GC_GLOBAL,
     "ks2"},
    {"08922112016118022805", 4242, 2, RGC_GC_GLOBAL, "a"},
    {"080312017418033a270a1267635f6d616e6167656d656e745f7479706512116b657973706163655f6c6576656c5f6763", 3, 3, RGC_GC_KEYSPACE_LEVEL, "t"},
    {"08feffff07120653595354454d20012801" LEVEL, 0xfffffe, 0, RGC_GC_KEYSPACE_LEVEL, "SYSTEM"},
    /* In another order; other entries around; the state of 0 written out. */
    {LEVEL "18001203" "6b7331" "0801", 1, 0, RGC_GC_KEYSPACE_LEVEL, "ks1"},
    {"080112036b7331" OTHER_ENTRY LEVEL OTHER_ENTRY "3a00" "3a030a0161" "3a03120162", 1, 0, RGC_GC_KEYSPACE_LEVEL, "ks1"},
    /* The entry's value before its key. */
    {"080112036b7331" "3a24120e6b657973706163655f6c6576656c0a1267635f6d616e6167656d656e745f74797065", 1, 0, RGC_GC_KEYSPACE_LEVEL,
     "ks1"},
    /* A later id wins, and a later name and state. */
    {"08050801" "12036b7332" "12036b7331" "1802" "1801", 1, 1, RGC_GC_GLOBAL, "ks1"},
    /* Of an entry that comes twice the later one counts. */
    {"080112036b7331" "3a1d0a1267635f6d616e6167656d656e745f747970651207756e6966696564" LEVEL, 1, 0, RGC_GC_KEYSPACE_LEVEL, "ks1"},
    /* Unknown fields of every wire type: 6 varint, 15 of 8 bytes, 16 of a length, 17 of 4 bytes. */
    {"3001" "790102030405060708" "820103616263" "8d0101020304" "080112036b7331" "98068001", 1, 0, RGC_GC_GLOBAL, "ks1"},
    /* The later one of an identity and an id. */
    {"420408011002" "0801" "12036b7331", 1, 0, RGC_GC_GLOBAL, "ks1"},
    /* A varint that is longer than it must be. */
    {"08818000" "12036b7331", 1, 0, RGC_GC_GLOBAL, "ks1"},
};

static void good(void) {
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    char bytes[256];
    size_t len = from_hex(known[i].hex, bytes);
    rgc_t* gc = gc_with("");
    /* Alone in memory, so that a byte read too many is seen. */
    struct bytes copy = bytes_copy(bytes, len);
    SUCCEEDS(api.rgc_keyspace_load_protobuf(gc, copy.data, copy.len, errptr));
    check_known(gc, known[i].id, known[i].state, known[i].gc_type, known[i].name);
    CHECK_EQ(known_keyspaces(gc), 1);
    SUCCEEDS(api.rgc_keyspace_load_protobuf(gc, copy.data, copy.len, errptr));
    free(copy.data);
    api.rgc_destroy(gc);
  }
}

/* Does a message of protobuf end here? Where its fields do. */
static int ends_here(const unsigned char* bytes, size_t len) {
  size_t at = 0;
  while (at < len) {
    uint64_t numbers[2] = {0, 0};
    int is_sized = 0;
    for (int part = 0; part < 1 + is_sized; ++part) {
      int shift = 0;
      for (;; ++at, shift += 7) {
        if (at >= len) return 0;
        numbers[part] |= (uint64_t)(bytes[at] & 0x7f) << shift;
        if ((bytes[at] & 0x80) == 0) break;
      }
      ++at;
      if (part == 0) is_sized = (numbers[0] & 7) == 2 || (numbers[0] & 7) == 0;
    }
    switch (numbers[0] & 7) {
      case 0: break;
      case 1: at += 8; break;
      case 2: at += numbers[1]; break;
      case 5: at += 4; break;
      default: return 0;
    }
    if (at > len) return 0;
  }
  return 1;
}

/* Cut at every length: an error wherever a field is cut, and then nothing is known that was not. */
static void cut(void) {
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    char bytes[256];
    size_t whole = from_hex(known[i].hex, bytes);
    for (size_t len = 0; len < whole; ++len) {
      struct bytes copy = bytes_copy(bytes, len);
      rgc_t* gc = gc_with("");
      char* error = CHECK_GARBAGE;
      api.rgc_keyspace_load_protobuf(gc, copy.data, copy.len, &error);
      CHECK(error != CHECK_GARBAGE);
      if (!ends_here((const unsigned char*)bytes, len)) {
        CHECK(error != NULL && strncmp(error, "Corruption: ", 12) == 0);
        if (error == NULL) fprintf(stderr, "%zu bytes of %s\n", len, known[i].hex);
      }
      if (error != NULL) CHECK_EQ(known_keyspaces(gc), 0);
      api.rgc_free(error);
      api.rgc_destroy(gc);
      free(copy.data);
    }
  }
}

static const struct {
  const char *hex, *kind;
} bad[] = {
    {"", NULL},                                   /* no name */
    {"0801", NULL},                               /* no name */
    {"08011200", NULL},                           /* an empty one */
    {"0801120161" "1804", NULL},                  /* a state that there is not */
    {"0801120161" "18ffffffffffffffffff01", NULL},
    {"0880808008" "120161", "Invalid argument"},  /* keyspace 16777216 */
    {"08ffffffff0f" "120161", "Invalid argument"},
    {"080112026120", NULL},                       /* "a " */
    {"0801120161" "3a1b0a1267635f6d616e6167656d656e745f747970651205676c6f6261", NULL}, /* "globa" */
    {"0801120161" "3a140a1267635f6d616e6167656d656e745f74797065", NULL}, /* an empty type */
    {"08011203610062", NULL},                     /* a name and a type with a NUL in it */
    {"0801120161" "3a1f0a1267635f6d616e6167656d656e745f747970651209756e69666965640078", NULL},
    {"08011202c3a4", NULL},                       /* a letter, but none of those */
    {"080112026180", NULL},                       /* no UTF-8 */
    {"0801120161" "0001", "Corruption"},          /* field 0 */
    {"0801120161" "0f", "Corruption"},            /* wire type 7 */
    {"0801120161" "0e", "Corruption"},            /* wire type 6 */
    {"08ffffffffffffffffffff01" "120161", "Corruption"}, /* a varint of 11 bytes */
    {"0801" "12ffffffffffffffffff01" "61", "Corruption"}, /* a length without end */
    {"0801" "12ffffffff0f" "61", "Corruption"},
    {"0801120161" "3aff01", "Corruption"},
    {"0801120161" "3a050a08616161", "Corruption"}, /* an entry's key that is longer than the entry */
};

static void refused(void) {
  rgc_t* gc = gc_with("");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    char bytes[256];
    size_t len = from_hex(bad[i].hex, bytes);
    struct bytes copy = bytes_copy(bytes, len);
    char* error = CHECK_GARBAGE;
    api.rgc_keyspace_load_protobuf(gc, copy.data, copy.len, &error);
    int is_error = error != NULL && error != CHECK_GARBAGE;
    int is_kind = is_error && (bad[i].kind == NULL ? strstr(error, ": ") != NULL : strncmp(error, bad[i].kind, strlen(bad[i].kind)) == 0);
    if (!is_kind) fprintf(stderr, "%s: %s\n", bad[i].hex, is_error ? error : "no error");
    CHECK(is_kind);
    if (is_error) api.rgc_free(error);
    api.rgc_keyspace_load_protobuf(gc, copy.data, copy.len, NULL);
    free(copy.data);
    /* The library may remember an unknown type, which keeps everything; it must not remember the
     * state and the name. */
    struct known found = known_of(gc, 1);
    CHECK_EQ(found.state, -1);
    CHECK(found.name[0] == 0);
  }
  /* An identity instead of an id, also behind one and before one whose place it takes. */
  static const char* const identities[] = {"4204080110021201" "61", "0801" "420408011002" "120161", "4200" "120161"};
  for (size_t i = 0; i < 3; ++i) {
    char bytes[64];
    size_t len = from_hex(identities[i], bytes);
    FAILS(api.rgc_keyspace_load_protobuf(gc, bytes, len, errptr), "Not supported");
  }
  FAILS(api.rgc_keyspace_load_protobuf(gc, NULL, 3, errptr), "Invalid argument");
  FAILS(api.rgc_keyspace_load_protobuf(NULL, BYTES("\x08\1\x12\1a"), errptr), "Invalid argument");
  api.rgc_destroy(gc);
  /* The same moves as rgc_keyspace_load. */
  gc = gc_with("");
  SUCCEEDS(api.rgc_keyspace_load_protobuf(gc, BYTES("\x08\1\x12\1a\x18\2"), errptr));
  REFUSES(api.rgc_keyspace_load_protobuf(gc, BYTES("\x08\1\x12\1b\x18\1"), errptr), NO_MORE);
  REFUSES(api.rgc_keyspace_load_protobuf(gc, BYTES("\x08\1\x12\1b"), errptr), NO_MORE);
  check_known(gc, 1, RGC_KEYSPACE_ARCHIVED, RGC_GC_GLOBAL, "a");
  SUCCEEDS(api.rgc_keyspace_load_protobuf(gc, BYTES("\x08\1\x12\1b\x18\3"), errptr));
  check_known(gc, 1, RGC_KEYSPACE_TOMBSTONE, RGC_GC_GLOBAL, "b");
  api.rgc_destroy(gc);
}

/* Any bytes: an error or not, but no crash; and damaged ones, byte by byte. */
static void any_bytes(uint64_t seed) {
  rgc_t* gc = gc_with("");
  size_t errors = 0;
  for (int round = 0; round < 3000; ++round) {
    char bytes[256];
    size_t len = random_below(&seed, 40);
    if (round % 2 == 0) {
      for (size_t i = 0; i < len; ++i) bytes[i] = (char)random_below(&seed, 256);
    } else {
      len = from_hex(known[random_below(&seed, sizeof known / sizeof *known)].hex, bytes);
      bytes[random_below(&seed, len)] = (char)random_below(&seed, 256);
    }
    struct bytes copy = bytes_copy(bytes, len);
    char* error = CHECK_GARBAGE;
    api.rgc_keyspace_load_protobuf(gc, copy.data, copy.len, &error);
    CHECK(error != CHECK_GARBAGE);
    if (error == CHECK_GARBAGE) error = NULL;
    if (error != NULL) CHECK(strstr(error, ": ") != NULL);
    errors += error != NULL;
    api.rgc_free(error);
    free(copy.data);
  }
  CHECK(errors > 1000);
  api.rgc_destroy(gc);
}

void test_keyspace_bytes(uint64_t seed) {
  good();
  cut();
  refused();
  any_bytes(seed | 1);
}
