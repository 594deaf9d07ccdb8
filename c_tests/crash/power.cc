#include "crashes.h"
int PowerLosses(const Order&) { return 2; }
