/* kinds.c - a role's number, or an old header's number of a kind, is no kind: a filter of it would
 * use the wrong rule. */
#include "parts.h"

static void refused(rgc_t* gc, int number, const char* what) {
  char text[16];
  snprintf(text, sizeof text, "kind %d", number);
  FAILS(CHECK(api.rgc_filter_create(gc, number, NULL, errptr) == NULL), "Invalid argument", text, what, "RGC_KIND_RAW (17)");
  FAILS(CHECK(api.rgc_factory_state(gc, number, errptr) == NULL), "Invalid argument", text, what, "RGC_KIND_RAW (17)");
}

void test_kinds(void) {
  static const int kinds[] = {RGC_KIND_DROPPED_ONLY, RGC_KIND_RAW, RGC_KIND_TXN, RGC_KIND_TTL_V1};
  static const int roles[] = {RGC_CF_DEFAULT, RGC_CF_WRITE, RGC_CF_LOCK, RGC_CF_OTHER, RGC_CF_LEDGER};
  rgc_t* gc = gc_with("");
  for (size_t i = 0; i < sizeof roles / sizeof *roles; ++i) {
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k) CHECK(roles[i] != kinds[k]);
    refused(gc, roles[i], "role");
  }
  for (int number = 0; number < RGC_KIND_DROPPED_ONLY; ++number) refused(gc, number, "role");
  refused(gc, RGC_KIND_TTL_V1 + 1, "unknown");
  refused(gc, -1, "unknown");
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k) {
    void* state;
    SUCCEEDS(state = api.rgc_factory_state(gc, kinds[k], errptr));
    CHECK(state != NULL);
    api.rgc_factory_destructor(state);
  }
  api.rgc_destroy(gc);
}
