// host.cc - see host.h. What it does while it works is in work.cc.
#include "host.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "../engine/check.h"

namespace {

// Short phases would be over before they could be hit.
void Hear(Shared* shared, const char* message) {
  if (!shared->Hear(message)) return;
  thread_local Random random(static_cast<uint64_t>(::getpid()));
  const bool shortest = shared->phase == FILES;
  if (shortest || random.Percent(50)) ::usleep(static_cast<useconds_t>(random.Below(shortest ? 2000 : 500)));
}

} // namespace

Host::Host(const Settings& settings, Shared* shared, std::shared_ptr<db::FileSystem> file_system)
    : settings_(settings), shared_(shared), file_system_(std::move(file_system)), random_(settings.seed),
      journal_(settings.journal_path(), settings.prefix, settings.wal),
      store_(settings, [shared](const char* message) { Hear(shared, message); }) {}

void Host::ComeBack() {
  shared_->Enter(OPENING);
  // Compactions may run before the store is attached, and with safe points that move on; but not over what is left of a row while its
  // other half has not gone, for runs take that half for the newer one until the store is attached.
  const auto cuts_row = [this](const Operation& operation) {
    return std::any_of(operation.ranges.begin(), operation.ranges.end(), [&](const Range& range) { return journal_.model().CutsRow(range); });
  };
  const bool advances = std::none_of(journal_.open().begin(), journal_.open().end(), cuts_row);
  for (const uint32_t keyspace : kKeyspaces) {
    if (advances && random_.Percent(50)) AdvanceSafePoint(keyspace);
    const uint64_t safe_point = journal_.model().safe_point(keyspace);
    if (safe_point > 0) store_.AdvanceSafePoint(keyspace, safe_point);
  }
  store_.Open(file_system_);
  if (random_.Percent(25)) store_.Compact(static_cast<int>(random_.Below(2)), random_.Percent(50));
  shared_->attaching = true;
  store_.Attach();
  shared_->attaching = false;
  shared_->Enter(VERIFYING);
  std::thread(&Host::WatchWorker, this).detach();
  // A recheck that was interrupted may have dropped some records only.
  const bool rechecks = !journal_.open().empty() && journal_.open().back().kind == Operation::kRecheck;
  if (rechecks) store_.Recheck();
  const Contents found = store_.Read();
  size_t happened = 0;
  for (const Operation& operation : journal_.open()) {
    if (!journal_.model().Happened(operation, found)) break;
    ++happened;
  }
  journal_.Resolve(happened);
  Verify(false, "after attach");
  for (int family = 0; family < LEDGER; ++family) store_.Compact(family, true);
  store_.Drain();
  for (int family = 0; family < LEDGER; ++family) store_.Compact(family, true);
  Verify(true, "after compaction, drain, compaction");
  shared_->Enter(WORKING);
}

void Host::Verify(bool exact, const char* when) {
  const std::string wrong = journal_.model().Check(store_.Read(), exact);
  if (wrong.empty()) return;
  std::fprintf(stderr, "%s, seed %llu, %s: %s\n", settings_.folder.c_str(), static_cast<unsigned long long>(settings_.seed), when,
               wrong.c_str());
  std::_Exit(1);
}

// The worker's pass has ended when no row is pending.
void Host::WatchWorker() {
  for (;; ::usleep(50)) {
    const uint32_t writes = shared_->worker_writes;
    if (store_.Pending() == 0) shared_->finished_worker_writes = writes;
  }
}

void Host::Work(uint64_t steps) {
  for (uint64_t i = 0; i < steps; ++i) Step();
}
