/* library.c - version, memory, and which messages reach a logger. */
#include "parts.h"

static void versions(void) {
  CHECK_EQ(api.rgc_abi_version(), RGC_ABI_VERSION);
  CHECK(strcmp(api.rgc_version(), RGC_VERSION_STRING) == 0);
  CHECK(api.rgc_version() == api.rgc_version());
}

static void memory(void) {
  api.rgc_free(NULL);
  char* text = api.rgc_options_describe();
  CHECK(text != NULL);
  api.rgc_free(text);
  /* It is free(), and takes what malloc gave. */
  api.rgc_free(malloc(1));
}

static void error_kinds(void) {
  static const struct {
    const char* text;
    int kind;
  } cases[] = {
      {NULL, RGC_ERROR_NONE},
      {"Invalid argument: what: and why", RGC_ERROR_INVALID_ARGUMENT},
      {"Not found: x", RGC_ERROR_NOT_FOUND},
      {"Not supported: x", RGC_ERROR_NOT_SUPPORTED},
      {"Busy: x", RGC_ERROR_BUSY},
      {"Corruption: x", RGC_ERROR_CORRUPTION},
      {"IO error: x", RGC_ERROR_IO},
      {"Aborted: x", RGC_ERROR_ABORTED},
      {"", RGC_ERROR_UNKNOWN},
      {"Busy", RGC_ERROR_UNKNOWN},
      {"busy: x", RGC_ERROR_UNKNOWN},
      {"\xff\xfe: x", RGC_ERROR_UNKNOWN},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) CHECK_EQ(api.rgc_error_kind(cases[i].text), cases[i].kind);
  /* Of the library's own errors. */
  rgc_t* gc = gc_with("");
  char* error = NULL;
  api.rgc_set_keyspace_gc_type(gc, RGC_KEYSPACE_MAX + 1, RGC_GC_GLOBAL, &error);
  CHECK_EQ(api.rgc_error_kind(error), RGC_ERROR_INVALID_ARGUMENT);
  api.rgc_free(error);
  api.rgc_destroy(gc);
}

/* A warning: a step back. An error: keys out of order. Debug lines: a run that ends. */
static struct log* messages_up_to(int max_level) {
  static struct log log;
  memset(&log, 0, sizeof log);
  rgc_t* gc = gc_at_80("");
  api.rgc_set_logger(remember, &log, max_level);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 5), 1);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 4), 0);
  rgc_filter_t* run = run_of(gc, RGC_KIND_RAW);
  decide_live(run, raw_key(1, "b", 1));
  decide_live(run, raw_key(1, "a", 1));
  api.rgc_filter_destroy(run);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_DEBUG);
  api.rgc_destroy(gc);
  return &log;
}

static void levels(void) {
  CHECK_EQ(messages_up_to(RGC_LOG_OFF)->lines, 0);
  struct log* log = messages_up_to(RGC_LOG_ERROR);
  CHECK_EQ(log->lines, 1);
  CHECK_CONTAINS(log->text, "order");
  log = messages_up_to(RGC_LOG_WARN);
  CHECK_EQ(log->lines, 2);
  CHECK_CONTAINS(log->text, "safe point");
  CHECK(messages_up_to(RGC_LOG_INFO)->highest_level <= RGC_LOG_INFO);
  CHECK_EQ(messages_up_to(RGC_LOG_DEBUG)->highest_level, RGC_LOG_DEBUG);

  /* NULL is silence, whatever the level; so is OFF, whatever the logger. */
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  api.rgc_set_logger(NULL, log, RGC_LOG_ERROR);
  memset(log, 0, sizeof *log);
  api.rgc_set_logger(remember, log, RGC_LOG_DEBUG);
  api.rgc_set_logger(remember, log, RGC_LOG_OFF);
  rgc_t* gc = gc_with("");
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 0), 0);
  CHECK_EQ(log->lines, 0);
  api.rgc_destroy(gc);
  api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
}

void test_library(void) {
  error_kinds();
  versions();
  memory();
  levels();
}
