/* Steps from the library into Go. A state is a number that names a cgo.Handle. */
#include "callbacks.h"
#include "_cgo_export.h"

static __thread int inside;

int rocksgc_inside(void) { return inside > 0; }

static void log_line(void* state, int level, const char* message) {
  inside++;
  rocksgcLog((uintptr_t)state, level, (char*)message);
  inside--;
}

static uint64_t clock_seconds(void* state) {
  inside++;
  uint64_t now = rocksgcClock((uintptr_t)state);
  inside--;
  return now;
}

unsigned char rocksgc_set_logger(uintptr_t logger, int max_level) {
  return rgc_set_logger(logger ? log_line : NULL, (void*)logger, max_level);
}

unsigned char rocksgc_set_clock(rgc_t* gc, uintptr_t clock) {
  return rgc_set_clock(gc, clock ? clock_seconds : NULL, (void*)clock);
}

static int visit_barrier(void* state, const rgc_barrier_info_t* info) {
  rocksgcVisit((uintptr_t)state, (void*)info);
  return 0;
}

static int visit_keyspace(void* state, const rgc_keyspace_info_t* info) {
  rocksgcVisit((uintptr_t)state, (void*)info);
  return 0;
}

static int visit_destroyed(void* state, const rgc_destroyed_info_t* info) {
  rocksgcVisit((uintptr_t)state, (void*)info);
  return 0;
}

static int visit_schema(void* state, const rgc_schema_info_t* info) {
  rocksgcVisit((uintptr_t)state, (void*)info);
  return 0;
}

static int visit_explained(void* state, const rgc_explained_t* info) {
  rocksgcVisit((uintptr_t)state, (void*)info);
  return 0;
}

void rocksgc_barriers(const rgc_t* gc, uintptr_t visitor) {
  rgc_barriers_foreach(gc, visit_barrier, (void*)visitor);
}

void rocksgc_keyspaces(const rgc_t* gc, uintptr_t visitor) {
  rgc_keyspaces_foreach(gc, visit_keyspace, (void*)visitor);
}

void rocksgc_destroyed(const rgc_t* gc, uintptr_t visitor) {
  rgc_destroyed_foreach(gc, visit_destroyed, (void*)visitor);
}

void rocksgc_schemas(const rgc_t* gc, uintptr_t visitor) {
  rgc_schemas_foreach(gc, visit_schema, (void*)visitor);
}

char* rocksgc_explain(const rgc_t* gc, const char* start, size_t start_len, const char* end,
                      size_t end_len, uintptr_t visitor, char** errptr) {
  return rgc_explain(gc, start, start_len, end, end_len, visit_explained, (void*)visitor, errptr);
}

char* rocksgc_explain_keyspace(const rgc_t* gc, uint32_t keyspace, uintptr_t visitor,
                               char** errptr) {
  return rgc_explain_keyspace(gc, keyspace, visit_explained, (void*)visitor, errptr);
}
