// host.h - a host that comes back after a crash, sees that all is as it must be, and works until the next one.
#ifndef HOST_H
#define HOST_H

#include <memory>
#include <string>
#include <vector>

#include "journal.h"
#include "keys.h"
#include "phases.h"
#include "store.h"

class Host {
 public:
  Host(const Settings& settings, Shared* shared, std::shared_ptr<db::FileSystem> file_system);

  // Opens, attaches and verifies.
  void ComeBack();
  // One step after the other.
  void Work(uint64_t steps);

 private:
  void Verify(bool exact, const char* when);
  void WatchWorker();

  void Step();
  void Write(const std::vector<Put>& puts);
  void WriteRaw();
  void WriteTransactions();
  void WriteLongRow();
  void MakeDurable();
  void AdvanceSafePoint(uint32_t keyspace);
  void CompactSome();
  void DestroyGroup();
  void DestroyPartOfRow();
  void DestroyKeyspace();
  void Destroy(std::vector<Range> ranges, uint32_t keyspace_or_none, bool reusable);
  void Recheck();

  uint32_t AnyKeyspace() { return kKeyspaces[random_.Below(2)]; }
  char AnyMode() { return random_.Percent(50) ? 'r' : 'x'; }
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
  const std::shared_ptr<db::FileSystem> file_system_;
  Random random_;
  Journal journal_;
  Store store_;
};

#endif
