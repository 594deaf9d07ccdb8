#ifndef ROCKSGC_CALLBACKS_H
#define ROCKSGC_CALLBACKS_H
#include <rocks_gc.h>

/* 1 on a thread inside a logger or a clock. */
int rocksgc_inside(void);
unsigned char rocksgc_set_logger(uintptr_t logger_or_0, int max_level);
unsigned char rocksgc_set_clock(rgc_t* gc, uintptr_t clock_or_0);
void rocksgc_barriers(const rgc_t* gc, uintptr_t visitor);
void rocksgc_keyspaces(const rgc_t* gc, uintptr_t visitor);
void rocksgc_destroyed(const rgc_t* gc, uintptr_t visitor);
void rocksgc_schemas(const rgc_t* gc, uintptr_t visitor);
char* rocksgc_explain(const rgc_t* gc, const char* start, size_t start_len, const char* end,
                      size_t end_len, uintptr_t visitor, char** errptr);
char* rocksgc_explain_keyspace(const rgc_t* gc, uint32_t keyspace, uintptr_t visitor,
                               char** errptr);
#endif
