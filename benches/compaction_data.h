// compaction_data.h - the data that compaction.cc compacts: RawKV rows of API v2 keyspaces, all
// rows with the same number of versions, spread over a few files of level 0.
#ifndef BENCHES_COMPACTION_DATA_H
#define BENCHES_COMPACTION_DATA_H
#include <rocks_gc_rocksdb.h>

#include <filesystem>

#include "bench.h"
#include "user_timestamps.h"

// Where the files of a DB come from.
//   - kCollector: written with the options of rocks_gc::Install, so that they have the properties
//     that its collector writes, if it has one.
//   - kPlain: written without the library.
//   - kUserTimestamps: written with RocksDB's own timestamps.
enum class Inputs { kCollector, kPlain, kUserTimestamps };

struct Place {
  const char* name;
  int files;
  bool over_older_data;  // Level 0 into level 1 over level 6, then everything into level 6.
};

struct Case {
  Place place;
  uint32_t keyspaces;
  uint64_t versions;  // Of a row.
  uint64_t garbage;   // Of a row. 0: the safe points are below all data.
};

inline ROCKSDB_NAMESPACE::Options PlainOptions(Inputs inputs) {
  ROCKSDB_NAMESPACE::Options options;
  options.create_if_missing = true;
  options.disable_auto_compactions = true;
  options.level_compaction_dynamic_level_bytes = false;
  options.compression = ROCKSDB_NAMESPACE::kNoCompression;
  options.write_buffer_size = uint64_t{1} << 32;         // Only Write decides where a file ends.
  options.max_bytes_for_level_base = uint64_t{1} << 40;  // Nothing leaves level 1 by itself.
  options.max_subcompactions = 1;
  if (inputs == Inputs::kUserTimestamps) user_timestamps::UseComparator(&options);
  return options;
}

class Data {
 public:
  Data(const rocks_gc::Context& encoder, const Case& which, uint64_t versions)
      : encoder_(encoder), case_(which), rows_(std::max<uint64_t>(1, versions / which.versions)) {}

  // The safe point of each keyspace is another one, and all of them are between the same two
  // timestamps. So one of them does for filters that know one only.
  uint64_t SafePoint(uint64_t keyspace = 0) const { return case_.garbage == 0 ? 1 + keyspace : Timestamp(case_.garbage - 1) + 1 + keyspace; }

  void Register(const rocks_gc::Context& gc) const {
    std::vector<uint32_t> ids;
    std::vector<uint64_t> safe_points;
    for (uint32_t keyspace = 0; keyspace < case_.keyspaces; ++keyspace) {
      ids.push_back(1 + keyspace);
      safe_points.push_back(SafePoint(keyspace));
    }
    using rocks_gc::Functions;
    Check(gc.Call(&Functions::rgc_set_keyspace_gc_types, ids.data(), ids.size(), RGC_GC_KEYSPACE_LEVEL));
    Check(gc.Call(&Functions::rgc_advance_keyspace_safe_points, ids.data(), safe_points.data(), ids.size()));
  }

  void Write(const std::string& path, Inputs inputs) const {
    using namespace ROCKSDB_NAMESPACE;
    std::filesystem::remove_all(path);
    Options options = PlainOptions(inputs);
    if (inputs == Inputs::kCollector) Check(rocks_gc::Install(encoder_, RGC_KIND_RAW, &options, &options));
    const Open db(options, path);
    if (case_.place.over_older_data) {
      for (uint64_t row = 0; row < rows_; ++row) Put(db, inputs, row, kOlder);
      Check(db->Flush(FlushOptions()));
      CompactRangeOptions down;
      down.change_level = true;
      down.target_level = 6;
      Check(db->CompactRange(down, nullptr, nullptr));
    }
    const auto files = static_cast<uint64_t>(case_.place.files);
    for (uint64_t file = 0; file < files; ++file) {
      for (uint64_t row = 0; row < rows_; ++row) {
        for (uint64_t version = 0; version < case_.versions; ++version) {
          if (FileOf(row, version) == file) Put(db, inputs, row, Timestamp(version));
        }
      }
      Check(db->Flush(FlushOptions()));
    }
  }

