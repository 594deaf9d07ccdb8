// destroy.h - the data that destroy.cc destroys, and what it measures.
#ifndef BENCHES_DESTROY_H
#define BENCHES_DESTROY_H
#include <rocks_gc_rocksdb_store.h>
#include <rocksdb/convenience.h>
#include <rocksdb/statistics.h>

#include <chrono>
#include <map>
#include <random>
#include <utility>

#include "bench.h"

// Files of 8 MiB, as TiKV has them, and levels small enough that 100 MiB have two of them below
// level 0.
inline ROCKSDB_NAMESPACE::Options Leveled() {
  ROCKSDB_NAMESPACE::Options options;
  options.create_if_missing = true;
  options.compression = ROCKSDB_NAMESPACE::kNoCompression;
  options.level_compaction_dynamic_level_bytes = true;
  options.target_file_size_base = 8 << 20;
  options.max_bytes_for_level_base = 16 << 20;
  options.allow_fallocate = false;  // In memory it costs milliseconds, which a disk does not take.
  return options;
}

// Stored keys, the second one exclusive.
using KeyRange = std::pair<std::string, std::string>;

// Rows with values of so many bytes; those of the hole in the middle are to be destroyed.
class Data {
 public:
  Data(rocks_gc::Context gc, uint64_t mib, uint64_t value_bytes) : Data((mib << 20) / value_bytes, value_bytes, std::move(gc)) {}

  // Writes every row once, so that every level holds a part of the range; then newer versions of a
  // few rows, in two overlapping files of level 0.
  void Write(const std::string& path) const {
    using namespace ROCKSDB_NAMESPACE;
    Options options = Leveled();
    options.write_buffer_size = 16 << 20;
    options.level0_file_num_compaction_trigger = 1;
    {
      const Open db(options, path);
      for (uint64_t i = 0; i < rows_; ++i) Put(db, i * kPrime % rows_, 1);
      Check(db->Flush(FlushOptions()));
      uint64_t busy = 1;
      while (busy != 0) {
        Env::Default()->SleepForMicroseconds(100000);
        uint64_t pending = 0;
        db->GetIntProperty(DB::Properties::kNumRunningCompactions, &busy);
        db->GetIntProperty(DB::Properties::kCompactionPending, &pending);
        busy += pending;
      }
      Check(db->Close());
    }
    const Open db(Leveled(), path);
    for (const uint64_t which : {0, 1}) {
      WriteSome(db, which);
      Check(db->Flush(FlushOptions()));
    }
    Check(db->Close());
  }

  // A newer version of half a percent of the rows.
  void WriteSome(const Open& db, uint64_t which) const {
    for (uint64_t row = which; row < rows_; row += 200) Put(db, row, 2 + which);
  }

  uint64_t CountOutside(const Open& db) const {
    using namespace ROCKSDB_NAMESPACE;
    uint64_t keys = 0;
    const Slice end = hole.first;
    ReadOptions below;
    below.iterate_upper_bound = &end;
    const std::unique_ptr<Iterator> left(db->NewIterator(below)), right(db->NewIterator(ReadOptions()));
    for (left->Seek("z"); left->Valid(); left->Next()) ++keys;
    for (right->Seek(hole.second); right->Valid(); right->Next()) ++keys;
    Check(left->status());
    Check(right->status());
    return keys;
  }

  // Milliseconds to find the first key behind the hole from its start.
  double ScanHole(const Open& db) const {
    const auto begun = std::chrono::steady_clock::now();
    const std::unique_ptr<ROCKSDB_NAMESPACE::Iterator> it(db->NewIterator(ROCKSDB_NAMESPACE::ReadOptions()));
    it->Seek(hole.first);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    Check(it->status());
    if (!it->Valid() || it->key().compare(hole.second) < 0) Fail("a key of the destroyed range is visible");
    return took.count();
  }

  const KeyRange hole;

 private:
  static constexpr uint64_t kPrime = 1000003;

  Data(uint64_t inside, uint64_t value_bytes, rocks_gc::Context gc)
      : hole(Range(gc, inside / 10, inside / 10 + inside)), gc_(std::move(gc)), rows_(inside + inside / 10 * 2), value_bytes_(value_bytes) {
    std::mt19937_64 random(1);
    while (noise_.size() < (1 << 20)) noise_.push_back(static_cast<char>(random()));
  }

