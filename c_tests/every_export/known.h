/* known.h - what rgc_keyspaces_foreach shows of one keyspace. */
#ifndef KNOWN_H
#define KNOWN_H

#include "parts.h"

struct known {
  int n; /* how often it was shown */
  int state, gc_type;
  char name[32];
};
struct known known_of(const rgc_t* gc, uint32_t keyspace);
/* It is shown once, with these. */
void check_known(const rgc_t* gc, uint32_t keyspace, int state, int gc_type, const char* name);
/* How many keyspaces are shown. */
int known_keyspaces(const rgc_t* gc);

#endif
