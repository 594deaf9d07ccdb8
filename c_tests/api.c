/* api.c - see api.h. */
#include "api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct api api;

static void look_up(void* library, const char* name, void* function, size_t size) {
  void* address = dlsym(library, name);
  if (address == NULL || size != sizeof(address)) {
    fprintf(stderr, "%s is not in the library\n", name);
    exit(1);
  }
  memcpy(function, &address, size);
}

void* api_load(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
#define LOOK_UP(function) look_up(library, #function, &api.function, sizeof(api.function));
  RGC_EVERY_FUNCTION(LOOK_UP)
#undef LOOK_UP
  return library;
}
