/* refusals.c - what can refuse answers: 1 = done, 0 = refused, and then nothing has changed. */
#include "attached.h"
#include "parts.h"

static rgc_t* subject;
static int refused;

static uint64_t other_clock(void* state) {
  (void)state;
  CHECK(!"a clock that was refused");
  return 1;
}

static void count(int answer) {
  if (answer == 0) ++refused;
}

/* Everything that waits for a callback's end. */
static uint64_t asking_clock(void* state) {
  (void)state;
  refused = 0;
  count(api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF));
  count(api.rgc_set_clock(subject, other_clock, NULL));
  count(api.rgc_set_enabled(subject, 0));
  count(api.rgc_detach(subject));
  count(api.rgc_destroy(subject));
  return 1000;
}

static void inside_a_callback(void) {
  static struct log log;
  memset(&log, 0, sizeof log);
  subject = gc_at_80("");
  CHECK_EQ(api.rgc_set_logger(remember, &log, RGC_LOG_ERROR), 1);
  CHECK_EQ(api.rgc_set_clock(subject, asking_clock, NULL), 1);
  CHECK_EQ(removals_of_a_row(subject), 2);
  CHECK_EQ(refused, 5);
  CHECK_EQ(log.lines, 5);
  CHECK_CONTAINS(log.text, "Aborted: rgc_detach");
  CHECK_CONTAINS(log.text, "nothing has changed");
  CHECK_EQ(api.rgc_set_clock(subject, NULL, NULL), 1);
  CHECK_EQ(api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF), 1);
  CHECK_EQ(api.rgc_destroy(subject), 1);
}

/* A filter that has decided is alive on this thread. A call that waits for the worker could wait
 * for this filter's compaction. */
static void beside_a_living_filter(void) {
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 5);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  /* Nobody's yet: it may be another thread's compaction. */
  CHECK_EQ(api.rgc_set_enabled(gc, 1), 1);
  decide_live(run, raw_key(1, "a", 90));
  CHECK_EQ(api.rgc_detach(gc), 0);
  CHECK_EQ(api.rgc_set_enabled(gc, 0), 0);
  CHECK_EQ(api.rgc_destroy(gc), 0);
  FAILS(api.rgc_pause_keyspace(gc, 1, errptr), "Aborted", "running filter");
  FAILS(api.rgc_attach_engine(gc, &mem_functions, engine, families, 5, errptr), "Aborted", "running filter");
  /* Nothing has changed. */
  CHECK_EQ(engine->calls[DESTRUCTOR], 0);
  CHECK_EQ(api.rgc_keyspace_safe_point(gc, 1), 80);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
  drain(gc);
  CHECK_EQ(api.rgc_set_enabled(gc, 0), 1);
  CHECK_EQ(api.rgc_set_enabled(gc, 1), 1);
  CHECK_EQ(api.rgc_detach(gc), 1);
  CHECK_EQ(engine->calls[DESTRUCTOR], 1);
  CHECK_EQ(api.rgc_destroy(gc), 1);
  engine_free(engine);
}

/* Without a store nobody is waited for, and filters may live on. */
static void without_a_store(void) {
  rgc_t* gc = gc_at_80("");
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  decide_live(run, raw_key(1, "a", 70));
  CHECK_EQ(api.rgc_set_enabled(gc, 0), 1);
  CHECK_EQ(api.rgc_set_enabled(gc, 1), 1);
  SUCCEEDS(api.rgc_pause_keyspace(gc, 2, errptr));
  CHECK_EQ(api.rgc_destroy(gc), 1);
  CHECK_EQ(decide_live(run, raw_key(1, "a", 60)), RGC_REMOVE);
  api.rgc_filter_destroy(run);
}

static void wrong_arguments(void) {
  CHECK_EQ(api.rgc_destroy(NULL), 1);
  CHECK_EQ(api.rgc_detach(NULL), 1);
  CHECK_EQ(api.rgc_set_clock(NULL, other_clock, NULL), 0);
  CHECK_EQ(api.rgc_set_enabled(NULL, 1), 0);
  CHECK_EQ(api.rgc_set_logger(NULL, NULL, 5), 0);
  CHECK_EQ(api.rgc_set_logger(NULL, NULL, -1), 0);
}

void test_refusals(void) {
  inside_a_callback();
  beside_a_living_filter();
  without_a_store();
  wrong_arguments();
}
