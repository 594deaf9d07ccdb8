/* rocks_gc_rocksdb_wal.h - rocks-gc as a RocksDB WAL filter: recovery leaves out what would be
 * dropped at once. Header-only: the host compiles it with its own RocksDB, 7.0 to 11.
 *
 *     rocks_gc::WalFilter wal_filter(gc, {"default", "write"});  // families with gc's keys
 *     options.wal_filter = &wal_filter;                          // lives until the DB is closed
 *     gc.Call(&rocks_gc::Functions::rgc_schemas_load, ...);      // before open
 *     ... DB::Open with these options ...
 *
 * rgc_keyspace_load is called before open too. rocks_gc.h says what is left out: puts and merges of
 * invalid schemas, and of keyspaces that were loaded as TOMBSTONE. The filter never leaves out a
 * delete or a record of another family. It never changes a batch with two-phase markers or with
 * anything unknown. */
#ifndef ROCKS_GC_ROCKSDB_WAL_H
#define ROCKS_GC_ROCKSDB_WAL_H

#include <rocksdb/version.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rocks_gc_library.h"

namespace rocks_gc {

/* The WAL filter. The thread that opens the DB uses it. The Context must live until the DB is open.
 * The filter must live as long as the DB: an open RocksDB asks it for its name whenever it writes
 * its options file. */
class WalFilter final : public ROCKSDB_NAMESPACE::WalFilter {
 public:
  WalFilter(const Context& gc, std::vector<std::string> families)
      : WalFilter(gc.library(), gc.get(), std::move(families)) {}
  WalFilter(const Library& library, rgc_t* gc, std::vector<std::string> families)
      : library_(library), gc_(gc), families_(std::move(families)) {}

  const char* Name() const override { return "rocks_gc.wal_filter"; }

  /* How many batches were replayed without some of their records. */
  uint64_t changed() const { return changed_; }

  void ColumnFamilyLogNumberMap(const std::map<uint32_t, uint64_t>&,
                                const std::map<std::string, uint32_t>& ids) override {
    ids_.clear();
    for (const auto& [name, id] : ids) {
      if (std::find(families_.begin(), families_.end(), name) != families_.end()) {
        ids_.push_back(id);
      }
    }
  }

  WalProcessingOption LogRecordFound(unsigned long long, const std::string&,
                                     const ROCKSDB_NAMESPACE::WriteBatch& batch,
                                     ROCKSDB_NAMESPACE::WriteBatch* new_batch,
                                     bool* batch_changed) override {
    if (!library_.ok() || gc_ == nullptr) return WalProcessingOption::kContinueProcessing;
    const std::string& bytes = batch.Data();
    size_t len = 0;
    char* error = nullptr;
    char* filtered = library_->rgc_wal_filter_batch(gc_, bytes.data(), bytes.size(), ids_.data(),
                                                    ids_.size(), &len, &error);
    if (filtered != nullptr) {
      ROCKS_GC_TRY_ {
        *new_batch = ROCKSDB_NAMESPACE::WriteBatch(std::string(filtered, len));
        *batch_changed = true;
        ++changed_;
      }
      ROCKS_GC_CATCH_ { *batch_changed = false; }
    }
    library_->rgc_free(filtered);
    library_->rgc_free(error);
    return WalProcessingOption::kContinueProcessing;
  }

 private:
  const Library library_;
  rgc_t* const gc_;
  const std::vector<std::string> families_;
  std::vector<uint32_t> ids_;
  std::atomic<uint64_t> changed_{0};
};

}  // namespace rocks_gc

#endif
