// remove_or_skip.cc - what it costs to collect versions: by removes, by skips from version to
// version, by skips to the row's end, by the choices of remove_mode=auto, and without a filter. It
// measures the user CPU time of the whole process, with the modes in a new order each round, and
// shows medians.
//
//   remove_or_skip LIBRARY FOLDER [VERSIONS] [ROUNDS]
//
// "by hand" is a filter written for this data (one keyspace, one safe point). It shows RocksDB's
// own cost.
#include <rocks_gc_rocksdb.h>
#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

using namespace ROCKSDB_NAMESPACE;

namespace {

constexpr uint64_t kSafePoint = 1u << 20;
constexpr size_t kTimestamp = 8;

void Check(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}
void Check(const std::string& error) { Check(error.empty() ? Status::OK() : Status::Aborted(error)); }

enum class Mode { kNoFilter, kKeep, kRemove, kVersion, kRow, kOurRemove, kOurSkip, kAuto };
const char* const kNames[] = {"no filter",           "by hand: keep all",  "by hand: remove",  "by hand: version",
                              "by hand: row's end", "remove_mode=remove", "remove_mode=skip", "remove_mode=auto"};

// Keeps the first version of each row and those above the safe point.
class ByHand : public CompactionFilter {
 public:
  explicit ByHand(Mode mode) : mode_(mode) {}
  const char* Name() const override { return "by hand"; }
  Decision FilterV2(int, const Slice& key, ValueType, const Slice&, std::string*, std::string* skip_until) const override {
    const Slice row(key.data(), key.size() - kTimestamp);
    const bool same = row == Slice(row_);
    if (!same) row_.assign(row.data(), row.size());
    if (!same || mode_ == Mode::kKeep || Timestamp(key) >= kSafePoint) return Decision::kKeep;
    if (mode_ == Mode::kRemove) return Decision::kRemove;
    *skip_until = row_;
    if (mode_ == Mode::kRow) {
      skip_until->append(kTimestamp, '\xff').push_back('\0');
    } else {
      Append(skip_until, Timestamp(key) - 1);
    }
    return Decision::kRemoveAndSkipUntil;
  }
  static uint64_t Timestamp(const Slice& key) {
    uint64_t ts = 0;
    for (size_t i = key.size() - kTimestamp; i < key.size(); ++i) ts = ts << 8 | static_cast<unsigned char>(key[i]);
    return ~ts;
  }
  static void Append(std::string* key, uint64_t ts) {
    for (int shift = 56; shift >= 0; shift -= 8) key->push_back(static_cast<char>(~ts >> shift));
  }

 private:
  const Mode mode_;
  mutable std::string row_;
};

class ByHandFactory : public CompactionFilterFactory {
 public:
  explicit ByHandFactory(Mode mode) : mode_(mode) {}
  const char* Name() const override { return "by hand"; }
  std::unique_ptr<CompactionFilter> CreateCompactionFilter(const CompactionFilter::Context&) override { return std::make_unique<ByHand>(mode_); }

 private:
  const Mode mode_;
};

struct Open {
  Open(const Options& options, const std::string& path) {
#if ROCKSDB_MAJOR >= 10
    std::unique_ptr<DB> opened;
    Check(DB::Open(options, path, &opened));
    db = std::move(opened);
#else
    DB* opened = nullptr;
    Check(DB::Open(options, path, &opened));
    db.reset(opened);
#endif
  }
  DB* operator->() const { return db.get(); }
  std::unique_ptr<DB> db;
};

Options Plain() {
  Options options;
  options.create_if_missing = true;
  options.disable_auto_compactions = true;
  options.level_compaction_dynamic_level_bytes = false;
  options.compression = kNoCompression;
  options.write_buffer_size = 512u << 20;
  options.max_subcompactions = 1;
  return options;
}

struct Shape {
  const char* name;
  int files;
  bool over_older_data;  // Level 0 into level 1 over level 6, then everything into level 6.
};
constexpr Shape kShapes[] = {{"11 L0 files -> L6", 11, false}, {"2 L0 files -> L6", 2, false}, {"6 L0 -> L1 over L6, then -> L6", 6, true}};

struct Rows {
  int versions;
  int garbage;
};
constexpr Rows kRows[] = {{5, 4}, {20, 15}, {100, 99}, {1000, 999}};

class Bench {
 public:
  Bench(const char* library, std::string folder, uint64_t versions, int rounds)
      : library_(rocks_gc::Library::Load(library)), gc_(NewContext(Mode::kAuto)), folder_(std::move(folder)), versions_(versions), rounds_(rounds) {}

  void Run(const Shape& shape, const Rows& rows) {
    const std::string data = folder_ + "/data", copy = folder_ + "/copy";
    Write(data, shape, rows);
    std::vector<std::vector<double>> times(std::size(kNames));
    std::vector<size_t> order(times.size());
    for (size_t mode = 0; mode < order.size(); ++mode) order[mode] = mode;
    for (int round = 0; round < rounds_; ++round) {
      // No mode always comes behind the same one, whose memory and caches it would take over.
      std::shuffle(order.begin(), order.end(), random_);
      for (const size_t mode : order) {
        Copy(data, copy);
        times[mode].push_back(Compact(copy, shape, static_cast<Mode>(mode)));
      }
    }
    std::printf("| %s | %d, %.1f %% |", shape.name, rows.versions, 100.0 * rows.garbage / rows.versions);
    const double base = Median(times[0]);
    for (size_t mode = 1; mode < times.size(); ++mode) std::printf(" %.2f |", Median(times[mode]) / base);
    std::printf("\n");
    std::fflush(stdout);
  }

