/* collectors.c - table properties: what a collector emits, and which compactions need no filter by
 * them. */
#include "parts.h"

enum { MOST_PROPERTIES = 32 };

/* Copies of the properties of one file. */
struct file {
  rgc_property_t all[MOST_PROPERTIES];
  size_t n;
};

static char* copy_of(const char* bytes, size_t len) {
  char* copy = malloc(len != 0 ? len : 1);
  REQUIRE(copy != NULL);
  memcpy(copy, bytes, len);
  return copy;
}

static void take(void* state, const rgc_property_t* property) {
  struct file* file = state;
  REQUIRE(file->n < MOST_PROPERTIES);
  rgc_property_t copy = *property;
  copy.name = copy_of(property->name, property->name_len);
  copy.value = copy_of(property->value, property->value_len);
  file->all[file->n++] = copy;
}

static void give_back(struct file* file) {
  for (size_t i = 0; i < file->n; ++i) {
    free((void*)file->all[i].name);
    free((void*)file->all[i].value);
  }
  file->n = 0;
}

static rgc_property_t* find(struct file* file, const char* name) {
  for (size_t i = 0; i < file->n; ++i) {
    rgc_property_t* property = &file->all[i];
    if (property->name_len == strlen(name) && memcmp(property->name, name, property->name_len) == 0) return property;
  }
  return NULL;
}

/* A number of TiKV's; UINT64_MAX - 1 = it is not there. */
static uint64_t number(struct file* file, const char* name) {
  const rgc_property_t* property = find(file, name);
  if (property == NULL || property->value_len != 8) return UINT64_MAX - 1;
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | (unsigned char)property->value[i];
  return value;
}

static rgc_collector_t* collector_of(const rgc_t* gc, int kind) {
  rgc_collector_t* collector = NULL;
  SUCCEEDS(collector = api.rgc_collector_create(gc, kind, errptr));
  REQUIRE(collector != NULL);
  return collector;
}

static void add(rgc_collector_t* collector, int type, struct key key, const char* value, size_t value_len) {
  api.rgc_collector_add(collector, type, key.data, key.len, value, value_len);
}

static struct file finish(rgc_collector_t* collector) {
  struct file file = {.n = 0};
  api.rgc_collector_finish(collector, take, &file);
  size_t n = file.n;
  /* Once: afterwards nothing is added, and nothing emitted. */
  add(collector, RGC_VALUE, raw_key(1, "z", 1), BYTES("v\0"));
  api.rgc_collector_finish(collector, take, &file);
  CHECK_EQ(file.n, n);
  api.rgc_collector_destroy(collector);
  return file;
}

/* A file with three versions of a row of keyspace 1: 100, 70, 60. */
static struct file file_of_a_row(const rgc_t* gc) {
  rgc_collector_t* collector = collector_of(gc, RGC_KIND_RAW);
  add(collector, RGC_VALUE, raw_key(1, "a", 100), BYTES("v\0"));
  add(collector, RGC_VALUE, raw_key(1, "a", 70), BYTES("v\0"));
  add(collector, RGC_VALUE, raw_key(1, "a", 60), BYTES("v\0"));
  return finish(collector);
}

