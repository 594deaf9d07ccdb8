// crashes.h - the two ways to crash.
#ifndef CRASHES_H
#define CRASHES_H

#include <cstdint>

#include "store.h"

struct Order {
  Settings settings; // the library, an empty folder, the way to it, and the seed
  uint64_t times;
};

// Is this the worker's thread?
bool IsWorkersThread();

// Both print a table of where it happened, and answer what main does.
int Kills(const Order& order);
int PowerLosses(const Order& order);

#endif
