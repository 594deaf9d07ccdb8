/* stand_in.c - see stand_in.h. Every other function is one that returns 0. */
#include "stand_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rgc_engine_t stand_in_engine;
void* stand_in_state;
rgc_column_family_t stand_in_families[8];
char stand_in_names[8][64];
size_t stand_in_n;
const char* stand_in_refuses;
int stand_in_attaches;

static char* copy_of(const char* text) {
  char* copy = malloc(strlen(text) + 1);
  return copy != NULL ? strcpy(copy, text) : NULL;
}

uint32_t stand_in_version(void);
uint32_t stand_in_version(void) { return RGC_ABI_VERSION; }

void stand_in_attach(rgc_t* gc, const rgc_engine_t* engine, void* state, const rgc_column_family_t* families, size_t n, char** errptr);
void stand_in_attach(rgc_t* gc, const rgc_engine_t* engine, void* state, const rgc_column_family_t* families, size_t n, char** errptr) {
  (void)gc;
  ++stand_in_attaches;
  *errptr = stand_in_refuses != NULL ? copy_of(stand_in_refuses) : NULL;
  if (stand_in_refuses != NULL) return;
  stand_in_engine = *engine;
  stand_in_state = state;
  stand_in_n = n;
  for (size_t i = 0; i < n; ++i) {
    stand_in_families[i] = families[i];
    snprintf(stand_in_names[i], sizeof(stand_in_names[i]), "%s", families[i].name);
  }
}

unsigned char stand_in_detach(rgc_t* gc);
unsigned char stand_in_detach(rgc_t* gc) {
  (void)gc;
  stand_in_engine.destructor(stand_in_state);
  stand_in_state = NULL;
  return 1;
}

void stand_in_free(void* memory);
void stand_in_free(void* memory) { free(memory); }

void* stand_in_nothing(void);
void* stand_in_nothing(void) { return NULL; }

#define IS(function, what) __asm__(".globl " #function "\n.type " #function ", @function\n.set " #function ", " #what "\n")
#define IS_NOTHING(function) __asm__(".weak " #function "\n.type " #function ", @function\n.set " #function ", stand_in_nothing\n");
#define rgc_abi_version stand_in_1
#define rgc_free stand_in_2
#define rgc_attach_engine stand_in_3
#define rgc_detach stand_in_4
#define EACH(function) IS_NOTHING_(function)
#define IS_NOTHING_(function) IS_NOTHING(function)
RGC_EVERY_FUNCTION(EACH)
#undef rgc_abi_version
#undef rgc_free
#undef rgc_attach_engine
#undef rgc_detach
IS(rgc_abi_version, stand_in_version);
IS(rgc_free, stand_in_free);
IS(rgc_attach_engine, stand_in_attach);
IS(rgc_detach, stand_in_detach);
