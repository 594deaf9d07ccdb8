/* listener.c - the listener that tells filters their level, with functions made here in place of
 * RocksDB 10.4's. A dead row shows what its filter knows: a filter above the last level does not
 * count it in rows_deferred. */
#include "parts.h"

struct rocksdb_eventlistener_t {
  void* state;
  void (*destructor)(void*);
  void (*job[4])(void*, void*, const void*);
  void (*subcompaction[2])(void*, const void*);
  void (*other[2])(void*, const void*);
  void (*error)(void*, uint32_t, void*);
};

struct job {
  const char* column_family;
  int output_level;
  const char* inputs[2];
  size_t num_inputs;
};

typedef void (*db_callback)(void*, void*, const void*);
typedef void (*callback)(void*, const void*);

static struct rocksdb_eventlistener_t listener;

static struct rocksdb_eventlistener_t* make_listener(void* state, void (*destructor)(void*), db_callback flush_begin, db_callback flush_end,
                                                     db_callback begin, db_callback end, callback sub_begin, callback sub_end,
                                                     db_callback ingested, void (*error)(void*, uint32_t, void*), callback stall,
                                                     callback sealed) {
  CHECK(flush_begin && flush_end && begin && end && sub_begin && sub_end && ingested && error && stall && sealed && destructor);
  listener = (struct rocksdb_eventlistener_t){state, destructor, {begin, end, flush_begin, ingested}, {sub_begin, sub_end}, {stall, sealed}, error};
  return &listener;
}

static const char* column_family_of(const struct job* job, size_t* len) {
  *len = strlen(job->column_family);
  return job->column_family;
}
static int output_level_of(const struct job* job) { return job->output_level; }
static size_t num_inputs_of(const struct job* job) { return job->num_inputs; }
static const char* input_of(const struct job* job, size_t i, size_t* len) {
  *len = strlen(job->inputs[i]);
  return job->inputs[i];
}

static const struct {
  const char* column_family;
  const char* name;
  int level;
  const char* smallest;
  const char* largest;
} files[] = {
    {"default", "/1.sst", 0, "b", "d"}, {"default", "/2.sst", 6, "c", "f"}, {"default", "/3.sst", 0, "x", "z"},
    {"other", "/4.sst", 6, "a", "z"},   {"default", "/5.sst", 1, "x", "y"},
};

static int lists; /* that live */
static const void* make_list(void* db) {
  CHECK(db == &lists);
  ++lists;
  return files;
}
static void end_list(const void* list) {
  CHECK(list == files);
  --lists;
}
static int count_of(const void* list) { return list == files ? (int)(sizeof files / sizeof *files) : 0; }
static const char* family_of(const void* list, int i) { return list == files ? files[i].column_family : NULL; }
static const char* name_of(const void* list, int i) { return list == files ? files[i].name : NULL; }
static int level_of(const void* list, int i) { return list == files ? files[i].level : -1; }
static const char* smallest_of(const void* list, int i, size_t* len) {
  *len = 1;
  return list == files ? files[i].smallest : NULL;
}
static const char* largest_of(const void* list, int i, size_t* len) {
  *len = 1;
  return list == files ? files[i].largest : NULL;
}

static unsigned char yes_or_no(const unsigned char* context) { return *context; }

struct run {
  void* state;
  void (*destructor)(void*);
  unsigned char (*filter)(void*, int, const char*, size_t, const char*, size_t, char**, size_t*, unsigned char*);
};
static struct run run;
static struct run* make_run(void* state, void (*destructor)(void*),
                            unsigned char (*filter)(void*, int, const char*, size_t, const char*, size_t, char**, size_t*, unsigned char*),
                            const char* (*name)(void*)) {
  (void)name;
  run = (struct run){state, destructor, filter};
  return &run;
}
static void* make_factory(void) { return NULL; }

typedef void (*any)(void);
static const rgc_symbol_t symbols[] = {
    {"rocksdb_compactionfilter_create", (any)make_run},
    {"rocksdb_compactionfilterfactory_create", (any)make_factory},
    {"rocksdb_compactionfiltercontext_is_full_compaction", (any)yes_or_no},
    {"rocksdb_compactionfiltercontext_is_manual_compaction", (any)yes_or_no},
    {"rocksdb_eventlistener_create", (any)make_listener},
    {"rocksdb_compactionjobinfo_cf_name", (any)column_family_of},
    {"rocksdb_compactionjobinfo_output_level", (any)output_level_of},
    {"rocksdb_compactionjobinfo_input_files_count", (any)num_inputs_of},
    {"rocksdb_compactionjobinfo_input_file_at", (any)input_of},
    {"rocksdb_subcompactionjobinfo_cf_name", (any)column_family_of},
    {"rocksdb_subcompactionjobinfo_output_level", (any)output_level_of},
    {"rocksdb_livefiles", (any)make_list},
    {"rocksdb_livefiles_count", (any)count_of},
    {"rocksdb_livefiles_column_family_name", (any)family_of},
    {"rocksdb_livefiles_name", (any)name_of},
    {"rocksdb_livefiles_level", (any)level_of},
    {"rocksdb_livefiles_smallestkey", (any)smallest_of},
    {"rocksdb_livefiles_largestkey", (any)largest_of},
    {"rocksdb_livefiles_destroy", (any)end_list},
};
enum { SYMBOLS = sizeof symbols / sizeof *symbols, REQUIRED = 4 };

