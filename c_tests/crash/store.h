// store.h - an open DB with the library in it, through RocksDB's C API or through the C++ adaptor. It is never closed: its process
// is killed, or ends without a word.
#ifndef STORE_H
#define STORE_H

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model.h"
#include "rocks_gc_rocksdb_store.h"

namespace db = ROCKSDB_NAMESPACE;

struct Settings {
  std::string library, folder; // the folder has the DB and the journal
  bool adaptor = false;        // else RocksDB's C API
  bool ledger_family = false;
  std::string prefix;
  bool wal = true; // of the host's own writes
  uint64_t range_min_keys = 10000;
  uint64_t bytes_per_second = 0; // that the worker deletes; 0 = as fast as it can
  uint64_t seed = 0;

  std::string db_path() const { return folder + "/db"; }
  std::string journal_path() const { return folder + "/journal"; }
};

// Keyspaces that rows are written to, and those that are destroyed as a whole, one after the other.
inline constexpr uint32_t kKeyspaces[] = {1, 2};
inline constexpr uint32_t kDoomedKeyspaces = 10, kLastDoomedKeyspace = 60;

class Store {
 public:
  Store(const Settings& settings, const std::function<void(const char*)>& on_log);

  void Open(std::shared_ptr<db::FileSystem> file_system);
  void Attach();

  void Write(const std::vector<Put>& puts, const Model& model);
  void Flush(int family);
  void FlushAll();
  void Compact(int family, bool last_level_too);
  void AdvanceSafePoint(uint32_t keyspace, uint64_t ts);
  void Destroy(const std::vector<Range>& ranges, uint32_t keyspace_or_none, bool reusable);
  std::vector<Range> RangesOf(uint32_t keyspace) const;
  void Recheck();
  void Collect();
  size_t Pending() const { return library_->rgc_pending(gc_.get()); }
  // Waits until no row is pending.
  void Drain();
  Contents Read() const;
  int families() const { return settings_.ledger_family ? FAMILIES : FAMILIES - 1; }

 private:
  db::Options MakeOptions(int family, std::shared_ptr<db::FileSystem> file_system);
  void OpenC(const std::vector<db::Options>& options);
  void OpenAdaptor(std::vector<db::Options> options);
  void AttachAdaptor();
  void AttachC();
  void Must(const char* what, const std::string& error) const;
  void Must(const char* what, const db::Status& status) const { Must(what, status.ok() ? "" : status.ToString()); }
  template <class Call>
  void Checked(const char* what, Call call) const;

  const Settings settings_;
  rocks_gc::Library library_;
  rocks_gc::Context gc_;
  std::unique_ptr<db::Env> env_;
  db::DB* db_ = nullptr;
  std::vector<db::ColumnFamilyHandle*> handles_;
  // As RocksDB's C API has them.
  rocksdb_t* c_db_ = nullptr;
  std::vector<rocksdb_column_family_handle_t*> c_handles_;
};

#endif
