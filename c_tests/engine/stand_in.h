/* stand_in.h - a librocks_gc that only attaches. */
#ifndef STAND_IN_H
#define STAND_IN_H
#include "rocks_gc.h"
#ifdef __cplusplus
extern "C" {
#endif

/* The last attach that was not refused. */
extern rgc_engine_t stand_in_engine;
extern void* stand_in_state;
extern rgc_column_family_t stand_in_families[8];
extern char stand_in_names[8][64];
extern size_t stand_in_n;
/* The text that every attach is refused with; NULL = none. */
extern const char* stand_in_refuses;
/* How many attaches came. */
extern int stand_in_attaches;

#ifdef __cplusplus
}
#endif
#endif
