// destroy.cc - what destroying a range costs: rgc_destroy_range against what hosts do by hand. The
// range holds 100 MiB or 1 GiB of RawKV rows in files of the same size, with a tenth of that on
// either side. Each method works on its own copy of one DB, for several rounds, in a new order each
// round.
//
//   destroy LIBRARY FOLDER [ROUNDS] [VALUE BYTES] [MIB ...]
//
// "files, keys" is TiKV's method: DeleteFilesInRange, then a point tombstone for every remaining
// key. The bench fails if a key of the range is visible afterwards, or a key outside is not.
#include "destroy.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <random>

using namespace ROCKSDB_NAMESPACE;

namespace {

enum class Method { kDestroy, kFilesAndKeys, kKeys, kDeleteRange };
const char* const kNames[] = {"rgc_destroy_range", "files, keys", "keys", "DeleteRange"};

// As TiKV has it.
constexpr size_t kDeletesABatch = 256;

struct Result {
  Cost call;   // The call.
  Cost later;  // What it then takes to get the space back: the debt, or a compaction of the range.
  double scan_ms = 0;
  Files before, after;
  rgc_destroy_report_t report{};
};

class Bench {
 public:
  Bench(const char* library, std::string folder, int rounds, uint64_t value_bytes)
      : library_(rocks_gc::Library::Load(library)), folder_(std::move(folder)), rounds_(rounds), value_bytes_(value_bytes) {}

  // The median round of each method, by the time of the call.
  std::vector<Result> Run(uint64_t mib) {
    const Data data(Context(), mib, value_bytes_);
    std::filesystem::remove_all(folder_ + "/data");
    data.Write(folder_ + "/data");
    std::vector<std::vector<Result>> results(std::size(kNames));
    std::vector<size_t> order = {0, 1, 2, 3};
    for (int round = 0; round < rounds_; ++round) {
      std::shuffle(order.begin(), order.end(), random_);
      for (const size_t method : order) results[method].push_back(Measure(data, static_cast<Method>(method)));
    }
    for (const char* name : {"/data", "/copy"}) std::filesystem::remove_all(folder_ + name);
    std::vector<Result> medians;
    for (auto& all : results) {
      std::sort(all.begin(), all.end(), [](const Result& a, const Result& b) { return a.call.wall_ms < b.call.wall_ms; });
      medians.push_back(all[all.size() / 2]);
    }
    return medians;
  }

 private:
  rocks_gc::Context Context() const {
    rocks_gc::Context gc = rocks_gc::Context::Create(library_, "data_prefix=z");
    if (!gc.ok()) Fail(gc.error());
    return gc;
  }

  // All methods have the same set-up. Only rgc_destroy_range has filters; without a safe point and
  // a record RocksDB runs none.
  Result Measure(const Data& data, Method method) const {
    const std::string path = folder_ + "/copy";
    // Not by hard links: what it takes to free a file's space is to be measured too.
    std::filesystem::remove_all(path);
    std::filesystem::copy(folder_ + "/data", path);
    const rocks_gc::Context gc = Context();
    Options options = Leveled();
    options.statistics = CreateDBStatistics();
    if (method == Method::kDestroy) Check(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options));
    const Open db(options, path);
    if (method == Method::kDestroy) Check(rocks_gc::Attach(gc, db.db.get(), {{RGC_CF_DEFAULT, nullptr}}));
    data.WriteSome(db, 2);  // In the memtable.

    Result result;
    result.before = FilesOf(db, data.hole);
    const uint64_t outside = data.CountOutside(db);
    {
      const Watch watch(options, &result.call);
      Destroy(db, gc, data.hole, method, &result.report);
    }
    result.after = FilesOf(db, data.hole);
    result.scan_ms = data.ScanHole(db);
    {
      const Watch watch(options, &result.later);
      if (method == Method::kDestroy) Check(gc.Call(&rocks_gc::Functions::rgc_worker_drain, uint64_t{600000}));
    }
    if (method != Method::kDestroy) {
      const Watch watch(options, &result.later);
      CompactRangeOptions down;
      down.bottommost_level_compaction = BottommostLevelCompaction::kSkip;
      const Slice start = data.hole.first, end = data.hole.second;
      Check(db->CompactRange(down, &start, &end));
    }
    if (data.CountOutside(db) != outside) Fail(std::string("not every key outside is left: ") + kNames[static_cast<size_t>(method)]);
    if (method == Method::kDestroy && gc->rgc_detach(gc.get()) == 0) Fail("rgc_detach was refused");
    Check(db->Close());
    return result;
  }

  static void Destroy(const Open& db, const rocks_gc::Context& gc, const KeyRange& hole, Method method, rgc_destroy_report_t* report) {
    const Slice start = hole.first, end = hole.second;
    switch (method) {
      case Method::kDestroy:
        report->struct_size = sizeof *report;
        Check(gc.Call(&rocks_gc::Functions::rgc_destroy_range, start.data(), start.size(), end.data(), end.size(), 0, report));
        return;
      case Method::kFilesAndKeys:
        Check(DeleteFilesInRange(db.db.get(), db->DefaultColumnFamily(), &start, &end, false));
        return DeleteKeys(db, hole);
      case Method::kKeys:
        return DeleteKeys(db, hole);
      case Method::kDeleteRange:
        Check(db->DeleteRange(WriteOptions(), db->DefaultColumnFamily(), start, end));
        Check(db->FlushWAL(true));
    }
  }

