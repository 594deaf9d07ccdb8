// crashes.h - the two ways to crash.
#ifndef CRASHES_H
#define CRASHES_H

#include <array>
#include <cstdint>
#include <functional>

#include "phases.h"
#include "store.h"

struct Order {
  Settings settings; // the library, an empty folder, the way to it, and the seed
  uint64_t times;
};

// How often where.
using Places = std::array<uint64_t, PLACES>;
void Print(const Places& places);

// Whoever lives longer hangs.
inline constexpr unsigned kHangs = 30; // seconds

// Is this the worker's thread?
bool IsWorkersThread();
// Does a process of its own, which ends by itself, end well?
bool Succeeds(const std::function<void()>& life);
// Hosts of each kind, one after the other.
void SetKind(uint64_t number, Settings* settings);
inline uint64_t SeedOf(const Order& order, uint64_t number) { return order.settings.seed * 1000003 + number; }

// Both print a table of where it happened, and answer what main does.
int Kills(const Order& order);
int PowerLosses(const Order& order);

#endif
