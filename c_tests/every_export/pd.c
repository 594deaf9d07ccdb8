/* pd.c - PD's keys and values: each line of the table in rocks_gc.h, PD's own test vectors, and what is
 * refused. */
#include "parts.h"

enum { CLUSTER = 7, OTHER = 0, BAD = -1 };

static void keys(void) {
  static const struct {
    const char* key;
    int what; /* OTHER = not PD's; BAD = an error */
    uint32_t keyspace;
    const char* name;
  } all[] = {
      {"/pd/7/leader", RGC_PD_LEADER, RGC_KEYSPACE_NONE, NULL},
      {"/pd/7/keyspaces/meta/00000000", RGC_PD_KEYSPACE_META, 0, NULL},
      {"/pd/7/keyspaces/meta/16777215", RGC_PD_KEYSPACE_META, 16777215, NULL},
      {"/pd/7/keyspaces/id/ks1", RGC_PD_KEYSPACE_NAME, RGC_KEYSPACE_NONE, "ks1"},
      {"/pd/7/keyspaces/alloc_id", RGC_PD_KEYSPACE_ALLOCATOR, RGC_KEYSPACE_NONE, NULL},
      {"/pd/7/gc/safe_point", RGC_PD_GC_SAFE_POINT, RGC_KEYSPACE_NONE, NULL},
      {"/pd/7/keyspaces/gc_safe_point/00001111", RGC_PD_GC_SAFE_POINT, 1111, NULL},
      {"/tidb/store/gcworker/saved_safe_point", RGC_PD_TXN_SAFE_POINT, RGC_KEYSPACE_NONE, NULL},
      {"/keyspaces/tidb/1111/tidb/store/gcworker/saved_safe_point", RGC_PD_TXN_SAFE_POINT, 1111, NULL},
      {"/pd/7/gc/safe_point/service/svc1", RGC_PD_BARRIER, RGC_KEYSPACE_NONE, "svc1"},
      {"/pd/7/gc/safe_point/service/a/b", RGC_PD_BARRIER, RGC_KEYSPACE_NONE, "a/b"},
      {"/pd/7/keyspaces/service_safe_point/00003333/svc1", RGC_PD_BARRIER, 3333, "svc1"},
      {"/pd/7/gc/global_gc_barriers/1", RGC_PD_BARRIER, RGC_KEYSPACE_ALL, "1"},
      {"/pd/7/gc/gc_state_revision", RGC_PD_STATE_REVISION, RGC_KEYSPACE_NONE, NULL},
      {"/tidb/server/minstartts/10.0.0.1:4000", RGC_PD_MIN_START, RGC_KEYSPACE_NONE, "10.0.0.1:4000"},
      {"/keyspaces/tidb/5/tidb/server/minstartts/inst", RGC_PD_MIN_START, 5, "inst"},
      {"", OTHER, 0, NULL},
      {"/pd/70/leader", OTHER, 0, NULL},
      {"/pd/8/gc/safe_point", OTHER, 0, NULL},
      {"/pd/7/gc/safe_points", OTHER, 0, NULL},
      {"/pd/7/raft/r/00000000000000000001", OTHER, 0, NULL},
      {"\xff\xfe", OTHER, 0, NULL},
      {"/pd/7/keyspaces/meta/1", BAD, 0, NULL},
      {"/pd/7/keyspaces/meta/16777216", BAD, 0, NULL},
      {"/pd/7/keyspaces/meta/0000000a", BAD, 0, NULL},
      {"/pd/7/keyspaces/meta/+0000001", BAD, 0, NULL},
      {"/pd/7/keyspaces/service_safe_point/00003333", BAD, 0, NULL},
      {"/pd/7/keyspaces/service_safe_point/00003333/", BAD, 0, NULL},
      {"/pd/7/gc/safe_point/service/", BAD, 0, NULL},
      {"/pd/7/gc/global_gc_barriers/", BAD, 0, NULL},
      {"/keyspaces/tidb/00001111/tidb/store/gcworker/saved_safe_point", BAD, 0, NULL},
      {"/keyspaces/tidb/16777216/tidb/server/minstartts/inst", BAD, 0, NULL},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    rgc_pd_key_t out = {.struct_size = sizeof out, .what = 77};
    unsigned char found = 9;
    if (all[i].what == BAD) {
      FAILS(found = api.rgc_pd_parse_key(CLUSTER, all[i].key, strlen(all[i].key), &out, errptr), "Corruption", all[i].key);
    } else {
      SUCCEEDS(found = api.rgc_pd_parse_key(CLUSTER, all[i].key, strlen(all[i].key), &out, errptr));
    }
    CHECK_EQ(found, all[i].what > 0);
    CHECK_EQ(out.what, found ? all[i].what : 77);
    if (!found) continue;
    CHECK_EQ(out.keyspace, all[i].keyspace);
    CHECK_EQ(out.struct_size, sizeof out);
    CHECK(all[i].name == NULL ? out.name == NULL : out.name != NULL && strcmp(out.name, all[i].name) == 0);
    api.rgc_free(out.name);
  }
  FAILS(api.rgc_pd_parse_key(CLUSTER, BYTES("/pd/7/leader"), NULL, errptr), "Invalid argument", "out");
  rgc_pd_key_t small = {.struct_size = 8};
  FAILS(api.rgc_pd_parse_key(CLUSTER, BYTES("/pd/7/leader"), &small, errptr), "Invalid argument", "struct_size");
  rgc_pd_key_t out = {.struct_size = sizeof out};
  FAILS(api.rgc_pd_parse_key(CLUSTER, BYTES("/pd/7/gc/global_gc_barriers/a\0b"), &out, errptr), "Corruption", "NUL");
  FAILS(api.rgc_pd_parse_key(CLUSTER, NULL, 3, &out, errptr), "Invalid argument", "key");
  SUCCEEDS(CHECK_EQ(api.rgc_pd_parse_key(CLUSTER, NULL, 0, &out, errptr), 0));
  CHECK_EQ(api.rgc_pd_parse_key(CLUSTER, BYTES("/pd/7/keyspaces/meta/1"), &out, NULL), 0);
}

