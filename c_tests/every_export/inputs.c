/* inputs.c - what a filter is told of its input files, at its creation and later. How far it skips
 * shows whether it knows that they hold no tombstone. */
#include <pthread.h>

#include "parts.h"

/* Does a run skip to the end of a row? It ends with that. */
static int skips_rows(rgc_filter_t* run) {
  CHECK_EQ(decide_live(run, raw_key(1, "a", 79)), RGC_KEEP);
  struct key key = raw_key(1, "a", 70);
  const char* until = NULL;
  size_t until_len = 0;
  int verdict = api.rgc_filter_decide(run, 0, RGC_VALUE, key.data, key.len, BYTES("v\0"), &until, &until_len);
  CHECK_EQ(verdict, RGC_REMOVE_AND_SKIP_UNTIL);
  /* One byte longer than a key. */
  int is_row = until_len == key.len + 1;
  CHECK(is_row || until_len == key.len);
  api.rgc_filter_destroy(run);
  return is_row;
}

static rgc_filter_t* run_with(rgc_t* gc, int is_bottommost, const rgc_table_properties_t* inputs, size_t n) {
  rgc_compaction_t known = {.struct_size = sizeof known, .is_bottommost = is_bottommost, .inputs = inputs, .num_inputs = n};
  rgc_filter_t* run = NULL;
  SUCCEEDS(run = api.rgc_filter_create(gc, RGC_KIND_RAW, &known, errptr));
  REQUIRE(run != NULL);
  return run;
}

/* Known when it begins, or told afterwards: the same. */
static int skips_rows_with(rgc_t* gc, const rgc_table_properties_t* inputs, size_t n) {
  int known = skips_rows(run_with(gc, -1, inputs, n));
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  SUCCEEDS(api.rgc_filter_set_inputs(run, inputs, n, errptr));
  CHECK_EQ(skips_rows(run), known);
  return known;
}

static const rgc_table_properties_t clean = {.struct_size = sizeof clean, .num_entries = 5};

/* An error either way, that names what is wrong; a run goes on with what it knew. */
static void refused(rgc_t* gc, const rgc_table_properties_t* inputs, size_t n, const char* what, const char* value) {
  rgc_compaction_t known = {.struct_size = sizeof known, .is_bottommost = -1, .inputs = inputs, .num_inputs = n};
  uint64_t started = stats_of(gc).runs_started;
  FAILS(CHECK(api.rgc_filter_create(gc, RGC_KIND_RAW, &known, errptr) == NULL), "Invalid argument", what, value);
  CHECK_EQ(stats_of(gc).runs_started, started);
  rgc_filter_t* run = run_with(gc, 0, &clean, 1);
  FAILS(api.rgc_filter_set_inputs(run, inputs, n, errptr), "Invalid argument", what, value);
  CHECK(skips_rows(run));
  run = run_of(gc, RGC_KIND_RAW);
  FAILS(api.rgc_filter_set_inputs(run, inputs, n, errptr), "Invalid argument", what, value);
  CHECK(!skips_rows(run));
}

static void tombstones(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  rgc_table_properties_t inputs[3] = {clean, clean, clean};
  CHECK(skips_rows_with(gc, inputs, 1));
  CHECK(skips_rows_with(gc, inputs, 3));
  /* Unknown. */
  CHECK(!skips_rows_with(gc, NULL, 0));
  CHECK(!skips_rows_with(gc, inputs, 0));
  /* One in any of them. */
  for (size_t i = 0; i < 3; ++i) {
    inputs[i].num_deletions = 1;
    CHECK(!skips_rows_with(gc, inputs, 3));
    inputs[i].num_deletions = 0;
    inputs[i].num_range_deletions = UINT64_MAX;
    CHECK(!skips_rows_with(gc, inputs, 3));
    inputs[i].num_range_deletions = 0;
  }
  /* The last level needs nothing of them; of another level they are enough. */
  inputs[1].num_deletions = 1;
  CHECK(skips_rows(run_with(gc, 1, inputs, 3)));
  CHECK(!skips_rows(run_with(gc, 0, inputs, 3)));
  CHECK(skips_rows(run_with(gc, 0, inputs, 1)));

  /* The last word before the first decision counts; 0 = unknown again. */
  rgc_filter_t* run = run_with(gc, -1, inputs, 1);
  SUCCEEDS(api.rgc_filter_set_inputs(run, inputs, 3, errptr));
  CHECK(!skips_rows(run));
  run = run_with(gc, -1, inputs, 3);
  SUCCEEDS(api.rgc_filter_set_inputs(run, inputs, 1, errptr));
  CHECK(skips_rows(run));
  run = run_with(gc, -1, inputs, 1);
  SUCCEEDS(api.rgc_filter_set_inputs(run, NULL, 0, errptr));
  CHECK(!skips_rows(run));
  run = run_of(gc, RGC_KIND_RAW);
  api.rgc_filter_set_inputs(run, inputs, 1, NULL);
  CHECK(skips_rows(run));
  api.rgc_destroy(gc);

  /* Only who skips wants to know; the others are told in vain. */
  gc = gc_at_80("remove_mode=remove");
  run = run_with(gc, -1, &clean, 1);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 79)), RGC_KEEP);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 78)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  api.rgc_destroy(gc);
}

/* n elements of `size` bytes each, at the very end of their memory. The bytes that the library does
 * not know are garbage. */
static char* elements(size_t n, size_t size) {
  char* memory = malloc(n * size);
  REQUIRE(memory != NULL);
  memset(memory, 0xee, n * size);
  for (size_t i = 0; i < n; ++i) {
    rgc_table_properties_t element = clean;
    element.struct_size = size;
    memcpy(memory + i * size, &element, sizeof element);
  }
  return memory;
}

