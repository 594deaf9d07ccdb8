// steady_store.h - the set-ups that steady.cc compares: an open DB and its way to collect.
#ifndef BENCHES_STEADY_STORE_H
#define BENCHES_STEADY_STORE_H
#include <rocks_gc_rocksdb_store.h>
#include <rocksdb/cache.h>
#include <rocksdb/statistics.h>

#include <filesystem>
#include <functional>

#include "bench.h"
#include "steady_load.h"
#include "user_timestamps.h"

// With the global safe point and with user-defined timestamps one bound is valid for all tenants,
// so the stuck tenant holds it back.
enum class SetUp { kRocksGc, kGlobal, kUserTimestamps, kNothing };
inline const char* NameOf(SetUp set_up) {
  static const char* const names[] = {"rocks-gc", "one global safe point", "user-defined timestamps", "no collection"};
  return names[static_cast<size_t>(set_up)];
}

class Store {
 public:
  using Slice = ROCKSDB_NAMESPACE::Slice;

  Store(SetUp set_up, const rocks_gc::Library& library, const std::string& path)
      : set_up_(set_up), path_(path), gc_(rocks_gc::Context::Create(library, "data_prefix=z")) {
    Check(gc_.error());
    std::filesystem::remove_all(path);
    options_ = Leveled();
    for (uint32_t tenant = 0; tenant < load::kTenants; ++tenant) ids_.push_back(Keyspace(tenant));
    if (set_up == SetUp::kUserTimestamps) user_timestamps::UseComparator(&options_);
    if (IsOurs()) Check(rocks_gc::Install(gc_, RGC_KIND_RAW, &options_, &options_));
    db_ = std::make_unique<Open>(options_, path);
    if (IsOurs()) Check(rocks_gc::Attachment::Make(gc_, db().db.get(), {{RGC_CF_DEFAULT, nullptr}}, &attachment_));
    Fill();
    BeginToCollect();
  }

  // Bytes of the table files for each row, when every row has one version and all are in the last
  // level.
  double bytes_per_row() const { return bytes_per_row_; }

  void Put(const load::Row& row, uint64_t ts) { Put(row, ts, ROCKSDB_NAMESPACE::WriteOptions()); }

  // Returns the timestamp of the newest version, by its value.
  uint64_t Get(const load::Row& row) const {
    ROCKSDB_NAMESPACE::ReadOptions options;
    if (set_up_ == SetUp::kUserTimestamps) {
      user_timestamps::ReadNewest(&options);
      ROCKSDB_NAMESPACE::PinnableSlice value;
      Check(db()->Get(options, db()->DefaultColumnFamily(), RowOf(Key(row, 0)), &value));
      return Version(value);
    }
    uint64_t version = 0;
    Scan(row, 1, Key(row, 0) + '\0', [&](uint32_t, uint64_t found) { version = found; });
    return version;
  }

  // Shows the newest version of so many rows, beginning with `first`: its number in the scan, and
  // the timestamp.
  void Scan(const load::Row& first, uint32_t rows, const std::function<void(uint32_t, uint64_t)>& each) const {
    Scan(first, rows, Key({first.tenant, load::kRowsPerTenant}, kNewest), each);
  }

  void AdvanceSafePoint(uint64_t ts) {
    if (set_up_ != SetUp::kRocksGc) return;
    std::vector<uint32_t> moving;
    for (const uint32_t id : ids_) {
      if (id != Keyspace(load::kStuck)) moving.push_back(id);
    }
    const std::vector<uint64_t> safe_points(moving.size(), ts);
    Check(gc_.Call(&rocks_gc::Functions::rgc_advance_keyspace_safe_points, moving.data(), safe_points.data(), moving.size()));
  }

  uint64_t Ticker(uint32_t ticker) const { return options_.statistics->getTickerCount(ticker); }
  uint64_t LiveFileBytes() const {
    uint64_t bytes = 0;
    db()->GetIntProperty(ROCKSDB_NAMESPACE::DB::Properties::kLiveSstFilesSize, &bytes);
    return bytes;
  }
  // With the WAL, and with files that are no longer live.
  uint64_t FolderBytes() const {
    uint64_t bytes = 0;
    std::error_code gone;
    for (const auto& file : std::filesystem::directory_iterator(path_)) {
      const uint64_t size = file.file_size(gone);
      if (!gone) bytes += size;
    }
    return bytes;
  }
  size_t BytesOfPut() const { return Key({0, 0}, 0).size() + load::kValueBytes; }

  void Close() {
    Check(attachment_.Detach());
    Check(db()->Close());
    db_.reset();
    std::filesystem::remove_all(path_);
  }

 private:
  static constexpr uint64_t kNewest = UINT64_MAX - 1;

