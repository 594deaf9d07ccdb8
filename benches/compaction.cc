// compaction.cc - what garbage collection costs a compaction: user CPU time of the whole process,
// against the same compaction without a filter. The modes come in a new order each round. The table
// shows medians. The CSV file has every figure, and chart.py draws it. The bench fails if a version
// that must stay is lost, or if garbage is left.
//
//   compaction LIBRARY FOLDER [--versions N] [--rounds N] [--only TEXT] [--csv FILE]
//
// --only measures the cases whose name holds this text.
#include <rocks_gc_rocksdb_c.h>
#include <rocksdb/utilities/checkpoint.h>

#include <random>
#include <set>

#include "by_hand_filter.h"
#include "compaction_data.h"
#include "compaction_goals.h"

using namespace ROCKSDB_NAMESPACE;

namespace {

enum class Collects { kNothing, kProperties, kByHand, kFullHistoryTsLow, kThroughCApi, kThroughAdaptor };

struct Mode {
  const char* name;
  Inputs inputs;
  Collects collects;
  ByHand by_hand = ByHand::kKeep;
  const char* options = "";
};
constexpr Mode kModes[] = {
    {"no filter", Inputs::kCollector, Collects::kNothing},
    {"no filter, properties", Inputs::kCollector, Collects::kProperties},
    {"by hand: keep all", Inputs::kCollector, Collects::kByHand, ByHand::kKeep},
    {"by hand: remove", Inputs::kCollector, Collects::kByHand, ByHand::kRemove},
    {"by hand: version", Inputs::kCollector, Collects::kByHand, ByHand::kSkipVersion},
    {"by hand: row's end", Inputs::kCollector, Collects::kByHand, ByHand::kSkipRow},
    {"user-defined timestamps", Inputs::kUserTimestamps, Collects::kFullHistoryTsLow},
    {"C API", Inputs::kCollector, Collects::kThroughCApi},
    {"C++: remove", Inputs::kCollector, Collects::kThroughAdaptor, ByHand::kKeep, "remove_mode=remove"},
    {"C++: skip", Inputs::kCollector, Collects::kThroughAdaptor, ByHand::kKeep, "remove_mode=skip"},
    {"C++: auto", Inputs::kCollector, Collects::kThroughAdaptor, ByHand::kKeep, "remove_mode=auto"},
    {"C++: auto, no properties", Inputs::kPlain, Collects::kThroughAdaptor, ByHand::kKeep, "remove_mode=auto"},
};

constexpr Place kPlaces[] = {{"11 L0 files -> L6", 11, false}, {"2 L0 files -> L6", 2, false}, {"6 L0 -> L1 over L6, then -> L6", 6, true}};
constexpr uint32_t kKeyspaces[] = {16, 10000};
// Percent of garbage, as near as a row of so many versions comes: its newest one always stays.
struct Rows {
  uint64_t versions;
  std::vector<uint64_t> garbage;
};
const Rows kRows[] = {{5, {0, 4}}, {20, {0, 15, 19}}, {100, {0, 75, 95}}, {1000, {0, 750, 950}}};

// Properties can spare a filter only if there is nothing to collect.
bool IsMeasured(const Mode& mode, const Case& which) {
  if (mode.inputs == Inputs::kPlain) return which.garbage == 0;
  return mode.inputs != Inputs::kUserTimestamps || kHasUserTimestamps;
}

// The factory that a host of RocksDB's C API gets.
std::shared_ptr<CompactionFilterFactory> FactoryOfCApi(const rocks_gc::Context& gc) {
  rgc_symbol_t symbols[RGC_ROCKSDB_SYMBOLS];
  Check(gc.Call(&rocks_gc::Functions::rgc_bind_rocksdb_symbols, symbols, rgc_rocksdb_symbols(symbols)));
  char* error = nullptr;
  rocksdb_compactionfilterfactory_t* factory = gc->rgc_rocksdb_filter_factory(gc.get(), RGC_KIND_RAW, &error);
  if (error != nullptr) Fail(error);
  rocksdb_options_t* options = rocksdb_options_create();
  rocksdb_options_set_compaction_filter_factory(options, factory);
  // The C API has no CompactFiles. Its options are RocksDB's own ones.
  std::shared_ptr<CompactionFilterFactory> shared = reinterpret_cast<Options*>(options)->compaction_filter_factory;
  rocksdb_options_destroy(options);
  return shared;
}

class Bench {
 public:
  explicit Bench(const Arguments& arguments)
      : library_(rocks_gc::Library::Load(arguments.library.c_str())),
        encoder_(Create("")),
        folder_(arguments.folder),
        versions_(arguments.Number("versions")),
        rounds_(arguments.Number("rounds")),
        csv_(arguments.Text("csv").empty() ? nullptr : std::fopen(arguments.Text("csv").c_str(), "w")) {
    if (csv_ == nullptr && !arguments.Text("csv").empty()) Fail("no file " + arguments.Text("csv"));
    std::string names, line;
    for (const Mode& mode : kModes) names += std::string(" ") + mode.name + " |", line += "---|";
    std::printf("RocksDB %s: user CPU time against no filter, whose seconds the column shows\n\n", RocksDbVersion().c_str());
    std::printf("| inputs -> output | keyspaces | versions a row, garbage |%s\n|---|---|---|%s\n", names.c_str(), line.c_str());
    if (csv_ != nullptr) std::fprintf(csv_, "rocksdb,place,keyspaces,versions,garbage_percent,mode,round,cpu_seconds\n");
  }
  ~Bench() {
    if (csv_ != nullptr) std::fclose(csv_);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void Run(const Case& which) {
    const Data data(encoder_, which, versions_);
    std::vector<const Mode*> modes;
    for (const Mode& mode : kModes) {
      if (IsMeasured(mode, which)) modes.push_back(&mode);
    }
    std::set<Inputs> inputs;
    for (const Mode* mode : modes) {
      if (inputs.insert(mode->inputs).second) data.Write(Path(mode->inputs), mode->inputs);
    }
    std::map<const Mode*, std::vector<double>> times;
    const double percent = 100.0 * static_cast<double>(which.garbage) / static_cast<double>(which.versions);
    for (uint64_t round = 0; round < rounds_; ++round) {
      // No mode always comes behind the same one, whose memory and caches it would take over.
      std::shuffle(modes.begin(), modes.end(), random_);
      for (const Mode* mode : modes) {
        const double seconds = Compact(data, which, *mode);
        times[mode].push_back(seconds);
        if (csv_ == nullptr) continue;
        std::fprintf(csv_, "%s,\"%s\",%u,%llu,%.1f,\"%s\",%llu,%.6f\n", RocksDbVersion().c_str(), which.place.name, which.keyspaces,
                     static_cast<unsigned long long>(which.versions), percent, mode->name, static_cast<unsigned long long>(round), seconds);
        std::fflush(csv_);
      }
    }
    for (const Inputs written : inputs) std::filesystem::remove_all(Path(written));
    std::printf("| %s | %u | %llu, %.0f %% |", which.place.name, which.keyspaces, static_cast<unsigned long long>(which.versions), percent);
    Medians medians;
    for (const Mode* mode : modes) medians[mode->name] = Percentile(times[mode], 50);
    const double base = medians.at(kModes[0].name);
    for (const Mode& mode : kModes) {
      const auto median = medians.find(mode.name);
      if (&mode == &kModes[0]) {
        std::printf(" %.2f s |", base);
      } else if (median != medians.end()) {
        std::printf(" %.2f |", median->second / base);
      } else {
        std::printf(" |");
      }
    }
    goals_.Add(which, medians);
    std::printf("\n");
    std::fflush(stdout);
  }

  void PrintGoals() const { goals_.Print(); }

 private:
  rocks_gc::Context Create(const std::string& options) const {
    rocks_gc::Context gc = rocks_gc::Context::Create(library_, options);
    Check(gc.error());
    return gc;
  }

  std::string Path(Inputs inputs) const { return folder_ + "/inputs" + std::to_string(static_cast<int>(inputs)); }

  double Compact(const Data& data, const Case& which, const Mode& mode) const {
    const std::string path = folder_ + "/copy";
    Copy(Path(mode.inputs), path, mode.inputs);
    Options options = PlainOptions(mode.inputs);
    const rocks_gc::Context gc = Create(mode.options);
    data.Register(gc);
    if (mode.collects == Collects::kByHand) {
      options.compaction_filter_factory = std::make_shared<ByHandFactory>(mode.by_hand, data.SafePoint());
    } else if (mode.collects == Collects::kThroughCApi) {
      options.compaction_filter_factory = FactoryOfCApi(gc);
    } else if (mode.collects == Collects::kThroughAdaptor || mode.collects == Collects::kProperties) {
      Check(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options));
      if (mode.collects == Collects::kProperties) options.compaction_filter_factory.reset();
    }
    const Open db(options, path);
    if (mode.collects == Collects::kFullHistoryTsLow) user_timestamps::IncreaseFullHistoryTsLow(db, data.SafePoint());
    const double before = CpuTimeSoFar().user;
    if (which.place.over_older_data) {
      LevelZeroIntoOne(db);
      CompactFilesOf(db, 1, 6);
    } else {
      CompactFilesOf(db, 0, 6);
    }
    const double took = CpuTimeSoFar().user - before;
    const bool keeps = mode.collects == Collects::kByHand && mode.by_hand == ByHand::kKeep;
    const bool filters = mode.collects != Collects::kNothing && mode.collects != Collects::kProperties;
    data.Verify(db, mode.inputs, filters && !keeps);
    return took;
  }