  static std::string UserKey(uint64_t row) {
    char user_key[32];
    std::snprintf(user_key, sizeof user_key, "user%012llu", static_cast<unsigned long long>(row));
    return user_key;
  }

  static KeyRange Range(const rocks_gc::Context& gc, uint64_t from, uint64_t to) {
    const std::string start = UserKey(from), end = UserKey(to);
    rgc_range_t range{};
    range.struct_size = sizeof range;
    const auto encode = &rocks_gc::Functions::rgc_encode_range;
    Check(gc.Call(encode, RGC_MODE_RAW, 1u, start.data(), start.size(), end.data(), end.size(), &range));
    KeyRange copy{{range.start, range.start_len}, {range.end, range.end_len}};
    gc->rgc_free(range.start);
    gc->rgc_free(range.end);
    return copy;
  }

  void Put(const Open& db, uint64_t row, uint64_t ts) const {
    const std::string value = noise_.substr(row * 641 % (noise_.size() - value_bytes_), value_bytes_) + '\0';
    ROCKSDB_NAMESPACE::WriteOptions options;
    options.disableWAL = true;
    Check(db->Put(options, gc_.EncodeKey(RGC_MODE_RAW, 1, UserKey(row), ts), value));
  }

  const rocks_gc::Context gc_;
  const uint64_t rows_, value_bytes_;
  std::string noise_;
};

// The live files that overlap a range.
struct Files {
  size_t Count() const {
    size_t count = 0;
    for (const auto& [level, files] : by_level) count += files;
    return count;
  }
  size_t MostBelowZero() const {
    size_t most = 0;
    for (const auto& [level, files] : by_level) most = level > 0 && files > most ? files : most;
    return most;
  }
  std::string Levels() const {
    std::string text;
    for (const auto& [level, files] : by_level) {
      text += (text.empty() ? "" : ", ") + std::to_string(files) + " in L" + std::to_string(level);
    }
    return text.empty() ? "none" : text;
  }

  std::map<int, size_t> by_level;
  uint64_t bytes = 0;
  uint64_t bytes_within = 0;  // Of the range, by RocksDB's estimate.
};

inline Files FilesOf(const Open& db, const KeyRange& range) {
  using namespace ROCKSDB_NAMESPACE;
  Files files;
  ColumnFamilyMetaData metadata;
  db->GetColumnFamilyMetaData(&metadata);
  for (const auto& level : metadata.levels) {
    for (const auto& file : level.files) {
      if (file.largestkey < range.first || file.smallestkey >= range.second) continue;
      ++files.by_level[level.level];
      files.bytes += file.size;
    }
  }
  const ::ROCKSDB_NAMESPACE::Range within(range.first, range.second);
  Check(db->GetApproximateSizes(SizeApproximationOptions(), db->DefaultColumnFamily(), &within, 1, &files.bytes_within));
  return files;
}

struct Cost {
  double wall_ms = 0;
  double cpu_ms = 0;  // User and system, of the whole process.
  uint64_t written = 0;  // Bytes: files of flushes and compactions, and the WAL.
};

// Takes what happens in its life.
class Watch {
 public:
  Watch(const ROCKSDB_NAMESPACE::Options& options, Cost* cost) : options_(options), cost_(cost), begun_(Now()) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    const Cost now = Now();
    *cost_ = {now.wall_ms - begun_.wall_ms, now.cpu_ms - begun_.cpu_ms, now.written - begun_.written};
  }

 private:
  Cost Now() const {
    using namespace ROCKSDB_NAMESPACE;
    const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now().time_since_epoch();
    uint64_t written = 0;
    for (const uint32_t ticker : {COMPACT_WRITE_BYTES, FLUSH_WRITE_BYTES, WAL_FILE_BYTES}) {
      written += options_.statistics->getTickerCount(ticker);
    }
    return {wall.count(), CpuTimeSoFar().All() * 1e3, written};
  }

  const ROCKSDB_NAMESPACE::Options& options_;
  Cost* const cost_;
  const Cost begun_;
};

#endif
