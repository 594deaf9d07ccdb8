// host.h - a host that restarts after a crash, checks its store, and works until the next crash.
#ifndef HOST_H
#define HOST_H

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "journal.h"
#include "keys.h"
#include "phases.h"
#include "store.h"
#include "synced_fs.h"

class Host {
 public:
  Host(const Settings& settings, Shared* shared, std::shared_ptr<fs_test::SyncedFileSystem> file_system);

  // Opens, attaches and verifies; now and then once more, after a backup was put back.
  void ComeBack();
  // One step after the other.
  void Work(uint64_t steps);

 private:
  void Start(bool from_backup);
  void BackUp();
  void PutBack();
  bool CutsRow() const;
  void CompactAll();
  void FindOutcome();
  void Verify(bool exact, const char* when);
  [[noreturn]] void Fail(const char* when, const std::string& wrong);
  void WatchWorker();

  void Step();
  void Write(const std::vector<Put>& puts);
  void WriteRaw();
  void WriteTransactions();
  void WriteLongRow();
  void CommitAtSafePoint(const Row& row);
  void CommitAll(uint32_t keyspace);
  void MakeDurable();
  void AdvanceSafePoint(uint32_t keyspace, uint64_t reserve_percent = 50);
  void CompactSome();
  void DestroyGroup();
  void DestroyPartOfRow();
  void DestroyKeyspace();
  void DestroyLater();
  void TakeBack();
  void Destroy(int context, std::vector<Range> ranges, uint32_t keyspace_or_none, bool reusable);
  void Recheck();
  void DropExtra();
  void RefuseTwin();
  void End();

  bool HasExtra() const { return store_.has_extra() && !beside_.joinable(); }
  uint32_t AnyKeyspace() { return kKeyspaces[random_.Below(2)]; }
  char AnyMode() { return settings_.one_family || random_.Percent(50) ? 'r' : 'x'; }
  char AnyRawMode() { return !settings_.one_family && HasExtra() && random_.Percent(25) ? 'e' : 'r'; }
  // Rows come in groups, which are destroyed as a whole; of those that were, the next one is taken.
  std::string AnyGroup(char mode, uint32_t keyspace);
  Row AnyRow(char mode);
  Put RawPut(const Row& row);
  // Of a row without a lock.
  Put RecordPut(const Row& row);
  uint32_t Length(uint64_t least, uint64_t most) { return static_cast<uint32_t>(least + random_.Below(most - least + 1)); }
  Range RangeOf(char mode, uint32_t keyspace, const std::string& start, const std::string& end) const;

  const Settings settings_;
  Shared* const shared_;
  const std::shared_ptr<fs_test::SyncedFileSystem> file_system_;
  Random random_;
  Journal journal_;
  Store store_;
  std::thread beside_; // what goes on beside a destroy or the worker: the drop of the extra family, or a twin
  std::atomic<bool> refused_twin_{false};
  // A transaction that is to commit at the safe point, of each keyspace.
  struct Reserved {
    uint64_t start, ts;
  };
  std::map<uint32_t, Reserved> reserved_;
  // What is on in the backup that is to be put back, of each keyspace.
  std::map<uint32_t, uint64_t> oldest_lock_of_backup_;
};

#endif
