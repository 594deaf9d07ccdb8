// main.cc - crashes: kill -9 and power loss at any moment, and what is found afterwards.
//
//     crashes kill|power c|adaptor <librocks_gc.so> <empty folder> <seed> <times>
#include <cstdlib>
#include <cstring>

#include "crashes.h"

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  Order order;
  order.settings.adaptor = std::strcmp(argv[2], "adaptor") == 0;
  order.settings.library = argv[3];
  order.settings.folder = argv[4];
  order.settings.seed = std::strtoull(argv[5], nullptr, 10);
  order.times = std::strtoull(argv[6], nullptr, 10);
  return std::strcmp(argv[1], "kill") == 0 ? Kills(order) : PowerLosses(order);
}