  static ROCKSDB_NAMESPACE::Options Leveled() {
    ROCKSDB_NAMESPACE::Options options;
    options.create_if_missing = true;
    options.compression = ROCKSDB_NAMESPACE::kNoCompression;
    options.level_compaction_dynamic_level_bytes = true;
    options.write_buffer_size = 4 << 20;
    options.target_file_size_base = 4 << 20;
    options.max_bytes_for_level_base = 32 << 20;
    options.max_background_jobs = 2;
    options.allow_fallocate = false;  // In memory it costs milliseconds, which a disk does not take.
    options.statistics = ROCKSDB_NAMESPACE::CreateDBStatistics();
    ROCKSDB_NAMESPACE::BlockBasedTableOptions table;
    table.block_cache = ROCKSDB_NAMESPACE::NewLRUCache(64 << 20);
    options.table_factory.reset(ROCKSDB_NAMESPACE::NewBlockBasedTableFactory(table));
    return options;
  }

  bool IsOurs() const { return set_up_ == SetUp::kRocksGc || set_up_ == SetUp::kGlobal; }
  const Open& db() const { return *db_; }
  static uint32_t Keyspace(uint32_t tenant) { return 1 + tenant; }

  std::string Key(const load::Row& row, uint64_t ts) const {
    char user_key[16];
    std::snprintf(user_key, sizeof user_key, "user%08u", row.number);
    return gc_.EncodeKey(RGC_MODE_RAW, Keyspace(row.tenant), user_key, ts);
  }

  static uint64_t Version(const Slice& value) { return std::strtoull(value.data(), nullptr, 10); }

  void Put(const load::Row& row, uint64_t ts, const ROCKSDB_NAMESPACE::WriteOptions& options) {
    const std::string key = Key(row, ts), version = std::to_string(ts) + ' ';
    std::copy(version.begin(), version.end(), value_.begin());
    Check(set_up_ == SetUp::kUserTimestamps ? user_timestamps::Put(db(), options, RowOf(key), ts, value_)
                                            : db()->Put(options, key, value_));
  }

  void Scan(const load::Row& first, uint32_t rows, const std::string& end, const std::function<void(uint32_t, uint64_t)>& each) const {
    constexpr int kStepsBeforeSeek = 8;  // As TiKV does, and RocksDB for its own timestamps.
    const bool timestamps = set_up_ == SetUp::kUserTimestamps;
    const Slice bound = timestamps ? RowOf(end) : Slice(end);
    ROCKSDB_NAMESPACE::ReadOptions options;
    options.iterate_upper_bound = &bound;
    if (timestamps) user_timestamps::ReadNewest(&options);
    const std::unique_ptr<ROCKSDB_NAMESPACE::Iterator> it(db()->NewIterator(options));
    const std::string begin = Key(first, kNewest);
    it->Seek(timestamps ? RowOf(begin) : Slice(begin));
    std::string row;
    for (uint32_t found = 0; it->Valid() && found < rows; ++found) {
      each(found, Version(it->value()));
      if (timestamps) {
        it->Next();
        continue;
      }
      row = RowOf(it->key()).ToString();
      int steps = 0;
      do {
        it->Next();
      } while (it->Valid() && it->key().starts_with(row) && ++steps < kStepsBeforeSeek);
      if (steps < kStepsBeforeSeek) continue;
      row.append(kTimestampBytes, '\xff').push_back('\0');
      it->Seek(row);
    }
    Check(it->status());
  }

  void Fill() {
    ROCKSDB_NAMESPACE::WriteOptions without_wal;
    without_wal.disableWAL = true;
    for (uint32_t tenant = 0; tenant < load::kTenants; ++tenant) {
      for (uint32_t row = 0; row < load::kRowsPerTenant; ++row) Put({tenant, row}, load::kFirstVersion, without_wal);
    }
    Check(db()->Flush(ROCKSDB_NAMESPACE::FlushOptions()));
    Check(db()->CompactRange(ROCKSDB_NAMESPACE::CompactRangeOptions(), nullptr, nullptr));
    bytes_per_row_ = static_cast<double>(LiveFileBytes()) / static_cast<double>(load::kRows);
  }

  void BeginToCollect() {
    using rocks_gc::Functions;
    if (set_up_ == SetUp::kUserTimestamps) user_timestamps::IncreaseFullHistoryTsLow(db(), load::kStuckSafePoint);
    if (!IsOurs()) return;
    const int type = set_up_ == SetUp::kGlobal ? RGC_GC_GLOBAL : RGC_GC_KEYSPACE_LEVEL;
    Check(gc_.Call(&Functions::rgc_set_keyspace_gc_types, ids_.data(), ids_.size(), type));
    if (type == RGC_GC_GLOBAL) {
      if (!gc_.AdvanceGlobalSafePoint(load::kStuckSafePoint)) Fail("the global safe point was refused");
      return;
    }
    Check(gc_.AdvanceKeyspaceSafePoint(Keyspace(load::kStuck), load::kStuckSafePoint).text());
    AdvanceSafePoint(load::SafePointAt(0));
  }

  const SetUp set_up_;
  const std::string path_;
  const rocks_gc::Context gc_;
  ROCKSDB_NAMESPACE::Options options_;
  std::vector<uint32_t> ids_;
  std::string value_ = std::string(load::kValueBytes - 1, 'v') + '\0';  // No flags.
  double bytes_per_row_ = 0;
  std::unique_ptr<Open> db_;
  rocks_gc::Attachment attachment_;  // Ends before the DB.
};

#endif