  static void DeleteKeys(const Open& db, const KeyRange& hole) {
    const Slice end = hole.second;
    ReadOptions options;
    options.iterate_upper_bound = &end;
    options.fill_cache = false;
    const std::unique_ptr<Iterator> it(db->NewIterator(options));
    WriteBatch batch;
    const auto write = [&] {
      Check(db->Write(WriteOptions(), &batch));
      batch.Clear();
    };
    for (it->Seek(hole.first); it->Valid(); it->Next()) {
      Check(batch.Delete(it->key()));
      if (batch.Count() == kDeletesABatch) write();
    }
    Check(it->status());
    write();
    Check(db->FlushWAL(true));
  }

  std::mt19937 random_{1};
  const rocks_gc::Library library_;
  const std::string folder_;
  const int rounds_;
  const uint64_t value_bytes_;
};

double Mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }
double Ms(uint64_t microseconds) { return static_cast<double>(microseconds) / 1e3; }
double MsAFile(const Result& r) { return r.call.wall_ms / static_cast<double>(std::max<uint64_t>(r.report.files_dropped, 1)); }

void PrintMethods(uint64_t mib, const std::vector<Result>& results) {
  for (size_t method = 0; method < results.size(); ++method) {
    const Result& r = results[method];
    std::printf("| %" PRIu64 " MiB | %s | %.0f | %.0f | %.0f: %s | %.1f | %.1f | %.1f | %.0f | %.1f |\n", mib, kNames[method],
                r.call.wall_ms, r.call.cpu_ms, Mib(r.after.bytes), r.after.Levels().c_str(), Mib(r.after.bytes_within), r.scan_ms,
                Mib(r.call.written), r.call.wall_ms + r.later.wall_ms, Mib(r.call.written + r.later.written));
  }
  std::fflush(stdout);
}

void PrintPhases(uint64_t mib, const Result& r) {
  const auto& report = r.report;
  std::printf("| %" PRIu64 " MiB | %.0f: %s | %" PRIu64 ", %.0f | %" PRIu64 " | %" PRIu64 " | %.0f | %.0f | %.0f | %.1f |\n", mib,
              Mib(r.before.bytes), r.before.Levels().c_str(), report.files_dropped, Mib(report.file_bytes_dropped), report.keys_deleted,
              report.range_tombstones, Ms(report.files_microseconds), Ms(report.keys_microseconds), Ms(report.compact_microseconds),
              MsAFile(r));
}

void PrintGoal(bool met, const std::string& what, double measured, double limit) {
  std::printf("- %s: %.2f, goal %.1f: %s\n", what.c_str(), measured, limit, met ? "met" : "NOT MET");
}

void PrintGoals(const std::vector<uint64_t>& sizes, const std::vector<std::vector<Result>>& results) {
  const auto &first = results.front(), &last = results.back();
  const std::string large = std::to_string(sizes.back()) + " MiB";
  const Result &ours = last[0], &keys = last[2];
  const double growth = MsAFile(ours) / MsAFile(first[0]), times = keys.call.wall_ms / ours.call.wall_ms;
  if (sizes.size() > 1) {
    PrintGoal(growth <= 1.5, "time per file, " + large + " against " + std::to_string(sizes.front()) + " MiB", growth, 1.5);
  }
  PrintGoal(times >= 10, "times faster than key by key, " + large, times, 10);
  for (size_t i = 0; i < sizes.size(); ++i) {
    const double files = static_cast<double>(results[i][0].after.MostBelowZero());
    PrintGoal(files <= 2, "most files of the range in a level below 0 at return, " + std::to_string(sizes[i]) + " MiB", files, 2);
  }
  std::printf("- not a goal: %.2f times faster with the debt than key by key with a CompactRange, %.2f times less CPU than key by key\n",
              (keys.call.wall_ms + keys.later.wall_ms) / (ours.call.wall_ms + ours.later.wall_ms), keys.call.cpu_ms / ours.call.cpu_ms);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s LIBRARY FOLDER [ROUNDS] [VALUE BYTES] [MIB ...]\n", argv[0]);
    return 2;
  }
  const int value_bytes = argc > 4 ? std::clamp(std::atoi(argv[4]), 16, 65536) : 1024;
  Bench bench(argv[1], argv[2], argc > 3 ? std::max(1, std::atoi(argv[3])) : 5, static_cast<uint64_t>(value_bytes));
  std::vector<uint64_t> sizes;
  for (int i = 5; i < argc; ++i) sizes.push_back(std::max<uint64_t>(1, std::strtoull(argv[i], nullptr, 10)));
  if (sizes.empty()) sizes = {100, 1024};
  std::printf("\nvalues of %d bytes\n\n", value_bytes);
  std::printf("| range | method | call, ms | CPU, ms | its files at return, MiB | of it in them, MiB | first scan, ms | written, MiB |"
              " with debt or CompactRange, ms | written, MiB |\n|---|---|---|---|---|---|---|---|---|---|\n");
  std::vector<std::vector<Result>> results;
  for (const uint64_t mib : sizes) {
    results.push_back(bench.Run(mib));
    PrintMethods(mib, results.back());
  }
  std::printf("\n| rgc_destroy_range | its files before, MiB | files dropped, MiB | keys deleted | range tombstones | files, ms |"
              " keys, ms | compact, ms | call, ms a file |\n|---|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizes.size(); ++i) PrintPhases(sizes[i], results[i][0]);
  std::printf("\n");
  PrintGoals(sizes, results);
}
