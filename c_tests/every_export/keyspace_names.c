/* keyspace_names.c - rgc_keyspace_by_name and rgc_keyspace_etcd_namespace. */
#include "parts.h"

static void load(rgc_t* gc, uint32_t id, int state, const char* name) {
  rgc_keyspace_meta_t meta = {sizeof meta, id, state, name, "keyspace_level"};
  SUCCEEDS(api.rgc_keyspace_load(gc, &meta, errptr));
}

static int64_t named(const rgc_t* gc, const char* name) {
  uint32_t id = 77;
  unsigned char found = 2;
  SUCCEEDS(found = api.rgc_keyspace_by_name(gc, name, &id, errptr));
  SUCCEEDS(CHECK_EQ(api.rgc_keyspace_by_name(gc, name, NULL, errptr), found));
  if (found == 0) CHECK_EQ(id, 77);
  return found == 1 ? (int64_t)id : -1;
}

static void names(void) {
  rgc_t* gc = gc_with("");
  CHECK_EQ(named(gc, "tenant"), -1);
  load(gc, 1, RGC_KEYSPACE_ENABLED, "tenant");
  load(gc, 2, RGC_KEYSPACE_DISABLED, "other");
  /* PD's bytes: id 3, name t, state TOMBSTONE. */
  SUCCEEDS(api.rgc_keyspace_load_protobuf(gc, BYTES("\x08\x03\x12\x01t\x18\x03"), errptr));
  CHECK_EQ(named(gc, "tenant"), 1);
  CHECK_EQ(named(gc, "other"), 2);
  CHECK_EQ(named(gc, "t"), 3);
  CHECK_EQ(named(gc, ""), -1);
  CHECK_EQ(named(gc, "tenan"), -1);

  /* Two owners: no guess, until one is given up. */
  load(gc, 5, RGC_KEYSPACE_ENABLED, "tenant");
  FAILS(CHECK_EQ(api.rgc_keyspace_by_name(gc, "tenant", NULL, errptr), 0), "Invalid argument", "keyspaces 1 and 5", "\"tenant\"");
  load(gc, 1, RGC_KEYSPACE_DISABLED, "tenant");
  load(gc, 1, RGC_KEYSPACE_ARCHIVED, "tenant");
  CHECK_EQ(named(gc, "tenant"), 5);
  load(gc, 9, RGC_KEYSPACE_TOMBSTONE, "tenant");
  CHECK_EQ(named(gc, "tenant"), 5);
  load(gc, 5, RGC_KEYSPACE_DISABLED, "tenant");
  load(gc, 5, RGC_KEYSPACE_ARCHIVED, "tenant");
  CHECK_EQ(named(gc, "tenant"), 9);
  /* Another name. */
  load(gc, 2, RGC_KEYSPACE_ENABLED, "renamed");
  CHECK_EQ(named(gc, "other"), -1);
  CHECK_EQ(named(gc, "renamed"), 2);

  /* A paused keyspace, whose metadata are gone, owns no name. If it comes back, there are two. */
  api.rgc_pause_keyspace(gc, 2, NULL);
  load(gc, 6, RGC_KEYSPACE_ENABLED, "renamed");
  CHECK_EQ(named(gc, "renamed"), 6);
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_KEYSPACE_LEVEL, errptr));
  FAILS(CHECK_EQ(api.rgc_keyspace_by_name(gc, "renamed", NULL, errptr), 0), "Invalid argument", "keyspaces 2 and 6", "\"renamed\"");

  FAILS(CHECK_EQ(api.rgc_keyspace_by_name(gc, NULL, NULL, errptr), 0), "Invalid argument", "name is NULL");
  FAILS(CHECK_EQ(api.rgc_keyspace_by_name(gc, "\xff", NULL, errptr), 0), "Invalid argument", "UTF-8");
  FAILS(CHECK_EQ(api.rgc_keyspace_by_name(NULL, "tenant", NULL, errptr), 0), "Invalid argument", "gc is NULL");
  CHECK_EQ(api.rgc_keyspace_by_name(gc, NULL, NULL, NULL), 0);
  api.rgc_destroy(gc);
}

static void namespaces(void) {
  static const struct {
    uint32_t id;
    const char* text;
  } all[] = {{0, "/keyspaces/tidb/0"}, {1, "/keyspaces/tidb/1"}, {4242, "/keyspaces/tidb/4242"}, {16777215, "/keyspaces/tidb/16777215"}};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    char* text = NULL;
    SUCCEEDS(text = api.rgc_keyspace_etcd_namespace(all[i].id, errptr));
    CHECK(text != NULL && strcmp(text, all[i].text) == 0);
    api.rgc_free(text);
  }
  FAILS(CHECK(api.rgc_keyspace_etcd_namespace(RGC_KEYSPACE_MAX + 1, errptr) == NULL), "Invalid argument", "16777216");
  FAILS(CHECK(api.rgc_keyspace_etcd_namespace(RGC_KEYSPACE_NONE, errptr) == NULL), "Invalid argument", "4294967295");
  CHECK(api.rgc_keyspace_etcd_namespace(UINT32_MAX, NULL) == NULL);
}

void test_keyspace_names(void) {
  names();
  namespaces();
}
