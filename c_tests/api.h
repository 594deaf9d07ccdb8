/* api.h - every function of rocks_gc.h, looked up at run time. A type that differs from the
 * header's does not compile. A function that the library lacks ends the program. */
#ifndef API_H
#define API_H

/* These hosts look at an answer where a test is about it. */
#define RGC_MUST_CHECK
#include "rocks_gc.h"

#define API_FIELD_(function) __typeof__(function)* function;
struct api {
  RGC_EVERY_FUNCTION(API_FIELD_)
};

/* Complete after api_load. */
extern struct api api;

/* Loads the library, RTLD_LOCAL; ends the program if that cannot be. Returns dlopen's handle. */
void* api_load(const char* path);

#endif
