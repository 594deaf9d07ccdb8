// server.cc - a small server on RocksDB that loads librocks_gc by path: tenants write transactions
// and RawKV rows, a thread publishes safe points, RocksDB's own compactions collect, and the
// library's worker finishes rows that were deleted.
// Usage: server path/to/librocks_gc.so [seconds]
//
// Two column families: "default" holds RawKV rows (mode r), "write" the records of transactions
// (mode x), here all with their value in the record. Tenant 3 is slow: its readers stay at an old
// timestamp, so its versions stay, and no other tenant's.
#include <rocks_gc_rocksdb_store.h>
#include <rocksdb/db.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <map>
#include <thread>

namespace {

constexpr uint32_t kTenants[] = {1, 2, 3};
constexpr uint32_t kSlowTenant = 3;
constexpr int kRowsPerTenant = 500;
constexpr uint64_t kReadersStayBehind = 1000; // timestamps

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "server: %s\n", what.c_str());
  std::exit(1);
}
void Check(const std::string& error) {
  if (!error.empty()) Fail(error);
}
void Check(const rocksdb::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}
void Check(const rocks_gc::Status& status) { Check(status.text()); }

class Server {
 public:
  Server(const char* library, std::string path) : path_(std::move(path)) {
    const rocks_gc::Library loaded = rocks_gc::Library::Load(library);
    if (!loaded.ok()) Fail(loaded.error());
    const auto print = [](int, const char* message) { std::fprintf(stderr, "rocks_gc: %s\n", message); };
    if (!loaded.SetLogger(print, RGC_LOG_WARN)) Fail("the logger was refused");
    gc_ = rocks_gc::Context::Create(loaded, "data_prefix=z");
    if (!gc_.ok()) Fail(gc_.error());
    for (uint32_t tenant : kTenants) Check(gc_.SetKeyspaceGcType(tenant, RGC_GC_KEYSPACE_LEVEL));
    // From the first compaction on: without any safe point it would run unfiltered.
    for (uint32_t tenant : kTenants) Check(gc_.AdvanceKeyspaceSafePoint(tenant, 1));
    OpenDb();
  }

  // Each timestamp is one commit: a RawKV row and a transaction's record of some tenant, every
  // seventh of them a delete.
  void Write() {
    const uint64_t ts = ++now_;
    const uint32_t tenant = kTenants[ts % std::size(kTenants)];
    const std::string row = "row " + std::to_string(ts * 7919 % kRowsPerTenant);
    const std::string text = "written at " + std::to_string(ts);
    const bool deletes = ts % 7 == 0;
    rocksdb::WriteBatch batch;
    batch.Put(families_[0], gc_.EncodeKey(RGC_MODE_RAW, tenant, row, ts), deletes ? "\2" : text + '\0');
    batch.Put(families_[1], gc_.EncodeKey(RGC_MODE_TXN, tenant, row, ts),
              deletes ? "D\1" : std::string("P\1v") + static_cast<char>(text.size()) + text);
    Check(db_->Write(rocksdb::WriteOptions(), &batch));
    if (deletes) {
      newest_.erase({tenant, row});
    } else {
      newest_[{tenant, row}] = text;
    }
  }

  // What the server's readers promise: a slow tenant's stay where they are.
  void PublishSafePoints() const {
    const uint64_t now = now_;
    if (now <= kReadersStayBehind) return;
    for (uint32_t tenant : kTenants) {
      if (tenant == kSlowTenant) continue;
      Check(gc_.AdvanceKeyspaceSafePoint(tenant, now - kReadersStayBehind));
    }
  }

