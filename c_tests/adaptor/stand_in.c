/* stand_in.c - libraries that are not the one that the adaptor wants: OTHER_ABI, or LACKING all functions but the first. */
#include <stdint.h>

uint32_t rgc_abi_version(void);
uint32_t rgc_abi_version(void) {
#ifdef OTHER_ABI
  return 2;
#else
  return 1;
#endif
}
