// kills.cc - a host that is killed again and again, at moments that are chosen by what it is at.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

#include "../cpp_check.h"
#include "crashes.h"
#include "host.h"
#include "synced_fs.h"

namespace {

constexpr uint64_t kKillsOfDB = 20;
constexpr unsigned kPatience = 700000; // microseconds that a phase is waited for

// What is waited for before a kill: a phase, or one of these.
constexpr int kAnyTime = PHASES, kAttach = PHASES + 1, kWorker = PHASES + 2, kDue = PHASES + 3, kDebt = PHASES + 4;
constexpr int kAims[] = {kAnyTime, OPENING,  OPENING, kAttach, VERIFYING, RECORD,  FILES,   FILES,
                         KEYS,     KEYS,     COMPACT, COMPACT, kWorker,   kWorker, kWorker, kWorker,
                         kDue,     kDue,     kDebt,   kDebt,   kDebt};

Settings SettingsOf(const Order& order, uint64_t number) {
  const uint64_t generation = number / kKillsOfDB;
  Settings settings = order.settings;
  settings.folder += "/" + std::to_string(generation);
  SetKind(generation, &settings);
  settings.seed = SeedOf(order, number);
  return settings;
}

[[noreturn]] void Live(const Settings& settings, Shared* shared, uint64_t steps) {
  ::alarm(kHangs);
  // Phases would be over before a kill could hit them.
  const auto slow_down = [shared](const fs_test::Event&) {
    thread_local Random random(static_cast<uint64_t>(::gettid()));
    const bool worker = IsWorkersThread();
    if (worker) ++shared->worker_writes;
    if (worker || (shared->InDestroy() && random.Percent(shared->phase == COMPACT ? 5 : 50))) ::usleep(static_cast<useconds_t>(random.Below(1500)));
  };
  Host host(settings, shared, std::make_shared<fs_test::SyncedFileSystem>(slow_down));
  host.ComeBack();
  host.Work(steps);
  std::_Exit(0);
}

bool IsAt(const Shared& shared, int aim, uint32_t times) {
  if (aim == kAnyTime) return shared.begun[WORKING] > 0;
  if (aim == kAttach) return shared.attaching;
  if (aim == kWorker) return shared.InWorkersPass();
  if (aim == kDue) return shared.in_due;
  if (aim == kDebt) return shared.in_debt;
  return shared.begun[aim] > times;
}

// Kills the child some time after it is where it should be; its status as of waitpid.
int Kill(pid_t child, const Shared& shared, Random* random) {
  const int aim = kAims[random->Below(std::size(kAims))];
  const uint32_t times = aim >= RECORD && aim < PHASES ? static_cast<uint32_t>(random->Below(3)) : 0;
  const uint64_t longest = aim == kAnyTime ? 100000 : aim == OPENING ? 6000 : random->Percent(50) ? 300 : 3000;
  int status = 0;
  for (unsigned waited = 0; !IsAt(shared, aim, times) && waited < kPatience; waited += 100) {
    if (::waitpid(child, &status, WNOHANG) == child) return status;
    ::usleep(20);
  }
  ::usleep(static_cast<useconds_t>(random->Below(longest)));
  ::kill(child, SIGKILL);
  CHECK(::waitpid(child, &status, 0) == child);
  return status;
}

} // namespace

int Kills(const Order& order) {
  Shared* shared = MakeShared();
  CHECK(shared != nullptr);
  Places killed{};
  Random random(order.settings.seed);
  for (uint64_t number = 0; number < order.times; ++number) {
    const Settings settings = SettingsOf(order, number);
    if (number % kKillsOfDB == 0) std::filesystem::create_directories(settings.folder);
    shared->Reset();
    const pid_t child = ::fork();
    CHECK(child >= 0);
    if (child == 0) Live(settings, shared, UINT64_MAX);
    const int status = Kill(child, *shared, &random);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
      std::fprintf(stderr, "kill %llu: the host ended by itself, with status %d\n", static_cast<unsigned long long>(number), status);
      return 1;
    }
    ++killed[shared->Where()];
    if (number % kKillsOfDB != kKillsOfDB - 1 && number != order.times - 1) continue;
    // The last one is looked at, too.
    if (!Succeeds([&] { Live(settings, shared, 0); })) return 1;
    std::filesystem::remove_all(settings.folder);
  }
  Print(killed);
  return 0;
}
