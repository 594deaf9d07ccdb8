// store.h - an open DB with the library, through RocksDB's C API or through the C++ adaptor. A kill
// ends its process, or _exit does, unless the host closes the DB. open.cc opens and closes it.
#ifndef STORE_H
#define STORE_H

#include <rocksdb/c.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model.h"
#include "rocks_gc_rocksdb_store.h"

namespace db = ROCKSDB_NAMESPACE;

struct Settings {
  std::string library, folder; // the folder has the life of a host: the DB and the journal
  bool adaptor = false;        // else RocksDB's C API
  bool ledger_family = false;
  bool second_context = false; // has the extra family
  std::string prefix;
  bool wal = true; // of the host's own writes
  // The host writes into the default family only. RocksDB's C API flushes one family at a time, so
  // without a WAL a crash could tear a write to several families. The header tells such a host to
  // use the C++ engine.
  bool one_family = false;
  uint64_t range_min_keys = 10000;
  uint64_t bytes_per_second = 0; // that the worker deletes; 0 = as fast as it can
  uint64_t seed = 0;

  std::string life() const { return folder + "/life"; }
  std::string backup() const { return folder + "/backup"; }
  std::string db_path() const { return life() + "/db"; }
  std::string journal_path() const { return life() + "/journal"; }
  bool c_engine() const { return !adaptor && (wal || one_family); }
};

// Keyspaces that rows are written to, and those that are destroyed as a whole, one after the other.
inline constexpr uint32_t kKeyspaces[] = {1, 2};
inline constexpr uint32_t kNoKeyspace = 0;
inline constexpr const char* kFamilyNames[FAMILIES] = {"default", "write", "lock", "extra", "ledger"};
inline constexpr uint32_t kDoomedKeyspaces = 10, kLastDoomedKeyspace = 60;

class Store {
 public:
  Store(const Settings& settings, const std::function<void(const char*)>& on_log);

  void Open(std::shared_ptr<db::FileSystem> file_system);
  void Close();
  void Attach();
  void Detach();
  // Takes keyspaces for unknown that a ledger which is put back may call destroyed.
  void PauseDoomed();
  // Another context with the first one's ledger is refused.
  void RefuseTwin();

  void Write(const std::vector<Put>& puts, const Model& model);
  void Flush(int family);
  void FlushAll();
  void Compact(int family, bool last_level_too);
  void AdvanceSafePoint(uint32_t keyspace, uint64_t ts);
  void Destroy(int context, const std::vector<Range>& ranges, uint32_t keyspace_or_none, bool reusable);
  void DestroyAfter(const Range& range, uint64_t ts);
  void TakeBack(const Range& range);
  std::vector<Range> RangesOf(uint32_t keyspace) const;
  void Recheck(int context);
  void Collect();
  // Rows that wait for a worker; waits until there is none.
  size_t Pending() const;
  void Drain();
  Contents Read() const;
  // Its handle stays valid. By any thread, while others do what they do.
  void DropExtra();
  bool has_extra() const { return !dropped_extra_; }

 private:
  int families() const { return settings_.ledger_family ? FAMILIES : FAMILIES - 1; }
  bool Has(int family) const { return family < families() && (family != EXTRA || has_extra()); }
  int contexts() const { return settings_.second_context ? CONTEXTS : FIRST + 1; }
  int ContextOf(int family) const { return settings_.second_context && family == EXTRA ? SECOND : FIRST; }
  rgc_t* gc(int context) const { return gc_[context].get(); }
  rocks_gc::Context MakeContext(int context) const;

  db::Options MakeOptions(int family, std::shared_ptr<db::FileSystem> file_system);
  void OpenC(const std::vector<db::Options>& options);
  void OpenAdaptor(std::vector<db::Options> options);
  // What went wrong, empty = nothing.
  std::string AttachAdaptor(const rocks_gc::Context& gc, int context);
  void AttachC(int context);
  void Must(const char* what, const std::string& error) const;
  void Must(const char* what, const db::Status& status) const { Must(what, status.ok() ? "" : status.ToString()); }
  template <class Call>
  void Checked(const char* what, Call call) const {
    Must(what, rocks_gc::detail::ErrorOf(library_.functions(), call));
  }

  const Settings settings_;
  rocks_gc::Library library_;
  rocks_gc::Context gc_[CONTEXTS];
  std::unique_ptr<db::Env> env_;
  db::DB* db_ = nullptr;
  std::vector<db::ColumnFamilyHandle*> handles_;
  std::atomic<bool> dropped_extra_{false};
  // As RocksDB's C API has them.
  rocksdb_t* c_db_ = nullptr;
  std::vector<rocksdb_column_family_handle_t*> c_handles_;
  std::vector<rocksdb_options_t*> c_options_;
};

#endif
