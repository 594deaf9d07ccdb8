/* stand_in.c - a library that has every function of rocks_gc.h by name, but implements only
 * rgc_abi_version. ABI = the version that it returns. With -Drgc_metrics=another_name it lacks
 * rgc_metrics, with -DLACKING all but rgc_abi_version. */
#include "rocks_gc.h"

uint32_t stand_in(void);
uint32_t stand_in(void) { return ABI; }

/* Once more through a macro, so that a name that the command line defines is another one here. */
#define STAND_IN(function) STAND_IN_(function)
#define STAND_IN_(function) __asm__(".globl " #function "\n.type " #function ", @function\n.set " #function ", stand_in\n");
#ifdef LACKING
STAND_IN(rgc_abi_version)
#else
RGC_EVERY_FUNCTION(STAND_IN)
#endif