 private:
  rocks_gc::Context NewContext(Mode mode) const {
    rocks_gc::Context gc = rocks_gc::Context::Create(library_, std::string(kNames[static_cast<size_t>(mode)]));
    if (!gc.ok()) Check(Status::InvalidArgument(gc.error()));
    Check(gc.Call(&rocks_gc::Functions::rgc_set_keyspace_gc_type, 1u, RGC_GC_KEYSPACE_LEVEL));
    Check(gc.Call(&rocks_gc::Functions::rgc_advance_keyspace_safe_point, 1u, kSafePoint));
    return gc;
  }

  std::string Key(uint64_t row, uint64_t ts) const {
    char user_key[32];
    std::snprintf(user_key, sizeof user_key, "user%012llu", static_cast<unsigned long long>(row));
    return gc_.EncodeKey(RGC_MODE_RAW, 1, user_key, ts);
  }

  // The versions are spread over the files. The newest is above the safe point, unless all but one
  // version are garbage.
  void Write(const std::string& path, const Shape& shape, const Rows& rows) const {
    std::filesystem::remove_all(path);
    const Open db(Plain(), path);
    const uint64_t row_count = versions_ / static_cast<uint64_t>(rows.versions);
    const std::string value = std::string(100, 'v') + '\0';
    WriteOptions options;
    options.disableWAL = true;
    if (shape.over_older_data) {
      for (uint64_t row = 0; row < row_count; ++row) Check(db->Put(options, Key(row, 1), value));
      Check(db->Flush(FlushOptions()));
      CompactRangeOptions down;
      down.change_level = true;
      down.target_level = 6;
      Check(db->CompactRange(down, nullptr, nullptr));
    }
    for (int file = 0; file < shape.files; ++file) {
      for (uint64_t row = 0; row < row_count; ++row) {
        for (int version = file; version < rows.versions; version += shape.files) {
          const bool garbage = version < rows.garbage;
          const uint64_t ts = static_cast<uint64_t>(version) + (garbage || rows.garbage + 1 == rows.versions ? 10 : kSafePoint);
          Check(db->Put(options, Key(row, ts), value));
        }
      }
      Check(db->Flush(FlushOptions()));
    }
  }

  static void Copy(const std::string& from, const std::string& to) {
    std::filesystem::remove_all(to);
    const Open db(Plain(), from);
    Checkpoint* checkpoint = nullptr;
    Check(Checkpoint::Create(db.db.get(), &checkpoint));
    const std::unique_ptr<Checkpoint> owned(checkpoint);
    Check(checkpoint->CreateCheckpoint(to));
  }

  double Compact(const std::string& path, const Shape& shape, Mode mode) const {
    Options options = Plain();
    rocks_gc::Context gc;
    if (mode >= Mode::kOurRemove) {
      gc = NewContext(mode);
      Check(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options));
    } else if (mode != Mode::kNoFilter) {
      options.compaction_filter_factory = std::make_shared<ByHandFactory>(mode);
    }
    const Open db(options, path);
    const double before = UserSeconds();
    if (shape.over_older_data) {
      LevelZeroIntoOne(db);
      CompactFilesOf(db, 1, 6);
    } else {
      CompactFilesOf(db, 0, 6);
    }
    return UserSeconds() - before;
  }

  // As RocksDB does it by itself, so that listeners see the inputs.
  static void LevelZeroIntoOne(const Open& db) {
    Check(db->SetOptions({{"level0_file_num_compaction_trigger", "2"}, {"disable_auto_compactions", "false"}}));
    std::string files;
    do {
      Env::Default()->SleepForMicroseconds(1000);
      db->GetProperty("rocksdb.num-files-at-level0", &files);
    } while (files != "0");
    Check(db->SetOptions({{"disable_auto_compactions", "true"}}));
  }

  static void CompactFilesOf(const Open& db, int from, int to) {
    ColumnFamilyMetaData metadata;
    db->GetColumnFamilyMetaData(&metadata);
    std::vector<std::string> files;
    for (const auto& file : metadata.levels[static_cast<size_t>(from)].files) files.push_back(file.name);
    Check(db->CompactFiles(CompactionOptions(), files, to));
  }

  static double UserSeconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
  }

  static double Median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }

  std::mt19937 random_{1};
  const rocks_gc::Library library_;
  const rocks_gc::Context gc_;
  const std::string folder_;
  const uint64_t versions_;
  const int rounds_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s LIBRARY FOLDER [VERSIONS] [ROUNDS]\n", argv[0]);
    return 2;
  }
  const uint64_t versions = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 320000;
  Bench bench(argv[1], argv[2], versions, argc > 4 ? std::atoi(argv[4]) : 7);
  std::printf("| inputs -> output | versions a row, garbage |");
  for (size_t mode = 1; mode < std::size(kNames); ++mode) std::printf(" %s |", kNames[mode]);
  std::printf("\n|---|---|");
  for (size_t mode = 1; mode < std::size(kNames); ++mode) std::printf("---|");
  std::printf("\n");
  for (const Shape& shape : kShapes) {
    for (const Rows& rows : kRows) bench.Run(shape, rows);
  }
}