  // Fails if a version that must stay is not there, or, after a mode that collects, if there is
  // garbage.
  void Verify(const Open& db, Inputs inputs, bool collects) const {
    const bool timestamps = inputs == Inputs::kUserTimestamps;
    const uint64_t stay = case_.versions - case_.garbage;
    ROCKSDB_NAMESPACE::ReadOptions options;
    if (timestamps) user_timestamps::ReadNewest(&options);
    const std::unique_ptr<ROCKSDB_NAMESPACE::Iterator> it(db->NewIterator(options));
    it->SeekToFirst();
    for (uint64_t row = 0; row < rows_; ++row) {
      for (uint64_t newer = 0; newer < (timestamps ? 1 : stay); ++newer) {
        const uint64_t ts = Timestamp(case_.versions - 1 - newer);
        const std::string key = Key(row, ts);
        const bool there = it->Valid() && (timestamps ? it->key() == RowOf(key) && user_timestamps::TimestampOf(*it) == ts
                                                      : it->key() == ROCKSDB_NAMESPACE::Slice(key));
        if (!there || it->value() != ROCKSDB_NAMESPACE::Slice(Value(ts))) {
          Fail("version " + std::to_string(ts) + " of row " + std::to_string(row) + " is lost or wrong");
        }
        it->Next();
      }
      const std::string any = Key(row, 0);
      while (it->Valid() && it->key().starts_with(RowOf(any))) it->Next();
    }
    Check(it->status());
    if (it->Valid()) Fail("a key is there that nobody wrote");
    // RocksDB's timestamps keep the newest version below the bound too.
    const uint64_t most = (stay + (timestamps ? 1 : 0)) * rows_;
    if (collects && case_.garbage > 0 && Entries(db) > most) Fail("garbage is left: " + std::to_string(Entries(db) - most) + " versions");
  }

 private:
  static constexpr uint64_t kSpacing = 1 << 14;  // More than there are keyspaces.
  static constexpr uint64_t kOlder = kSpacing;

  static uint64_t Timestamp(uint64_t version) { return (version + 2) * kSpacing; }

  // Newer versions are in newer files, as if they were written one after the other. (RocksDB logs
  // each user-defined timestamp that is older than that of an earlier write.) Short rows begin in
  // different files.
  uint64_t FileOf(uint64_t row, uint64_t version) const {
    const auto files = static_cast<uint64_t>(case_.place.files);
    return (version * files + row % files) / case_.versions;
  }

  std::string Key(uint64_t row, uint64_t ts) const {
    char user_key[32];
    std::snprintf(user_key, sizeof user_key, "user%012llu", static_cast<unsigned long long>(row));
    const auto keyspace = static_cast<uint32_t>(row * case_.keyspaces / rows_);
    return encoder_.EncodeKey(RGC_MODE_RAW, 1 + keyspace, user_key, ts);
  }

  static std::string Value(uint64_t ts) {
    std::string value = std::to_string(ts);
    value.resize(100, 'v');
    value.push_back('\0');  // No flags.
    return value;
  }

  void Put(const Open& db, Inputs inputs, uint64_t row, uint64_t ts) const {
    ROCKSDB_NAMESPACE::WriteOptions options;
    options.disableWAL = true;
    const std::string key = Key(row, ts), value = Value(ts);
    Check(inputs == Inputs::kUserTimestamps ? user_timestamps::Put(db, options, RowOf(key), ts, value)
                                            : db->Put(options, key, value));
  }

  static uint64_t Entries(const Open& db) {
    ROCKSDB_NAMESPACE::TablePropertiesCollection files;
    Check(db->GetPropertiesOfAllTables(&files));
    uint64_t entries = 0;
    for (const auto& [name, properties] : files) entries += properties->num_entries;
    return entries;
  }

  const rocks_gc::Context& encoder_;
  const Case case_;
  const uint64_t rows_;
};

#endif