static void figures(void) {
  rgc_t* gc = gc_with("");
  rgc_collector_t* collector = collector_of(gc, RGC_KIND_RAW);
  add(collector, RGC_VALUE, raw_key(1, "a", 100), BYTES("v\0"));
  add(collector, RGC_VALUE, raw_key(1, "a", 70), BYTES("\x02"));
  add(collector, RGC_TOMBSTONE, raw_key(1, "a", 5), NULL, 0);
  add(collector, RGC_BLOB_INDEX, raw_key(1, "b", 90), BYTES("somewhere"));
  add(collector, RGC_MERGE_OPERAND, raw_key(1, "c", 90), BYTES("+1"));
  add(collector, RGC_WIDE_COLUMNS, raw_key(1, "d", 90), BYTES("wide"));
  add(collector, RGC_RANGE_TOMBSTONE, raw_key(1, "e", 90), BYTES("f"));
  add(collector, 1234, raw_key(1, "f", 90), BYTES("?"));
  struct file file = finish(collector);
  CHECK_EQ(number(&file, "tikv.min_ts"), 5);
  CHECK_EQ(number(&file, "tikv.max_ts"), 100);
  CHECK_EQ(number(&file, "tikv.num_rows"), 5);
  CHECK_EQ(number(&file, "tikv.num_versions"), 6);
  CHECK_EQ(number(&file, "tikv.num_puts"), 5);
  CHECK_EQ(number(&file, "tikv.num_deletes"), 1);
  CHECK_EQ(number(&file, "tikv.max_row_versions"), 2);
  CHECK_EQ(number(&file, "tikv.oldest_stale_version_ts"), 70);
  CHECK(find(&file, "rocks_gc.figures") != NULL && find(&file, "tikv.rows_index") != NULL);
  give_back(&file);

  /* Keys that are not in order. */
  collector = collector_of(gc, RGC_KIND_RAW);
  add(collector, RGC_VALUE, raw_key(1, "b", 100), BYTES("v\0"));
  add(collector, RGC_VALUE, raw_key(1, "a", 100), BYTES("v\0"));
  file = finish(collector);
  CHECK(find(&file, "rocks_gc.figures") == NULL && find(&file, "tikv.min_ts") != NULL);
  give_back(&file);
  api.rgc_destroy(gc);
}

static void bad_arguments(void) {
  rgc_t* gc = gc_with("");
  FAILS(CHECK(api.rgc_collector_create(NULL, RGC_KIND_RAW, errptr) == NULL), "Invalid argument", "gc");
  FAILS(CHECK(api.rgc_collector_create(gc, 0, errptr) == NULL), "Invalid argument", "kind 0");
  CHECK(api.rgc_collector_create(gc, 99, NULL) == NULL);
  struct file file = {.n = 0};
  api.rgc_collector_add(NULL, RGC_VALUE, "k", 1, "v", 1);
  api.rgc_collector_finish(NULL, take, &file);
  CHECK_EQ(file.n, 0);
  api.rgc_collector_destroy(NULL);
  rgc_collector_t* collector = collector_of(gc, RGC_KIND_DROPPED_ONLY);
  api.rgc_collector_add(collector, RGC_VALUE, NULL, 0, NULL, 0);
  api.rgc_collector_add(collector, -1, "", 0, NULL, 0);
  api.rgc_collector_finish(collector, NULL, NULL);
  api.rgc_collector_destroy(collector);
  /* An entry that cannot be counted leaves the file without properties. */
  collector = collector_of(gc, RGC_KIND_RAW);
  api.rgc_collector_add(collector, RGC_VALUE, NULL, 5, NULL, 5);
  api.rgc_collector_add(collector, RGC_VALUE, "k", 1, "v", 1);
  api.rgc_collector_finish(collector, take, &file);
  CHECK_EQ(file.n, 0);
  api.rgc_collector_destroy(collector);
  /* It may end before it is finished. */
  collector = collector_of(gc, RGC_KIND_TTL_V1);
  api.rgc_collector_add(collector, RGC_VALUE, "k", 1, "v", 1);
  api.rgc_collector_destroy(collector);
  api.rgc_destroy(gc);
}

/* Whether a compaction of these files gets a filter. */
static int gets_filter(rgc_t* gc, int bottommost, const struct file* files, size_t n) {
  rgc_table_properties_t inputs[3];
  REQUIRE(n <= 3);
  for (size_t i = 0; i < n; ++i) {
    inputs[i] = (rgc_table_properties_t){
        .struct_size = sizeof inputs[i], .num_entries = 3, .user_collected = files[i].all, .num_user_collected = files[i].n};
  }
  rgc_compaction_t known = {.struct_size = sizeof known, .is_bottommost = bottommost, .inputs = inputs, .num_inputs = n};
  rgc_filter_t* filter = NULL;
  SUCCEEDS(filter = api.rgc_filter_create(gc, RGC_KIND_RAW, &known, errptr));
  int made = filter != NULL;
  api.rgc_filter_destroy(filter);
  return made;
}

