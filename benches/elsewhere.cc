// elsewhere.cc - what calls cost beside much other data: records of the ledger, table files,
// tenants. Each row of the table compares the same work beside one of them and beside many. The
// bench fails if a call did not do its work.
//
//   elsewhere LIBRARY FOLDER [MANY [RECORDS]]
#include "destroy.h"

#include <malloc.h>
#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

namespace {

using rocks_gc::Functions;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr int kCalls = 201;
constexpr int kCompactions = 9;
constexpr uint32_t kTenant = 1;
constexpr auto kIdle = std::chrono::seconds(3);

double CpuMilliseconds() { return CpuTimeSoFar().All() * 1e3; }

double Timed(const std::function<void()>& call) {
  const auto begun = std::chrono::steady_clock::now();
  call();
  return Milliseconds(std::chrono::steady_clock::now() - begun).count();
}

// The median of some calls.
double Median(const std::function<void(int)>& call) {
  std::vector<double> all;
  for (int i = 0; i < kCalls; ++i) all.push_back(Timed([&] { call(i); }));
  std::sort(all.begin(), all.end());
  return all[kCalls / 2];
}

struct Costs {
  double attach = 0;         // rgc_attach_engine
  double attach_bytes = 0;   // memory that it keeps
  double recheck = 0;        // rgc_recheck_destroyed, of all records
  double empty_destroy = 0;  // rgc_destroy_range where no key is
  double dead_row = 0;       // from the end of the run that handed it over to the end of its deletion
  double idle = 0;           // CPU of the whole process in 3 seconds without work
  double compaction = 0;     // of 200,000 versions, none of them of what is destroyed
};

class Store {
 public:
  Store(const char* library, const std::string& path)
      : gc_(rocks_gc::Context::Create(rocks_gc::Library::Load(library))), options_(Options(path)) {
    Check(gc_.error());
    Check(gc_.Call(&Functions::rgc_set_keyspace_gc_type, kTenant, RGC_GC_KEYSPACE_LEVEL));
    Check(gc_.Call(&Functions::rgc_advance_keyspace_safe_point, kTenant, uint64_t{100}));
    Check(rocks_gc::Install(gc_, RGC_KIND_RAW, &options_, &options_));
    db_ = std::make_unique<Open>(options_, path);
    // With a family of its own for the ledger, its records are not among the keys that are compacted.
    Check((*db_)->CreateColumnFamily(ColumnFamilyOptions(), "ledger", &ledger_));
    Attach();
  }

  ~Store() {
    Check(attachment_.Detach());
    Check((*db_)->DestroyColumnFamilyHandle(ledger_));
  }

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  void Attach() {
    Check(rocks_gc::Attachment::Make(gc_, db_->db.get(), {{RGC_CF_DEFAULT, nullptr}, {RGC_CF_LEDGER, ledger_}}, &attachment_));
  }

  // Records of other tenants: two each.
  void DestroyTenants(size_t records) {
    std::vector<uint32_t> tenants(records / 2);
    std::iota(tenants.begin(), tenants.end(), kTenant + 1);
    Check(gc_.Call(&Functions::rgc_destroy_keyspaces, tenants.data(), tenants.size(), 0, nullptr, nullptr));
  }

  // Files with a key each, of other keyspaces, in the last level.
  void Files(const std::string& folder, size_t n) {
    std::vector<std::string> files;
    for (size_t i = 0; i < n; ++i) {
      SstFileWriter writer(EnvOptions(), options_);
      files.push_back(folder + "/" + Name("file", i));
      Check(writer.Open(files.back()));
      Check(writer.Put(gc_.EncodeKey(RGC_MODE_RAW, kTenant + 2, Name("file", i), 1), "v"));
      Check(writer.Finish());
    }
    IngestExternalFileOptions move;
    move.move_files = true;
    if (n != 0) Check((*db_)->IngestExternalFile(files, move));
  }

  void Tenants(uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) {
      Check(gc_.Call(&Functions::rgc_set_keyspace_gc_type, kTenant + 10 + i, RGC_GC_KEYSPACE_LEVEL));
      Check(gc_.Call(&Functions::rgc_advance_keyspace_safe_point, kTenant + 10 + i, uint64_t{50}));
    }
  }

  Costs Measure() {
    Costs costs;
    // The first destroy makes a memtable of the ledger's, and is not the median.
    costs.empty_destroy = Median([&](int i) { Destroy(Bound(kTenant, Name("empty", i)), Bound(kTenant, Name("empty", i) + "z")); });
    costs.dead_row = DeadRow();
    costs.compaction = Compaction();
    const double before = CpuMilliseconds();
    std::this_thread::sleep_for(kIdle);
    costs.idle = CpuMilliseconds() - before;
    Check(attachment_.Detach());
    const size_t bytes = mallinfo2().uordblks;
    costs.attach = Timed([&] { Attach(); });
    costs.attach_bytes = static_cast<double>(mallinfo2().uordblks) - static_cast<double>(bytes);
    const uint64_t later = static_cast<uint64_t>(std::time(nullptr)) + 1000000;
    costs.recheck = Timed([&] { Check(gc_.Call(&Functions::rgc_recheck_destroyed, later, nullptr)); });
    return costs;
  }