  // Checks that every row's newest value exists; that a collected tenant has few other versions,
  // and the slow one all of them.
  void Look() {
    for (auto* family : families_) Check(db_->CompactRange(rocksdb::CompactRangeOptions(), family, nullptr, nullptr));
    Check(gc_.WorkerDrain(10000));
    if (gc_->rgc_worker_pending(gc_.get()) != 0) Fail("the worker is not done");
    std::printf("%" PRIu64 " commits\n%8s %14s %14s %14s\n", now_.load(), "tenant", "safe point", "RawKV versions", "records");
    for (uint32_t tenant : kTenants) {
      const uint64_t raw = Count(families_[0], RGC_MODE_RAW, tenant), records = Count(families_[1], RGC_MODE_TXN, tenant);
      std::printf("%8u %14" PRIu64 " %14" PRIu64 " %14" PRIu64 "\n", tenant, gc_->rgc_keyspace_safe_point(gc_.get(), tenant), raw, records);
      const uint64_t written = now_ / std::size(kTenants), some = kRowsPerTenant + 2 * kReadersStayBehind;
      if (tenant == kSlowTenant ? raw < written || records < written : raw > some || records > some) Fail("not what should be left");
    }
    for (const auto& [row, text] : newest_) {
      if (Newest(row.first, row.second) != text + '\0') Fail("the newest version of " + row.second + " is lost");
    }
    rgc_stats_t stats{};
    stats.struct_size = sizeof stats;
    gc_->rgc_stats(gc_.get(), &stats);
    std::printf("%" PRIu64 " runs: %" PRIu64 " kept, %" PRIu64 " removed, %" PRIu64 " skips; the worker finished %" PRIu64 " deleted rows\n", stats.runs_started,
                stats.kept, stats.removed, stats.skipped, stats.rows_done);
    if (stats.rows_done == 0) Fail("no deleted row was finished");
  }

  void Close() {
    Check(attachment_.Detach());
    for (auto* family : families_) Check(db_->DestroyColumnFamilyHandle(family));
    Check(db_->Close());
    db_.reset();
  }

 private:
  void OpenDb() {
    rocksdb::DBOptions options;
    options.create_if_missing = options.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyDescriptor> families = {{"default", {}}, {"write", {}}};
    std::string what;
    for (size_t i = 0; i < families.size(); ++i) {
      families[i].options.write_buffer_size = 256 << 10; // small, so that compactions run while we watch
      families[i].options.level_compaction_dynamic_level_bytes = true;
      Check(rocks_gc::Install(gc_, i == 0 ? RGC_KIND_RAW : RGC_KIND_TXN, &options, &families[i].options, &what));
      std::printf("%s: %s\n", families[i].name.c_str(), what.c_str());
    }
#if ROCKSDB_MAJOR >= 10
    Check(rocksdb::DB::Open(options, path_, families, &families_, &db_));
#else
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, path_, families, &families_, &db));
    db_.reset(db);
#endif
    Check(rocks_gc::Attachment::Make(gc_, db_.get(), {{RGC_CF_DEFAULT, families_[0]}, {RGC_CF_WRITE, families_[1]}}, &attachment_));
  }

  template <class Each>
  void Scan(rocksdb::ColumnFamilyHandle* family, int mode, uint32_t tenant, Each each) {
    rgc_range_t range{};
    range.struct_size = sizeof range;
    Check(gc_.Call(&rocks_gc::Functions::rgc_keyspace_range, mode, tenant, &range));
    const rocksdb::Slice end(range.end, range.end_len);
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), family));
    for (it->Seek({range.start, range.start_len}); it->Valid() && it->key().compare(end) < 0; it->Next()) each(*it);
    Check(it->status());
    gc_->rgc_free(range.start);
    gc_->rgc_free(range.end);
  }

  uint64_t Count(rocksdb::ColumnFamilyHandle* family, int mode, uint32_t tenant) {
    uint64_t versions = 0;
    Scan(family, mode, tenant, [&](const rocksdb::Iterator&) { ++versions; });
    return versions;
  }

  std::string Newest(uint32_t tenant, const std::string& row) {
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), families_[0]));
    it->Seek(gc_.EncodeKey(RGC_MODE_RAW, tenant, row, UINT64_MAX - 1));
    return it->Valid() ? it->value().ToString() : std::string();
  }

  const std::string path_;
  rocks_gc::Context gc_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  rocks_gc::Attachment attachment_; // goes before the DB
  std::atomic<uint64_t> now_{0};
  std::map<std::pair<uint32_t, std::string>, std::string> newest_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) Fail("usage: server path/to/librocks_gc.so [seconds]");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(argc > 2 ? std::atoi(argv[2]) : 3);
  std::string path = (std::filesystem::temp_directory_path() / "rocks_gc_server.XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) Fail("no temporary folder " + path);
  {
    Server server(argv[1], path);
    std::atomic<bool> running{true};
    std::thread publisher([&] {
      while (running) {
        server.PublishSafePoints();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    });
    while (std::chrono::steady_clock::now() < deadline) server.Write();
    running = false;
    publisher.join();
    server.PublishSafePoints();
    server.Look();
    server.Close();
  }
  std::filesystem::remove_all(path);
  std::puts("server: ok");
}
