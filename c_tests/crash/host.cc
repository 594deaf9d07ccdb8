// host.cc - see host.h. What it does while it works is in work.cc.
#include "host.h"

#include <unistd.h>

#include <filesystem>

#include "candidates.h"
#include "crashes.h"

namespace {

namespace fs = std::filesystem;
constexpr const char *kCopied = "/copied", *kReplaced = "/replaced";

// Short phases would be over before they could be hit.
void Hear(Shared* shared, const char* message) {
  if (!shared->Hear(message, IsWorkersThread())) return;
  thread_local Random random(static_cast<uint64_t>(::getpid()));
  const bool shortest = shared->phase == FILES || shared->phase == RECORD;
  if (shortest || random.Percent(50)) ::usleep(static_cast<useconds_t>(random.Below(shortest ? 2000 : 500)));
}

// What lies beside the life is of a host that was killed while it made a backup, or put one back.
Settings Prepared(const Settings& settings) {
  if (!fs::exists(settings.life()) && fs::exists(settings.backup())) fs::rename(settings.backup(), settings.life());
  for (const char* left : {kCopied, kReplaced}) fs::remove_all(settings.folder + left);
  fs::remove_all(settings.backup());
  fs::create_directories(settings.life());
  return settings;
}

} // namespace

Host::Host(const Settings& settings, Shared* shared, std::shared_ptr<fs_test::SyncedFileSystem> file_system)
    : settings_(Prepared(settings)), shared_(shared), file_system_(std::move(file_system)), random_(settings.seed), journal_(settings),
      store_(settings, [shared](const char* message) { Hear(shared, message); }) {}

void Host::ComeBack() {
  // A backup must not bring back a row that is cut by half (H10).
  const bool puts_back = !CutsRow() && random_.Percent(15);
  if (puts_back) BackUp();
  Start(false);
  std::thread(&Host::WatchWorker, this).detach();
  if (!puts_back) return;
  Work(4);
  DestroyGroup();
  Work(2);
  PutBack();
  Start(true);
}

void Host::BackUp() {
  fs::copy(settings_.life(), settings_.folder + kCopied, fs::copy_options::recursive);
  fs::rename(settings_.folder + kCopied, settings_.backup());
  for (const uint32_t keyspace : kKeyspaces) oldest_lock_of_backup_[keyspace] = journal_.OldestLock(keyspace);
}

// The contexts stay, with their safe points, which are valid for the backup, too.
void Host::PutBack() {
  store_.Detach();
  store_.Close();
  store_.PauseDoomed();
  std::map<uint32_t, uint64_t> safe_points;
  for (const uint32_t keyspace : kKeyspaces) safe_points[keyspace] = journal_.now().safe_point(keyspace);
  fs::rename(settings_.life(), settings_.folder + kReplaced);
  fs::rename(settings_.backup(), settings_.life());
  fs::remove_all(settings_.folder + kReplaced);
  file_system_->Forget();
  journal_.Reload();
  reserved_.clear();
  oldest_lock_of_backup_.clear();
  for (const auto& [keyspace, safe_point] : safe_points) {
    Operation operation(Operation::kSafePoint);
    operation.keyspace = keyspace;
    operation.safe_point = safe_point;
    journal_.Begin(operation);
  }
}

bool Host::CutsRow() const {
  for (const Operation* operation : journal_.unfinished()) {
    for (const Range& range : operation->ranges) {
      if (journal_.now().CutsRow(range)) return true;
    }
  }
  return false;
}

void Host::Start(bool from_backup) {
  shared_->Enter(OPENING);
  // Compactions may run before attach, with safe points that move. They must not run over one half
  // of a cut row while the other half still exists, because filters take that half for the newer
  // one until attach (H10).
  const bool advances = !CutsRow();
  for (const uint32_t keyspace : kKeyspaces) {
    if (advances && random_.Percent(50)) AdvanceSafePoint(keyspace);
    const uint64_t safe_point = journal_.now().safe_point(keyspace);
    if (safe_point > 0) store_.AdvanceSafePoint(keyspace, safe_point);
  }
  store_.Open(file_system_);
  for (const int family : {DEFAULT, WRITE, EXTRA}) {
    if (from_backup || random_.Percent(10)) store_.Compact(family, random_.Percent(50));
  }
  shared_->attaching = true;
  store_.Attach();
  shared_->attaching = false;
  shared_->Enter(VERIFYING);
  FindOutcome();
  Verify(false, "after attach");
  CompactAll();
  store_.Drain();
  CompactAll();
  Verify(true, "after compaction, drain, compaction");
  shared_->Enter(WORKING);
}

// Twice: an automatic compaction may move files of level 0 down, without a filter, after the first
// one has looked which levels it must compact.
void Host::CompactAll() {
  for (int pass = 0; pass < 2; ++pass) {
    for (int family = 0; family < LEDGER; ++family) store_.Compact(family, true);
  }
}

void Host::FindOutcome() {
  // A recheck that was interrupted may have dropped some records only.
  for (const Operation* operation : journal_.unfinished()) {
    if (operation->kind == Operation::kRecheck) store_.Recheck(operation->context);
  }
  std::string wrong;
  const Outcome outcome = Fitting(journal_, store_.Read(), &wrong);
  if (!wrong.empty()) Fail("after attach, nothing that can have happened fits", wrong);
  journal_.Resolve(outcome);
}

void Host::Verify(bool exact, const char* when) {
  const std::string wrong = journal_.now().Check(store_.Read(), exact);
  if (!wrong.empty()) Fail(when, wrong);
}

void Host::Fail(const char* when, const std::string& wrong) {
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