 private:
  static rocksdb::Options Options(const std::string&) {
    rocksdb::Options options = Leveled();
    options.max_open_files = 1000;
    options.disable_auto_compactions = true;
    return options;
  }

  static std::string Name(const char* name, size_t i) {
    char text[40];
    std::snprintf(text, sizeof(text), "%s%08zu", name, i);
    return text;
  }

  // A bound without a timestamp.
  std::string Bound(uint32_t keyspace, const std::string& user_key) {
    const std::string key = gc_.EncodeKey(RGC_MODE_RAW, keyspace, user_key, 0);
    return key.substr(0, key.size() - sizeof(uint64_t));
  }

  void Destroy(const std::string& start, const std::string& end) {
    Check(gc_.Call(&Functions::rgc_destroy_range, start.data(), start.size(), end.data(), end.size(), 0, nullptr));
  }

  void CompactTenant() {
    CompactRangeOptions force;
    force.bottommost_level_compaction = BottommostLevelCompaction::kForceOptimized;
    const std::string first = gc_.EncodeKey(RGC_MODE_RAW, kTenant, "row", UINT64_MAX), last = gc_.EncodeKey(RGC_MODE_RAW, kTenant, "rox", 0);
    const Slice start = first, end = last;
    Check((*db_)->Flush(FlushOptions()));
    Check((*db_)->CompactRange(force, &start, &end));
  }

  double DeadRow() {
    const std::string mark = gc_.EncodeKey(RGC_MODE_RAW, kTenant, "row", 50);
    Check((*db_)->Put(WriteOptions(), mark, std::string("\2")));
    CompactTenant();
    const double took = Timed([&] { Check(gc_.Call(&Functions::rgc_worker_drain, uint64_t{600000})); });
    std::string value;
    if (!(*db_)->Get(ReadOptions(), mark, &value).IsNotFound()) Fail("the dead row is there");
    return took;
  }

  double Compaction() {
    for (size_t i = 0; i < 50000; ++i) {
      for (const uint64_t ts : {101, 102, 103, 104}) {
        Check((*db_)->Put(WriteOptions(), gc_.EncodeKey(RGC_MODE_RAW, kTenant, Name("row", i), ts), std::string("value\0", 6)));
      }
    }
    CompactTenant();
    // Other work of the machine makes some of them slower, and none of them faster.
    double least = 0;
    for (int i = 0; i < kCompactions; ++i) {
      const double before = CpuMilliseconds();
      CompactTenant();
      const double took = CpuMilliseconds() - before;
      if (i == 0 || took < least) least = took;
    }
    return least;
  }

  rocks_gc::Context gc_;
  rocksdb::Options options_;
  std::unique_ptr<Open> db_;
  ColumnFamilyHandle* ledger_ = nullptr;
  rocks_gc::Attachment attachment_;
};

void Print(const char* what, size_t n, const Costs& costs) {
  std::printf("| %s | %zu | %.2f | %.0f | %.2f | %.2f | %.2f | %.0f | %.0f |\n", what, n, costs.attach, costs.attach_bytes / 1024,
              costs.recheck, costs.empty_destroy, costs.dead_row, costs.compaction, costs.idle);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) Fail("usage: elsewhere LIBRARY FOLDER [MANY [RECORDS]]");
  const std::string folder = argv[2];
  const size_t many = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 10000;
  const size_t records = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 100000;
  std::printf("| elsewhere | of them | attach, ms | attach, KiB | recheck, ms | empty destroy, ms | dead row, ms | compaction, CPU ms | 3 s idle, CPU ms |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
  struct Kind {
    const char* what;
    size_t many;
    std::function<void(Store*, size_t)> fill;
  };
  const Kind kinds[] = {
      {"records in the ledger", records, [](Store* store, size_t n) { store->DestroyTenants(n); }},
      {"table files", many, [&](Store* store, size_t n) { store->Files(folder, n); }},
      {"tenants", many, [](Store* store, size_t n) { store->Tenants(static_cast<uint32_t>(n)); }},
  };
  for (const auto& [what, most, fill] : kinds) {
    for (const size_t n : {size_t{2}, most}) {
      const std::string path = folder + "/db";
      std::filesystem::remove_all(path);
      Store store(argv[1], path);
      fill(&store, n);
      Print(what, n, store.Measure());
    }
  }
  std::filesystem::remove_all(folder + "/db");
}
