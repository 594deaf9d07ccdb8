/* known.c - see known.h. */
#include "known.h"

struct sought {
  uint32_t keyspace;
  struct known found;
};

static int find(void* state, const rgc_keyspace_info_t* info) {
  struct sought* sought = state;
  if (info->id != sought->keyspace) return 0;
  ++sought->found.n;
  sought->found.state = info->state;
  sought->found.gc_type = info->gc_type;
  snprintf(sought->found.name, sizeof sought->found.name, "%s", info->name);
  return 0;
}

static int count(void* n, const rgc_keyspace_info_t* info) {
  (void)info;
  ++*(int*)n;
  return 0;
}

struct known known_of(const rgc_t* gc, uint32_t keyspace) {
  struct sought sought = {.keyspace = keyspace, .found = {.state = -1}};
  api.rgc_keyspaces_foreach(gc, find, &sought);
  return sought.found;
}

void check_known(const rgc_t* gc, uint32_t keyspace, int state, int gc_type, const char* name) {
  struct known known = known_of(gc, keyspace);
  CHECK_EQ(known.n, 1);
  CHECK_EQ(known.state, state);
  CHECK_EQ(known.gc_type, gc_type);
  CHECK(strcmp(known.name, name) == 0);
}

int known_keyspaces(const rgc_t* gc) {
  int n = 0;
  api.rgc_keyspaces_foreach(gc, count, &n);
  return n;
}
