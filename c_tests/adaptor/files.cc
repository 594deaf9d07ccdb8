// files.cc - the properties of real files, and the compactions that need no filter because of them.
// Each store has versions of two rows, at 100 and above.
#include <rocks_gc_rocksdb_store.h>
#include <rocksdb/sst_file_writer.h>
#include <stdlib.h>

#include <filesystem>

#include "../cpp_db.h"
#include "parts.h"

using namespace ROCKSDB_NAMESPACE;
using rocks_gc::Context;
using rocks_gc::Library;

namespace {

// RocksDB shows the inputs to each filter of a compaction. Before 8.7 only its first filter knows
// them, and none in CompactFiles.
constexpr bool kInputsAreShown = ROCKSDB_MAJOR * 1000 + ROCKSDB_MINOR >= 8007;

const std::string kLive("v\0", 2);

class CountsSubcompactions : public EventListener {
 public:
  void OnSubcompactionBegin(const SubcompactionJobInfo&) override { ++count; }
  std::atomic<uint64_t> count{0};
};

class Store {
 public:
  explicit Store(const char* library, const char* gc_options = "", int kind = RGC_KIND_RAW)
      : gc(Context::Create(Library::Load(library), gc_options)), mode_(kind == RGC_KIND_TXN ? RGC_MODE_TXN : RGC_MODE_RAW), kind_(kind) {
    CHECK(gc.ok());
    char path[] = "/tmp/rocks_gc_files.XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    folder_ = path;
    options.create_if_missing = true;
    options.disable_auto_compactions = true;
    for (const uint32_t keyspace : {1, 2}) CHECK(gc.SetKeyspaceGcType(keyspace, RGC_GC_KEYSPACE_LEVEL).ok());
  }
  ~Store() {
    Close();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    db_ = std::make_unique<Database>();
    CHECK(DB::Open(options, folder_, *db_).ok());
  }
  void OpenInstalled() {
    CHECK(rocks_gc::Install(gc, kind_, &options, &options).ok());
    Open();
  }
  void Close() { db_.reset(); }
  DB* operator->() const { return db_->get(); }
  DB* get() const { return db_->get(); }

  std::string Key(const std::string& row, uint64_t ts, uint32_t keyspace = 1) const { return gc.EncodeKey(mode_, keyspace, row, ts); }
  void Put(const std::string& row, uint64_t ts, const std::string& value = kLive, uint32_t keyspace = 1) {
    CHECK(db_->get()->Put(WriteOptions(), Key(row, ts, keyspace), value).ok());
  }
  // A file with a version of two rows, so that files overlap and none is moved unread.
  void File(uint64_t ts, uint32_t keyspace = 1) {
    for (const char* row : {"a", "b"}) Put(row, ts, kLive, keyspace);
    Flush();
  }
  void Flush() { CHECK(db_->get()->Flush(FlushOptions()).ok()); }

  // Compacts level 0 into the last level, once.
  void Compact() {
    CompactRangeOptions compaction;
    compaction.bottommost_level_compaction = BottommostLevelCompaction::kSkip;
    CHECK(db_->get()->CompactRange(compaction, nullptr, nullptr).ok());
  }
  // The keys of the store's mode. The ledger's records are keys, too.
  size_t Count() const {
    const std::string first = Key("", UINT64_MAX, 0).substr(0, 1);
    const std::unique_ptr<Iterator> it(db_->get()->NewIterator(ReadOptions()));
    size_t count = 0;
    for (it->Seek(first); it->Valid() && it->key().starts_with(first); it->Next()) ++count;
    CHECK(it->status().ok());
    return count;
  }
  rgc_stats_t Stats() const {
    rgc_stats_t stats{};
    stats.struct_size = sizeof(stats);
    gc->rgc_stats(gc.get(), &stats);
    return stats;
  }
  // How many filters ran, and how many were not needed because every version was too new, since the
  // last call.
  std::pair<uint64_t, uint64_t> Runs() {
    const rgc_stats_t now = Stats(), before = std::exchange(last_, now);
    return {now.runs_started - before.runs_started, now.not_needed_too_new - before.not_needed_too_new};
  }

  Context gc;
  Options options;

