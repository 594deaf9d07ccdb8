// destroy_many.cc - what it costs to destroy many tenants that share files: one call for each of
// them beside one call for all; then the debt. The store also holds other data. It fails if a key
// of a destroyed tenant is left, or one of another tenant is not.
//
//   destroy_many LIBRARY FOLDER [TENANTS] [DESTROYED] [OTHER MIB]
#include "destroy.h"

#include <rocksdb/options.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

namespace {

using rocks_gc::Functions;

constexpr uint32_t kFirst = 1;
constexpr uint32_t kOther = 1000000;
constexpr int kRows = 20, kValueBytes = 1000;  // 20 KB a tenant

double Seconds(const std::function<void()>& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  return took.count();
}

// The size of the files that hold a key of these tenants.
uint64_t BytesThatHold(const rocks_gc::Context& gc, const Open& db, const std::vector<uint32_t>& tenants) {
  ColumnFamilyMetaData metadata;
  db->GetColumnFamilyMetaData(&metadata);
  uint64_t bytes = 0;
  for (const auto& level : metadata.levels) {
    for (const auto& file : level.files) {
      const auto holds = [&](uint32_t tenant) {
        return file.smallestkey <= gc.EncodeKey(RGC_MODE_RAW, tenant, "rox", 0) && file.largestkey >= gc.EncodeKey(RGC_MODE_RAW, tenant, "row", 9);
      };
      if (std::any_of(tenants.begin(), tenants.end(), holds)) bytes += file.size;
    }
  }
  return bytes;
}

struct Costs {
  double calls = 0, debt = 0, cpu = 0, written = 0, held = 0;
};

Costs Measure(const char* library, const std::string& path, uint32_t tenants, uint32_t destroyed, uint64_t other_mib, bool together) {
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
  WriteOptions unlogged;
  unlogged.disableWAL = true;
  std::vector<uint32_t> all;
  for (uint32_t tenant = 0; tenant < tenants; ++tenant) {
    // One in some, spread evenly.
    if (tenant % (tenants / destroyed) == 0 && all.size() < destroyed) all.push_back(kFirst + tenant);
    for (int row = 0; row < kRows; ++row) {
      const std::string key = gc.EncodeKey(RGC_MODE_RAW, kFirst + tenant, "row" + std::to_string(row), 9);
      Check(db->Put(unlogged, key, value));
    }
  }
  const uint64_t others = (other_mib << 20) / kValueBytes;
  for (uint64_t row = 0; row < others; ++row) {
    Check(db->Put(unlogged, gc.EncodeKey(RGC_MODE_RAW, kOther, "row" + std::to_string(row), 9), value));
  }
  CompactRangeOptions force;
  force.bottommost_level_compaction = BottommostLevelCompaction::kForce;
  Check(db->CompactRange(force, nullptr, nullptr));
  Costs costs;
  costs.held = static_cast<double>(BytesThatHold(gc, db, all));
  Check(options.statistics->Reset());
  const double cpu = CpuTimeSoFar().All();
  costs.calls = Seconds([&] {
    if (together) {
      Check(gc.Call(&Functions::rgc_destroy_keyspaces, all.data(), all.size(), 0, nullptr, nullptr));
    } else {
      for (const uint32_t tenant : all) Check(gc.Call(&Functions::rgc_destroy_keyspace, tenant, 0, nullptr));
    }
  });
  costs.debt = Seconds([&] { Check(gc.Call(&Functions::rgc_worker_drain, uint64_t{600000})); });
  rgc_debt_t debt{};
  debt.struct_size = sizeof debt;
  Check(gc.Call(&Functions::rgc_debt, &debt));
  if (debt.debts != 0) Fail("a debt is left");
  costs.cpu = CpuTimeSoFar().All() - cpu;
  uint64_t keys = 0;
  const std::unique_ptr<Iterator> it(db->NewIterator(ReadOptions()));
  for (it->Seek("r"); it->Valid(); it->Next()) ++keys;
  Check(it->status());
  if (keys != static_cast<uint64_t>(tenants - destroyed) * kRows + others) Fail("not exactly the destroyed tenants are gone");
  costs.written = static_cast<double>(options.statistics->getTickerCount(COMPACT_WRITE_BYTES) +
                                      options.statistics->getTickerCount(FLUSH_WRITE_BYTES));
  std::printf("| %s | %u of %u | %.2f | %.2f | %.2f | %.0f | %.0f |\n", together ? "rgc_destroy_keyspaces" : "rgc_destroy_keyspace, one call each",
              destroyed, tenants, costs.calls, costs.debt, costs.cpu, costs.written / (1 << 20), costs.held / (1 << 20));
  std::fflush(stdout);
  Check(attachment.Detach());
  return costs;
}

void PrintGoal(const char* what, double measured, double limit) {
  std::printf("- %s: %.2f, goal %.1f: %s\n", what, measured, limit, measured <= limit ? "met" : "NOT MET");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) Fail("usage: destroy_many LIBRARY FOLDER [TENANTS] [DESTROYED] [OTHER MIB]");
  const std::string path = std::string(argv[2]) + "/many";
  const uint32_t tenants = argc > 3 ? static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)) : 5000;
  const uint32_t destroyed = argc > 4 ? static_cast<uint32_t>(std::strtoul(argv[4], nullptr, 10)) : tenants / 5;
  const uint64_t other_mib = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 924;
  if (destroyed == 0 || destroyed > tenants) Fail("destroy at least one tenant, and no more than there are");
  std::printf("| call | destroyed | calls, s | debt, s | CPU, s | written, MiB | files that held them, MiB |\n|---|---|---|---|---|---|---|\n");
  const Costs each = Measure(argv[1], path, tenants, destroyed, other_mib, false);
  const Costs all = Measure(argv[1], path, tenants, destroyed, other_mib, true);
  std::filesystem::remove_all(path);
  std::printf("\n");
  PrintGoal("all calls, s", each.calls, 3);
  PrintGoal("one call for all, s", all.calls, 0.3);
  PrintGoal("bytes written, against the files that held them, one call each", each.written / each.held, 1.5);
  PrintGoal("bytes written, against the files that held them, one call for all", all.written / all.held, 1.5);
}