  static void Copy(const std::string& from, const std::string& to, Inputs inputs) {
    std::filesystem::remove_all(to);
    const Open db(PlainOptions(inputs), from);
    Checkpoint* checkpoint = nullptr;
    Check(Checkpoint::Create(db.db.get(), &checkpoint));
    const std::unique_ptr<Checkpoint> owned(checkpoint);
    Check(checkpoint->CreateCheckpoint(to));
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

  std::mt19937 random_{1};
  const rocks_gc::Library library_;
  const rocks_gc::Context encoder_;
  const std::string folder_;
  const uint64_t versions_, rounds_;
  std::FILE* const csv_;
  Goals goals_;
};

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {{"versions", "3500000"}, {"rounds", "5"}, {"only", ""}, {"csv", ""}});
  Bench bench(arguments);
  for (const uint32_t keyspaces : kKeyspaces) {
    for (const Place& place : kPlaces) {
      for (const Rows& rows : kRows) {
        for (const uint64_t garbage : rows.garbage) {
          const std::string name = std::string(place.name) + ", " + std::to_string(keyspaces) + " keyspaces, " + std::to_string(rows.versions) +
                                   " versions, " + std::to_string(garbage) + " garbage";
          if (name.find(arguments.Text("only")) != std::string::npos) bench.Run({place, keyspaces, rows.versions, garbage});
        }
      }
    }
  }
  bench.PrintGoals();
}