static void refusals(void) {
  rgc_t* gc = gc_with("");
  FAILS(CHECK(api.rgc_rocksdb_event_listener(NULL, errptr) == NULL), "Invalid argument", "NULL");
  FAILS(CHECK(api.rgc_rocksdb_event_listener(gc, errptr) == NULL), "Invalid argument", "rgc_bind_rocksdb_symbols");
  CHECK(api.rgc_rocksdb_event_listener(gc, NULL) == NULL);
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, REQUIRED, errptr));
  FAILS(CHECK(api.rgc_rocksdb_event_listener(gc, errptr) == NULL), "Not supported", "rocksdb_eventlistener_create", "rocksdb_livefiles_destroy",
        "10.4");
  api.rgc_destroy(gc);
  gc = gc_with("");
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS - 1, errptr));
  FAILS(CHECK(api.rgc_rocksdb_event_listener(gc, errptr) == NULL), "Not supported", "lacks rocksdb_livefiles_destroy;");
  api.rgc_destroy(gc);
}

enum { BEGIN = 1, SUBCOMPACTION = 2, END = 4, ALL = 7 };

/* Is the dead row of a run counted, of which RocksDB says this much of its job? */
static uint64_t counted(rgc_t* gc, void* factory, struct job job, int said) {
  uint64_t before = stats_of(gc).rows_deferred;
  if (said & BEGIN) listener.job[0](listener.state, &lists, &job);
  unsigned char not_full = 0;
  REQUIRE(api.rgc_factory_create_filter(factory, (struct rocksdb_compactionfiltercontext_t*)(void*)&not_full) != NULL);
  if (said & SUBCOMPACTION) listener.subcompaction[0](listener.state, &job);
  struct key key = raw_key(1, "a", 70);
  CHECK_EQ(run.filter(run.state, 0, key.data, key.len, "\2", 1, NULL, NULL, NULL), 0);
  run.destructor(run.state);
  if (said & SUBCOMPACTION) listener.subcompaction[1](listener.state, &job);
  if (said & END) listener.job[1](listener.state, &lists, &job);
  CHECK_EQ(lists, 0);
  return stats_of(gc).rows_deferred - before;
}

void test_listener(void) {
  refusals();
  rgc_t* gc = gc_at_80("");
  SUCCEEDS(api.rgc_bind_rocksdb_symbols(gc, symbols, SYMBOLS, errptr));
  struct rocksdb_eventlistener_t* made = NULL;
  SUCCEEDS(made = api.rgc_rocksdb_event_listener(gc, errptr));
  REQUIRE(made == &listener);
  void* factory = NULL;
  SUCCEEDS(factory = api.rgc_factory_state(gc, RGC_KIND_RAW, errptr));

  struct job above = {"default", 4, {"/db/1.sst"}, 1};
  struct job last = {"default", 6, {"/db/1.sst", "/db/2.sst"}, 2};
  struct job nothing_below = {"default", 1, {"/db/3.sst", "/db/5.sst"}, 2};
  CHECK_EQ(counted(gc, factory, above, ALL), 0);
  CHECK_EQ(counted(gc, factory, last, ALL), 1);
  CHECK_EQ(counted(gc, factory, nothing_below, ALL), 1);
  /* An unknown level counts the row: level 0, a job or a subcompaction that was not announced, an
   * input file that is not found. */
  CHECK_EQ(counted(gc, factory, (struct job){"default", 0, {"/db/1.sst"}, 1}, ALL), 1);
  CHECK_EQ(counted(gc, factory, above, SUBCOMPACTION), 1);
  CHECK_EQ(counted(gc, factory, (struct job){"default", 4, {"/db/9.sst"}, 1}, ALL), 1);
  CHECK_EQ(counted(gc, factory, (struct job){"unheard of", 4, {"/db/1.sst"}, 1}, ALL), 1);
  /* What was said of the run before is forgotten. */
  listener.subcompaction[0](listener.state, &above);
  CHECK_EQ(counted(gc, factory, above, BEGIN | END), 1);
  /* Two jobs of one column family and level that do not agree: unknown, until both have ended. */
  struct job at_level_4 = {"default", 4, {"/db/3.sst"}, 1};
  listener.job[0](listener.state, &lists, &at_level_4);
  CHECK_EQ(counted(gc, factory, above, ALL), 1);
  listener.job[1](listener.state, &lists, &at_level_4);
  CHECK_EQ(counted(gc, factory, above, ALL), 0);
  /* An end without a beginning, and callbacks that have nothing to do. */
  listener.job[1](listener.state, &lists, &above);
  listener.job[2](listener.state, &lists, NULL);
  listener.job[3](listener.state, &lists, NULL);
  listener.other[0](listener.state, NULL);
  listener.other[1](listener.state, NULL);
  listener.error(listener.state, 0, NULL);

  /* It holds a reference of its own. */
  api.rgc_factory_destructor(factory);
  api.rgc_destroy(gc);
  listener.job[0](listener.state, &lists, &above);
  listener.destructor(listener.state);
}
