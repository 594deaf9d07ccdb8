// destroy_many.cc - what it costs to destroy many tenants that share files: one call for each of
// them beside one call for all. It fails if a key of a destroyed tenant is left, or one of another
// tenant is not.
//
//   destroy_many LIBRARY FOLDER [TENANTS] [DESTROYED]
#include "destroy.h"

#include <rocksdb/options.h>

#include <filesystem>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

namespace {

using rocks_gc::Functions;

constexpr uint32_t kFirst = 1;
constexpr int kRows = 20, kValueBytes = 1000;  // 20 KB a tenant

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

void Measure(const char* library, const std::string& path, uint32_t tenants, uint32_t destroyed, bool together) {
  std::filesystem::remove_all(path);
  const rocks_gc::Context gc = rocks_gc::Context::Create(rocks_gc::Library::Load(library));
  Check(gc.error());
  Options options = Leveled();
  options.statistics = CreateDBStatistics();
  Check(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options));
  const Open db(options, path);
  rocks_gc::Attachment attachment;
  Check(rocks_gc::Attachment::Make(gc, db.db.get(), {{RGC_CF_DEFAULT, nullptr}}, &attachment));
  std::string value(kValueBytes, 'v');
  value.push_back('\0');
  std::vector<uint32_t> all;
  for (uint32_t tenant = 0; tenant < tenants; ++tenant) {
    // One in some, spread evenly.
    if (tenant % (tenants / destroyed) == 0 && all.size() < destroyed) all.push_back(kFirst + tenant);
    for (int row = 0; row < kRows; ++row) {
      const std::string key = gc.EncodeKey(RGC_MODE_RAW, kFirst + tenant, "row" + std::to_string(row), 9);
      Check(db->Put(WriteOptions(), key, value));
    }
  }
  CompactRangeOptions force;
  force.bottommost_level_compaction = BottommostLevelCompaction::kForce;
  Check(db->CompactRange(force, nullptr, nullptr));
  Check(options.statistics->Reset());
  const double cpu = CpuSeconds();
  const auto begun = std::chrono::steady_clock::now();
  if (together) {
    Check(gc.Call(&Functions::rgc_destroy_keyspaces, all.data(), all.size(), 0, nullptr, nullptr));
  } else {
    for (const uint32_t tenant : all) Check(gc.Call(&Functions::rgc_destroy_keyspace, tenant, 0, nullptr));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const double cpu_spent = CpuSeconds() - cpu;
  const double written = static_cast<double>(options.statistics->getTickerCount(COMPACT_WRITE_BYTES) +
                                             options.statistics->getTickerCount(FLUSH_WRITE_BYTES));
  uint64_t keys = 0;
  const std::unique_ptr<Iterator> it(db->NewIterator(ReadOptions()));
  for (it->Seek("r"); it->Valid(); it->Next()) ++keys;
  Check(it->status());
  if (keys != static_cast<uint64_t>(tenants - destroyed) * kRows) Fail("not exactly the destroyed tenants are gone");
  std::printf("| %s | %u of %u | %.2f | %.2f | %.0f |\n", together ? "rgc_destroy_keyspaces" : "rgc_destroy_keyspace, one call each",
              destroyed, tenants, took.count(), cpu_spent, written / (1 << 20));
  std::fflush(stdout);
  Check(attachment.Detach());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) Fail("usage: destroy_many LIBRARY FOLDER [TENANTS] [DESTROYED]");
  const std::string path = std::string(argv[2]) + "/many";
  const uint32_t tenants = argc > 3 ? static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)) : 1000;
  const uint32_t destroyed = argc > 4 ? static_cast<uint32_t>(std::strtoul(argv[4], nullptr, 10)) : tenants / 5;
  if (destroyed == 0 || destroyed > tenants) Fail("destroy at least one tenant, and no more than there are");
  std::printf("| call | destroyed | wall, s | CPU, s | bytes written, MiB |\n|---|---|---|---|---|\n");
  for (const bool together : {false, true}) Measure(argv[1], path, tenants, destroyed, together);
  std::filesystem::remove_all(path);
}
