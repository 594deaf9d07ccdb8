// latency.cc - what writers notice of a destroy: the latency of puts alone, during the call of
// rgc_destroy_range, while its debt is paid, and while a host does the same work by hand. The range
// holds so many MiB of RawKV rows, with a tenth of that on either side, where the writer writes.
//
//   latency LIBRARY FOLDER [ROUNDS] [MIB]
#include "destroy.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

namespace {

using rocks_gc::Functions;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr auto kAlone = std::chrono::seconds(2);
constexpr auto kBetweenPuts = std::chrono::microseconds(100);

// Puts of a writer that is not as fast as it can be, in one phase.
class Writer {
 public:
  Writer(const Open& db, const rocks_gc::Context& gc) : db_(db), gc_(gc) {}

  // Writes while `work` is done.
  void While(const std::function<void()>& work, std::vector<double>* latencies) {
    std::atomic<bool> is_done{false};
    std::thread writer([&] {
      while (!is_done) {
        const std::string key = gc_.EncodeKey(RGC_MODE_RAW, 1, "outside" + std::to_string(next_ % 100000), 1000 + next_);
        ++next_;
        const auto begun = std::chrono::steady_clock::now();
        Check(db_->Put(WriteOptions(), key, value_));
        latencies->push_back(Microseconds(std::chrono::steady_clock::now() - begun).count());
        std::this_thread::sleep_for(kBetweenPuts);
      }
    });
    work();
    is_done = true;
    writer.join();
  }

 private:
  const Open& db_;
  const rocks_gc::Context& gc_;
  const std::string value_ = std::string(100, 'v') + '\0';
  uint64_t next_ = 0;
};

enum class Method { kDestroy, kFilesAndKeys, kKeys };

struct Phase {
  const char* name;
  std::vector<double> latencies;
};

void DeleteKeys(const Open& db, const KeyRange& hole) {
  const Slice end = hole.second;
  ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<Iterator> it(db->NewIterator(options));
  WriteBatch batch;
  for (it->Seek(hole.first); it->Valid(); it->Next()) {
    Check(batch.Delete(it->key()));
    if (batch.Count() < 256) continue;
    Check(db->Write(WriteOptions(), &batch));
    batch.Clear();
  }
  Check(it->status());
  Check(db->Write(WriteOptions(), &batch));
}

void Measure(const rocks_gc::Library& library, const std::string& folder, const Data& data, Method method, std::vector<Phase>* phases) {
  const std::string path = folder + "/copy";
  std::filesystem::remove_all(path);
  std::filesystem::copy(folder + "/data", path);
  const rocks_gc::Context gc = rocks_gc::Context::Create(library, "data_prefix=z");
  Check(gc.error());
  Options options = Leveled();
  if (method == Method::kDestroy) Check(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options));
  const Open db(options, path);
  if (method == Method::kDestroy) Check(rocks_gc::Attach(gc, db.db.get(), {{RGC_CF_DEFAULT, nullptr}}));
  data.WriteSome(db, 2);
  Writer writer(db, gc);
  const Slice start = data.hole.first, end = data.hole.second;
  writer.While([] { std::this_thread::sleep_for(kAlone); }, &(*phases)[0].latencies);
  if (method == Method::kFilesAndKeys) {
    writer.While(
        [&] {
          Check(DeleteFilesInRange(db.db.get(), db->DefaultColumnFamily(), &start, &end, false));
          DeleteKeys(db, data.hole);
        },
        &(*phases)[3].latencies);
    writer.While([&] { Check(db->CompactRange(CompactRangeOptions(), &start, &end)); }, &(*phases)[4].latencies);
  } else if (method == Method::kKeys) {
    writer.While([&] { DeleteKeys(db, data.hole); }, &(*phases)[5].latencies);
  } else {
    const auto destroy = &Functions::rgc_destroy_range;
    writer.While([&] { Check(gc.Call(destroy, start.data(), start.size(), end.data(), end.size(), 0, nullptr)); }, &(*phases)[1].latencies);
    writer.While([&] { Check(gc.Call(&Functions::rgc_worker_drain, uint64_t{600000})); }, &(*phases)[2].latencies);
    if (gc->rgc_detach(gc.get()) == 0) Fail("rgc_detach was refused");
  }
  Check(db->Close());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) Fail("usage: latency LIBRARY FOLDER [ROUNDS] [MIB]");
  const int rounds = argc > 3 ? std::max(1, std::atoi(argv[3])) : 5;
  const uint64_t mib = argc > 4 ? std::max(1, std::atoi(argv[4])) : 1024;
  const rocks_gc::Library library = rocks_gc::Library::Load(argv[1]);
  const std::string folder = argv[2];
  const Data data(rocks_gc::Context::Create(library, "data_prefix=z"), mib, 1024);
  std::filesystem::remove_all(folder + "/data");
  data.Write(folder + "/data");
  std::vector<Phase> phases = {{"alone", {}},
                               {"rgc_destroy_range", {}},
                               {"its debt", {}},
                               {"DeleteFilesInRange, then key by key", {}},
                               {"CompactRange behind it", {}},
                               {"scan and delete, key by key", {}}};
  for (int round = 0; round < rounds; ++round) {
    for (const Method method : {Method::kDestroy, Method::kFilesAndKeys, Method::kKeys}) Measure(library, folder, data, method, &phases);
  }
  for (const char* name : {"/data", "/copy"}) std::filesystem::remove_all(folder + name);
  std::printf("| writers, during | puts | p50, us | p99, us | worst, us | p99 against alone |\n|---|---|---|---|---|---|\n");
  const double alone = Percentile(phases[0].latencies, 99);
  for (const Phase& phase : phases) {
    const double p99 = Percentile(phase.latencies, 99);
    std::printf("| %s | %zu | %.1f | %.1f | %.0f | %.2f |\n", phase.name, phase.latencies.size(), Percentile(phase.latencies, 50), p99,
                Percentile(phase.latencies, 100), p99 / alone);
  }
}
