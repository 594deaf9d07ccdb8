// power.cc - a host that loses power at many moments. Each moment gives a folder as the host would
// find it, and a host opens it.
#include <sys/mman.h>

#include <atomic>
#include <filesystem>

#include "../cpp_check.h"
#include "crashes.h"
#include "host.h"
#include "synced_fs.h"

namespace {

constexpr uint64_t kLossesOfHost = 14, kSteps = 24;

// What a process tells the one that started it.
struct Told {
  Shared shared;
  std::atomic<uint32_t> losses;
  std::atomic<uint32_t> at[PLACES];
};

Told* MakeTold() {
  void* memory = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  return new (memory) Told();
}

std::string LossOf(const std::string& folder, uint64_t number) { return folder + "/loss" + std::to_string(number); }

// Power is lost right after a write or a sync: at each `every`-th event of a destroy, often at one
// of the worker's, and sometimes at others.
class PowerCut {
 public:
  PowerCut(const Settings& settings, Told* told, uint64_t most, uint64_t every)
      : settings_(settings), told_(told), most_(most), every_(every), random_(settings.seed + 1) {}

  void Saw(const fs_test::SyncedFileSystem& system) {
    Shared& shared = told_->shared;
    const bool worker = IsWorkersThread();
    if (worker) ++shared.worker_writes;
    // A compaction writes much, and most of it is nobody's news.
    const uint64_t every = shared.phase == COMPACT && !worker ? 5 * every_ : every_;
    const bool takes = worker ? random_.Percent(40) : shared.InDestroy() ? ++events_ % every == 0 : random_.Percent(shared.in_debt ? 10 : 1);
    if (!takes || told_->losses >= most_) return;
    const std::string to = LossOf(settings_.folder, told_->losses);
    // What the host has noted by now had happened before.
    Settings left = settings_;
    left.folder = to;
    system.LosePower(settings_.db_path(), left.db_path(), random_.Percent(40), &random_);
    std::filesystem::copy_file(settings_.journal_path(), left.journal_path());
    ++told_->at[worker && !shared.in_due && !shared.in_debt ? P_WORKER : shared.Where()];
    ++told_->losses;
  }

 private:
  const Settings settings_;
  Told* const told_;
  const uint64_t most_, every_;
  Random random_;
  uint64_t events_ = 0;
};

void Live(const Settings& settings, Told* told, uint64_t losses, uint64_t every, uint64_t steps) {
  PowerCut cut(settings, told, losses, every);
  fs_test::SyncedFileSystem* system = nullptr;
  const auto file_system = std::make_shared<fs_test::SyncedFileSystem>([&](const fs_test::Event&) { cut.Saw(*system); });
  system = file_system.get();
  Host host(settings, &told->shared, file_system);
  host.ComeBack();
  host.Work(steps);
  // RocksDB's threads may be at work.
  std::_Exit(0);
}

// Comes back to what a loss has left; power may be lost once more on the way.
bool ComesBack(const Settings& settings, uint64_t losses, Places* places, uint64_t* all) {
  static Told* told = MakeTold();
  told->shared.Reset();
  told->losses = 0;
  for (auto& count : told->at) count = 0;
  Random random(settings.seed + 2);
  const uint64_t every = 1 + random.Below(losses == 1 ? 20 : 7), steps = losses == 1 ? 0 : kSteps;
  const bool well = Succeeds([&] { Live(settings, told, losses, every, steps); });
  const uint32_t left = told->losses;
  *all += left;
  for (int place = 0; place < PLACES; ++place) (*places)[place] += told->at[place];
  if (!well) return false;
  for (uint32_t i = 0; i < left; ++i) {
    Settings again = settings;
    again.folder = LossOf(settings.folder, i);
    again.seed = settings.seed * 31 + i;
    if (losses == 1) {
      told->shared.Reset();
      if (!Succeeds([&] { Live(again, told, 0, 1, 0); })) return false;
    } else if (!ComesBack(again, 1, places, all)) {
      return false;
    }
  }
  return true;
}

} // namespace

int PowerLosses(const Order& order) {
  Places places{};
  uint64_t losses = 0;
  for (uint64_t number = 0; losses < order.times; ++number) {
    Settings settings = order.settings;
    settings.folder += "/" + std::to_string(number);
    SetKind(number, &settings);
    // So slowly that logs change in the middle of a row.
    settings.bytes_per_second = number % 4 < 2 ? 200000 : 0;
    settings.seed = SeedOf(order, number);
    std::filesystem::create_directories(settings.folder);
    if (!ComesBack(settings, kLossesOfHost, &places, &losses)) return 1;
    std::filesystem::remove_all(settings.folder);
  }
  Print(places);
  return 0;
}