static void sizes(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  /* Of a later version: the step from one to the next. */
  for (size_t size = sizeof(rgc_table_properties_t); size <= 96; ++size) {
    char* memory = elements(3, size);
    const rgc_table_properties_t* inputs = (const rgc_table_properties_t*)(void*)memory;
    CHECK(skips_rows_with(gc, inputs, 3));
    rgc_table_properties_t last = {.struct_size = size, .num_deletions = 1};
    memcpy(memory + 2 * size, &last, sizeof last);
    CHECK(!skips_rows_with(gc, inputs, 3));
    CHECK(skips_rows_with(gc, inputs, 2));
    free(memory);
  }
  for (size_t size = 0; size < sizeof(rgc_table_properties_t); ++size) {
    char number[24];
    snprintf(number, sizeof number, "%zu", size);
    rgc_table_properties_t inputs[2] = {clean, clean};
    inputs[0].struct_size = size;
    refused(gc, inputs, 1, "struct_size", number);
    refused(gc, inputs, 2, "struct_size", number);
    inputs[0] = clean;
    inputs[1].struct_size = size;
    refused(gc, inputs, 2, "struct_size", number);
    refused(gc, inputs, 2, "1", number);
    /* Not one of them. */
    CHECK(skips_rows_with(gc, inputs, 1));
  }

  /* Version 1 of the compaction has none; of a field that is there by half nothing is read. */
  rgc_compaction_t known = {.struct_size = sizeof known, .is_bottommost = -1, .inputs = &clean, .num_inputs = 1};
  for (size_t size = offsetof(rgc_compaction_t, inputs); size <= sizeof known; ++size) {
    known.struct_size = size;
    rgc_filter_t* run = NULL;
    SUCCEEDS(run = api.rgc_filter_create(gc, RGC_KIND_RAW, &known, errptr));
    REQUIRE(run != NULL);
    CHECK_EQ(skips_rows(run), size == sizeof known);
  }
  api.rgc_destroy(gc);
}

static void bad_arguments(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  rgc_table_properties_t inputs[2] = {clean, clean};
  static const size_t huge[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / sizeof(rgc_table_properties_t) + 1};
  refused(gc, NULL, 1, "inputs", "NULL");
  for (size_t i = 0; i < sizeof huge / sizeof *huge; ++i) {
    char number[24];
    snprintf(number, sizeof number, "%zu", huge[i]);
    refused(gc, NULL, huge[i], "inputs", "NULL");
    refused(gc, inputs, huge[i], "inputs", number);
    inputs[1].user_collected = &(rgc_property_t){BYTES("name"), BYTES("value")};
    inputs[1].num_user_collected = huge[i];
    refused(gc, inputs, 2, "user_collected", number);
    inputs[1] = clean;
  }
  /* A step that leaves memory. */
  inputs[0].struct_size = SIZE_MAX;
  refused(gc, inputs, 2, "inputs", "18446744073709551615");
  inputs[0] = clean;

  rgc_property_t properties[] = {{BYTES("name"), BYTES("value")}, {NULL, 0, NULL, 0}, {"", 0, BYTES("\0\xff")}};
  for (size_t i = 0; i < 2; ++i) {
    inputs[i].num_user_collected = 1;
    refused(gc, inputs, 2, "user_collected", i == 0 ? "0" : "1");
    inputs[i].user_collected = properties;
    inputs[i].num_user_collected = 3;
    CHECK(skips_rows_with(gc, inputs, 2));
    /* NULL with a length. */
    properties[1].name_len = 7;
    refused(gc, inputs, 2, "name", "7");
    properties[1].name_len = 0;
    properties[1].value_len = 7;
    refused(gc, inputs, 2, "value", "7");
    properties[1].value_len = 0;
    inputs[i].num_user_collected = 0;
    CHECK(skips_rows_with(gc, inputs, 2));
    inputs[i] = clean;
  }
  FAILS(api.rgc_filter_set_inputs(NULL, inputs, 2, errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_filter_set_inputs(NULL, NULL, 0, errptr), "Invalid argument", "NULL");
  FAILS(api.rgc_filter_set_inputs(NULL, NULL, 1, errptr), "Invalid argument", "NULL");
  /* Where no run is needed they are looked at all the same. */
  rgc_t* idle = gc_with("");
  rgc_compaction_t known = {.struct_size = sizeof known, .num_inputs = 1};
  FAILS(CHECK(api.rgc_filter_create(idle, RGC_KIND_RAW, &known, errptr) == NULL), "Invalid argument", "inputs");
  known.inputs = &clean;
  SUCCEEDS(CHECK(api.rgc_filter_create(idle, RGC_KIND_RAW, &known, errptr) == NULL));
  api.rgc_destroy(idle);
  api.rgc_destroy(gc);
}

static void* tell(void* run) {
  SUCCEEDS(api.rgc_filter_set_inputs(run, &clean, 1, errptr));
  api.rgc_filter_set_inputs(run, &clean, 1, NULL);
  api.rgc_filter_set_inputs(run, NULL, 0, NULL);
  api.rgc_filter_set_inputs(run, &clean, 1, NULL);
  return NULL;
}

/* Another thread than the one that decides is not heard. */
static void foreign_thread(void) {
  rgc_t* gc = gc_at_80("remove_mode=skip");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  CHECK_EQ(decide_live(run, raw_key(1, "A", 79)), RGC_KEEP);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, tell, run) == 0);
  REQUIRE(pthread_join(thread, NULL) == 0);
  CHECK(!skips_rows(run));
  CHECK_EQ(stats_of(gc).runs_closed, 0);
  api.rgc_destroy(gc);
}

void test_inputs(void) {
  tombstones();
  sizes();
  bad_arguments();
  foreign_thread();
}