 private:
  const int mode_, kind_;
  std::string folder_;
  std::unique_ptr<Database> db_;
  rgc_stats_t last_{};
};

using Runs = std::pair<uint64_t, uint64_t>;
constexpr Runs kFilter = {1, 0}, kTooNew = {0, 1};

// The files that have the library's property and TiKV's, and all files.
std::pair<size_t, size_t> WithProperties(DB* db, ColumnFamilyHandle* family = nullptr) {
  TablePropertiesCollection files;
  CHECK(db->GetPropertiesOfAllTables(family != nullptr ? family : db->DefaultColumnFamily(), &files).ok());
  size_t with = 0;
  for (const auto& [path, file] : files) {
    const auto& has = file->user_collected_properties;
    with += has.count("rocks_gc.figures") != 0 && has.count("tikv.num_versions") != 0 && has.count("tikv.rows_index") != 0;
  }
  return {with, files.size()};
}

using Counts = std::pair<size_t, size_t>;

// By flush, compaction, and SstFileWriter.
void EveryWriterCollects(const char* library) {
  Store store(library);
  store.OpenInstalled();
  store.File(100);
  store.File(101);
  CHECK(WithProperties(store.get()) == Counts(2, 2));
  store.Compact();
  CHECK(WithProperties(store.get()) == Counts(1, 1));
  const std::string file = store->GetName() + "/external";
  SstFileWriter writer((EnvOptions()), store.options);
  CHECK(writer.Open(file).ok() && writer.Put(store.Key("c", 100), kLive).ok() && writer.Finish().ok());
  CHECK(store->IngestExternalFile({file}, IngestExternalFileOptions()).ok());
  CHECK(WithProperties(store.get()) == Counts(2, 2));
}

// Each family counts what its kind judges.
void EachFamilyHasItsOwn(const char* library) {
  Store store(library);
  store.OpenInstalled();
  ColumnFamilyOptions records;
  CHECK(rocks_gc::Install(store.gc, RGC_KIND_TXN, &store.options, &records).ok());
  ColumnFamilyHandle* write = nullptr;
  CHECK(store->CreateColumnFamily(records, "write", &write).ok());
  const std::string key = store.gc.EncodeKey(RGC_MODE_TXN, 1, "a", 100);
  for (ColumnFamilyHandle* family : {store->DefaultColumnFamily(), write}) {
    CHECK(store->Put(WriteOptions(), family, key, "P\5v\1v").ok() && store->Flush(FlushOptions(), family).ok());
    CHECK(WithProperties(store.get(), family) == Counts(1, 1));
    TablePropertiesCollection files;
    CHECK(store->GetPropertiesOfAllTables(family, &files).ok());
    const std::string versions = files.begin()->second->user_collected_properties.at("tikv.num_versions");
    CHECK(versions.back() == (family == write ? 1 : 0));
  }
  CHECK(store->DestroyColumnFamilyHandle(write).ok());
}

void TooNew(const char* library) {
  Store store(library);
  store.OpenInstalled();
  CHECK(store.gc.AdvanceKeyspaceSafePoint(1, 99).ok());
  for (const uint64_t ts : {100, 101}) store.File(ts);
  store.Compact();
  CHECK(store.Runs() == kTooNew && store.Count() == 4);
  // The oldest version is at the safe point.
  CHECK(store.gc.AdvanceKeyspaceSafePoint(1, 100).ok());
  store.File(102);
  store.Compact();
  CHECK(store.Runs() == kFilter && store.Count() == 6);
  CHECK(store.gc.AdvanceKeyspaceSafePoint(1, 103).ok());
  store.File(104);
  store.Compact();
  CHECK(store.Runs() == kFilter && store.Count() == 2);
}

void Subcompactions(const char* library) {
  Store store(library);
  const auto listener = std::make_shared<CountsSubcompactions>();
  store.options.listeners.push_back(listener);
  store.options.max_subcompactions = 4;
  store.options.target_file_size_base = 64 << 10;
  store.options.compression = kNoCompression;
  store.OpenInstalled();
  CHECK(store.gc.AdvanceKeyspaceSafePoint(1, 99).ok());
  const std::string value = std::string(1000, 'v') + '\0';
  for (const uint64_t ts : {100, 101}) {
    for (int row = 1000; row < 2000; ++row) store.Put(std::to_string(row), ts, value);
    store.Flush();
  }
  store.Compact();
  CHECK(listener->count > 1);
  const uint64_t refused = kInputsAreShown ? listener->count.load() : 1;
  CHECK(store.Runs() == Runs(listener->count - refused, refused) && store.Count() == 2000);
}

void CompactsFiles(const char* library) {
  Store store(library);
  store.OpenInstalled();
  CHECK(store.gc.AdvanceKeyspaceSafePoint(1, 99).ok());
  for (const uint64_t ts : {100, 101}) store.File(ts);
  ColumnFamilyMetaData family;
  store->GetColumnFamilyMetaData(&family);
  std::vector<std::string> files;
  for (const auto& file : family.levels.at(0).files) files.push_back(file.name);
  CHECK(files.size() == 2 && store->CompactFiles(CompactionOptions(), files, 1).ok());
  CHECK(store.Runs() == (kInputsAreShown ? kTooNew : kFilter) && store.Count() == 4);
}

// What a file without properties holds is unknown.
void OlderFiles(const char* library) {
  Store store(library);
  store.Open();
  store.File(100);
  store.Close();
  store.OpenInstalled();
  CHECK(store.gc.AdvanceKeyspaceSafePoint(1, 99).ok());
  store.File(101);
  CHECK(WithProperties(store.get()) == Counts(1, 2));
  store.Compact();
  CHECK(store.Runs() == kFilter);
  store.File(102);
  store.Compact();
  CHECK(store.Runs() == kTooNew);
}

// A compaction of every version too new gets a filter if a dropped key may be there.
void DroppedSchemas(const char* library) {
  Store store(library, "schema_id=prefix");
  store.OpenInstalled();
  for (const uint32_t keyspace : {1, 2}) CHECK(store.gc.AdvanceKeyspaceSafePoint(keyspace, 99).ok());
  CHECK(store.gc.SchemasLoad(1, {7}, 9).ok());
  const auto rows = [&](char schema, uint32_t keyspace) {
    for (const uint64_t ts : {100, 101}) {
      for (const char* row : {"a", "b"}) store.Put(std::string("\0\0\0", 3) + schema + row, ts, kLive, keyspace);
      store.Flush();
    }
    store.Compact();
  };
  rows(7, 1);
  CHECK(store.Runs() == kTooNew);
  rows(9, 2);
  CHECK(store.Runs() == kTooNew && store.Count() == 8);
  rows(9, 1);
  CHECK(store.Runs() == kFilter && store.Count() == 8);
}

void DestroyedRanges(const char* library) {
  Store store(library);
  store.OpenInstalled();
  for (const uint32_t keyspace : {1, 2}) CHECK(store.gc.AdvanceKeyspaceSafePoint(keyspace, 99).ok());
  rocks_gc::Attachment attachment;
  CHECK(rocks_gc::Attachment::Make(store.gc, store.get(), {{RGC_CF_DEFAULT, nullptr}}, &attachment).ok());
  const std::string start = store.Key("a", UINT64_MAX), end = store.Key("b", UINT64_MAX);
  CHECK(store.gc.DestroyRange(start, end).ok());
  for (const uint64_t ts : {100, 101}) store.File(ts, 2);
  store.Runs();
  store.Compact();
  CHECK(store.Runs() == kTooNew && store.Count() == 4);
  // The host must not write into the range. A filter removes what it wrote.
  for (const uint64_t ts : {100, 101}) store.File(ts);
  store.Compact();
  CHECK(store.Runs() == kFilter && store.Count() == 6);
  CHECK(attachment.Detach().ok());
}

// The factory's own reference keeps what collectors need.
void OutlivesTheContext(const char* library) {
  Store store(library);
  CHECK(rocks_gc::Install(store.gc, RGC_KIND_RAW, &store.options, &store.options).ok());
  store.options.compaction_filter_factory = nullptr;
  store.Open();
  store.File(100);
  store.gc = Context();
  CHECK(store->Put(WriteOptions(), "a", "b").ok());
  store.Flush();
  CHECK(WithProperties(store.get()) == Counts(2, 2));
  store.Compact();
  CHECK(WithProperties(store.get()).first == WithProperties(store.get()).second);
}

// A collector does not see values in blob files, so a record there may name a value elsewhere. No
// skip passes it.
void BlobFiles(const char* library) {
  Store store(library, "remove_mode=skip", RGC_KIND_TXN);
  store.options.enable_blob_files = true;
  store.OpenInstalled();
  const std::string with_value("P\5v\1v", 5), without_value("P\5", 2);
  store.Put("a", 100, without_value);
  for (const uint64_t ts : {101, 102}) store.Put("a", ts, with_value);
  store.Flush();
  store.Put("b", 100, with_value);
  store.Put("b", 101, with_value);
  store.Flush();
  CHECK(WithProperties(store.get()) == Counts(2, 2));
  CHECK(store.gc.AdvanceKeyspaceSafePoint(1, 200).ok());
  store.Compact();
  CHECK(store.Runs() == kFilter);
  // Of a the newest record, and the one whose value is elsewhere; of b the newest.
  CHECK(store.Count() == 3 && store.Stats().skipped == 2);
}

}  // namespace

void TestFiles(const char* library) {
  EveryWriterCollects(library);
  EachFamilyHasItsOwn(library);
  TooNew(library);
  Subcompactions(library);
  CompactsFiles(library);
  OlderFiles(library);
  DroppedSchemas(library);
  DestroyedRanges(library);
  OutlivesTheContext(library);
  BlobFiles(library);
}