#define HEX RGC_PD_GC_SAFE_POINT, RGC_KEYSPACE_NONE
#define OWN RGC_PD_GC_SAFE_POINT, 1111
#define SERVICE RGC_PD_BARRIER, 3333
#define ALL RGC_PD_BARRIER, RGC_KEYSPACE_ALL
#define DECIMAL RGC_PD_TXN_SAFE_POINT, 1

static void values(void) {
  static const struct {
    int what;
    uint32_t keyspace;
    const char* value;
    uint64_t number, expires;
  } right[] = {
      {HEX, "654882009e40000", 456139133457530880, 0},
      {HEX, "0", 0, 0},
      {HEX, "ff", 255, 0},
      {HEX, "ffffffffffffffff", UINT64_MAX, 0},
      {OWN, "{\"keyspace_id\":1111,\"safe_point\":456139133457530881}", 456139133457530881, 0},
      {OWN, " { \"safe_point\" : 18446744073709551615 , \"more\" : [ { } , 1e9 ] } ", UINT64_MAX, 0},
      {OWN, "{\"keyspace_id\":9,\"safe_point\":1}", 1, 0},
      {SERVICE, "{\"service_id\":\"svc1\",\"expired_at\":1740127928,\"safe_point\":456139133457530885,\"keyspace_id\":3333}",
       456139133457530885, 1740127928},
      {RGC_PD_BARRIER, RGC_KEYSPACE_NONE, "{\"service_id\":\"svc1\",\"expired_at\":1740127928,\"safe_point\":456139133457530885}",
       456139133457530885, 1740127928},
      {SERVICE, "{\"service_id\":\"s\",\"expired_at\":9223372036854775807,\"safe_point\":5}", 5, UINT64_MAX},
      {SERVICE, "{\"service_id\":\"s\",\"expired_at\":0,\"safe_point\":5}", 5, UINT64_MAX},
      {SERVICE, "{\"service_id\":\"s\",\"expired_at\":-1,\"safe_point\":5}", 5, UINT64_MAX},
      {ALL, "{\"barrier_id\":\"1\",\"barrier_ts\":1,\"expiration_time\":1740127928}", 1, 1740127928},
      {ALL, "{\"barrier_id\":\"1\",\"barrier_ts\":1,\"expiration_time\":0}", 1, UINT64_MAX},
      {DECIMAL, "456139133457530881", 456139133457530881, 0},
      {RGC_PD_KEYSPACE_NAME, RGC_KEYSPACE_NONE, "4242", 4242, 0},
      {RGC_PD_STATE_REVISION, RGC_KEYSPACE_NONE, "3", 3, 0},
      {RGC_PD_MIN_START, 5, "0", 0, 0},
  };
  for (size_t i = 0; i < sizeof right / sizeof *right; ++i) {
    rgc_pd_value_t out = {.struct_size = sizeof out};
    SUCCEEDS(CHECK_EQ(
        api.rgc_pd_parse_value(right[i].what, right[i].keyspace, right[i].value, strlen(right[i].value), &out, errptr), 1));
    CHECK_EQ(out.number, right[i].number);
    CHECK_EQ(out.expires_unix_seconds, right[i].expires);
    CHECK_EQ(out.struct_size, sizeof out);
  }
  rgc_pd_value_t out = {.struct_size = sizeof out, .number = 77};
  SUCCEEDS(api.rgc_pd_parse_value(RGC_PD_KEYSPACE_ALLOCATOR, 0, BYTES("\0\0\0\0\0\0\0\x64"), &out, errptr));
  CHECK_EQ(out.number, 100);

  out.number = 77;
  static const struct {
    int what;
    uint32_t keyspace;
    const char* value;
  } wrong[] = {
      {HEX, ""}, {HEX, "0x10"}, {HEX, "+1"}, {HEX, "10000000000000000"}, {HEX, "g"},
      {OWN, ""}, {OWN, "654882009e40000"}, {OWN, "{}"}, {OWN, "{\"safe_point\":-1}"}, {OWN, "{\"safe_point\":1.0}"},
      {OWN, "{\"safe_point\":18446744073709551616}"}, {OWN, "{\"safe_point\":1,\"safe_point\":2}"}, {OWN, "{\"safe_point\":\"1\"}"},
      {OWN, "{\"safe_point\":1}x"}, {OWN, "[1111,1]"}, {OWN, "{\"safe_point\":1"},
      {SERVICE, "{\"expired_at\":1,\"safe_point\":5}"}, {SERVICE, "{\"service_id\":\"s\",\"safe_point\":5}"},
      {SERVICE, "{\"barrier_id\":\"1\",\"barrier_ts\":1,\"expiration_time\":1}"},
      {ALL, "{\"service_id\":\"s\",\"expired_at\":1,\"safe_point\":5}"},
      {DECIMAL, ""}, {DECIMAL, "-1"}, {DECIMAL, "+1"}, {DECIMAL, " 1"}, {DECIMAL, "1a"}, {DECIMAL, "18446744073709551616"}, {DECIMAL, "\xff"},
      {RGC_PD_KEYSPACE_ALLOCATOR, 0, "1234567"}, {RGC_PD_KEYSPACE_ALLOCATOR, 0, "123456789"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    FAILS(CHECK_EQ(api.rgc_pd_parse_value(wrong[i].what, wrong[i].keyspace, wrong[i].value, strlen(wrong[i].value), &out, errptr), 0),
          "Corruption");
  }
  FAILS(api.rgc_pd_parse_value(RGC_PD_LEADER, 0, BYTES("x"), &out, errptr), "Invalid argument", "kind 1");
  FAILS(api.rgc_pd_parse_value(RGC_PD_KEYSPACE_META, 0, BYTES("x"), &out, errptr), "Invalid argument", "rgc_keyspace_load_protobuf");
  FAILS(api.rgc_pd_parse_value(10, 0, BYTES("1"), &out, errptr), "Invalid argument", "kind 10");
  FAILS(api.rgc_pd_parse_value(-1, 0, BYTES("1"), &out, errptr), "Invalid argument", "kind -1");
  FAILS(api.rgc_pd_parse_value(DECIMAL, NULL, 3, &out, errptr), "Invalid argument", "value");
  FAILS(api.rgc_pd_parse_value(DECIMAL, BYTES("1"), NULL, errptr), "Invalid argument", "out");
  CHECK_EQ(api.rgc_pd_parse_value(DECIMAL, BYTES("x"), &out, NULL), 0);
  CHECK_EQ(out.number, 77);
}

void test_pd(void) {
  keys();
  values();
}