/* No version of keyspace 1 is at its safe point; then one is. What is unknown gets a filter. */
static void too_new(void) {
  rgc_t* gc = gc_with("");
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 1, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_set_keyspace_gc_type(gc, 2, RGC_GC_KEYSPACE_LEVEL, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 2, 1000, errptr));
  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 59, errptr));
  struct file files[2] = {file_of_a_row(gc), file_of_a_row(gc)};
  CHECK(!gets_filter(gc, -1, files, 1));
  CHECK(!gets_filter(gc, 1, files, 2));
  rgc_stats_t stats = stats_of(gc);
  CHECK_EQ(stats.filters_not_needed, 2);
  CHECK_EQ(stats.not_needed_too_new, 2);
  CHECK_EQ(stats.runs_started, 0);

  /* Missing in one file of two; cut off; of a later version; hostile. */
  struct file none = {.n = 0};
  struct file one_without[2] = {files[0], none};
  CHECK(gets_filter(gc, -1, one_without, 2));
  rgc_property_t* ours = find(&files[0], "rocks_gc.figures");
  REQUIRE(ours != NULL);
  rgc_property_t whole = *ours;
  for (size_t len = 0; len < whole.value_len; ++len) {
    ours->value_len = len;
    CHECK(gets_filter(gc, -1, files, 2));
  }
  ours->value_len = whole.value_len;
  char* bytes = (char*)whole.value;
  for (size_t i = 0; i < whole.value_len; ++i) {
    bytes[i] ^= 0x40;
    CHECK(gets_filter(gc, -1, files, 2));
    bytes[i] ^= 0x40;
  }
  char huge[1 << 20];
  memset(huge, 0xff, sizeof huge);
  ours->value = huge;
  ours->value_len = sizeof huge;
  CHECK(gets_filter(gc, -1, files, 2));
  *ours = whole;
  CHECK(!gets_filter(gc, -1, files, 2));

  SUCCEEDS(api.rgc_advance_keyspace_safe_point(gc, 1, 60, errptr));
  CHECK(gets_filter(gc, -1, files, 2));
  CHECK(gets_filter(gc, 0, files, 1)); /* three versions of one row */
  give_back(&files[0]);
  give_back(&files[1]);
  api.rgc_destroy(gc);
}

static void little_garbage(void) {
  rgc_t* gc = gc_at_80("ratio_threshold=5");
  struct file file = file_of_a_row(gc);
  CHECK(gets_filter(gc, -1, &file, 1));
  CHECK(!gets_filter(gc, 0, &file, 1));
  CHECK_EQ(stats_of(gc).not_needed_little_garbage, 1);
  give_back(&file);
  api.rgc_destroy(gc);
}

/* Records of one row: with mode=skip, does the filter skip to the row's end? */
static int skips_records(const char* shadowed, size_t len) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  rgc_collector_t* collector = collector_of(gc, RGC_KIND_TXN);
  add(collector, RGC_VALUE, mode_key('x', 1, "a", 70), BYTES("P\x45v\x01x"));
  add(collector, RGC_VALUE, mode_key('x', 1, "a", 60), shadowed, len);
  struct file file = finish(collector);
  rgc_table_properties_t input = {.struct_size = sizeof input, .user_collected = file.all, .num_user_collected = file.n};
  rgc_compaction_t known = {.struct_size = sizeof known, .is_bottommost = 1, .inputs = &input, .num_inputs = 1};
  rgc_filter_t* filter = NULL;
  SUCCEEDS(filter = api.rgc_filter_create(gc, RGC_KIND_TXN, &known, errptr));
  REQUIRE(filter != NULL);
  const char* until = NULL;
  size_t until_len = 0;
  struct key key = mode_key('x', 1, "a", 70);
  CHECK_EQ(api.rgc_filter_decide(filter, 0, RGC_VALUE, key.data, key.len, BYTES("P\x45v\x01x"), &until, &until_len), RGC_KEEP);
  key = mode_key('x', 1, "a", 60);
  api.rgc_filter_decide(filter, 0, RGC_VALUE, key.data, key.len, shadowed, len, &until, &until_len);
  int skips = until_len == key.len + 1;
  api.rgc_filter_destroy(filter);
  give_back(&file);
  api.rgc_destroy(gc);
  return skips;
}

void test_collectors(void) {
  figures();
  bad_arguments();
  too_new();
  little_garbage();
  CHECK(skips_records(BYTES("P\x37v\x01x")));
  CHECK(!skips_records(BYTES("P\x37")));  /* its value lies elsewhere */
  CHECK(!skips_records(BYTES("X\x37")));  /* it does not parse */
}
