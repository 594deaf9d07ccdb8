// main.cc - crashes: kill -9 and power loss at any moment, and what is found afterwards.
//
//     crashes kill|power c|adaptor <librocks_gc.so> <empty folder> <seed> <times>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../cpp_check.h"
#include "crashes.h"

void Print(const Places& places) {
  for (int place = 0; place < PLACES; ++place) std::printf("%s %llu\n", kPlaceNames[place], static_cast<unsigned long long>(places[place]));
}

bool IsWorkersThread() {
  thread_local const bool is = [] {
    char name[16] = "";
    ::prctl(PR_GET_NAME, name);
    return std::strcmp(name, "rocks_gc") == 0;
  }();
  return is;
}

void SetKind(uint64_t number, Settings* settings) {
  Random random(settings->seed + number / 2);
  settings->wal = number % 2 == 0;
  settings->ledger_family = random.Percent(50);
  settings->prefix = random.Percent(50) ? "" : "z";
  settings->range_min_keys = random.Percent(33) ? 25 : 10000;
  // A flush by one context does not reach the families of the other. Without a WAL a host could not
  // rely on atomic_flush.
  settings->second_context = settings->wal && random.Percent(50);
  settings->one_family = !settings->wal && !settings->adaptor && random.Percent(50);
}

bool Succeeds(const std::function<void()>& life) {
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child == 0) {
    ::alarm(kHangs);
    life();
    std::_Exit(0);
  }
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) std::fprintf(stderr, "ended by signal %d\n", WTERMSIG(status));
  return status == 0;
}

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
