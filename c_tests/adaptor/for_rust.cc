// for_rust.cc - RocksDB's C++ API for tests in Rust, behind C functions: compactions from one level
// into another, the contents of table files, tickers, and a hook that runs in the middle of a
// compaction. The shim is compiled into the same shared object.
#include <rocks_gc_rocksdb_store.h>
#include <rocksdb/c.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/statistics.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

rocksdb::DB* DbOf(rocksdb_t* db) { return *reinterpret_cast<rocksdb::DB**>(db); }
rocksdb::Options* OptionsOf(rocksdb_options_t* options) { return reinterpret_cast<rocksdb::Options*>(options); }

char* Error(const rocksdb::Status& status) { return status.ok() ? nullptr : strdup(status.ToString().c_str()); }

using Hook = void (*)(void* state);

// Calls the hook before each key of each run.
class HookedFilter : public rocksdb::CompactionFilter {
 public:
  HookedFilter(std::unique_ptr<CompactionFilter> filter, Hook hook, void* state) : filter_(std::move(filter)), hook_(hook), state_(state) {}
  const char* Name() const override { return "hooked"; }
  Decision FilterV2(int level, const rocksdb::Slice& key, ValueType type, const rocksdb::Slice& value, std::string* new_value,
                    std::string* skip_until) const override {
    hook_(state_);
    return filter_->FilterV2(level, key, type, value, new_value, skip_until);
  }
  Decision FilterBlobByKey(int level, const rocksdb::Slice& key, std::string* new_value, std::string* skip_until) const override {
    return filter_->FilterBlobByKey(level, key, new_value, skip_until);
  }

 private:
  std::unique_ptr<CompactionFilter> filter_;
  Hook hook_;
  void* state_;
};

class HookedFactory : public rocksdb::CompactionFilterFactory {
 public:
  HookedFactory(std::shared_ptr<CompactionFilterFactory> factory, Hook hook, void* state)
      : factory_(std::move(factory)), hook_(hook), state_(state) {}
  const char* Name() const override { return "hooked"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(const rocksdb::CompactionFilter::Context& context) override {
    auto filter = factory_->CreateCompactionFilter(context);
    if (filter == nullptr) return nullptr;
    return std::make_unique<HookedFilter>(std::move(filter), hook_, state_);
  }

 private:
  std::shared_ptr<CompactionFilterFactory> factory_;
  Hook hook_;
  void* state_;
};

}  // namespace

extern "C" {

// Compacts the files of one level (and what they overlap further down) into another; with `only`
// those that overlap [start, end].
char* adaptor_compact_files(rocksdb_t* c_db, int from, int to, const char* start, size_t start_len, const char* end, size_t end_len) {
  rocksdb::DB* db = DbOf(c_db);
  rocksdb::ColumnFamilyMetaData metadata;
  db->GetColumnFamilyMetaData(&metadata);
  const rocksdb::Slice first(start, start_len), last(end, end_len);
  std::vector<std::string> files;
  for (const auto& level : metadata.levels) {
    if (level.level != from) continue;
    for (const auto& file : level.files) {
      const bool overlaps = first.compare(file.largestkey) <= 0 && (end == nullptr || last.compare(file.smallestkey) >= 0);
      if (overlaps && !file.being_compacted) files.push_back(file.name);
    }
  }
  if (files.empty()) return nullptr;
  return Error(db->CompactFiles(rocksdb::CompactionOptions(), files, to));
}

// The same for a column family, all of its files of that level.
char* adaptor_compact_files_of(rocksdb_t* c_db, rocksdb_column_family_handle_t* c_family, int from, int to) {
  auto* family = *reinterpret_cast<rocksdb::ColumnFamilyHandle**>(c_family);
  rocksdb::ColumnFamilyMetaData metadata;
  DbOf(c_db)->GetColumnFamilyMetaData(family, &metadata);
  std::vector<std::string> files;
  for (const auto& level : metadata.levels) {
    if (level.level != from) continue;
    for (const auto& file : level.files) files.push_back(file.name);
  }
  if (files.empty()) return nullptr;
  return Error(DbOf(c_db)->CompactFiles(rocksdb::CompactionOptions(), family, files, to));
}

// The C++ engine of an open DB with families of these roles; *table holds its functions. The
// table's destructor frees the engine.
void* adaptor_engine(rocksdb_t* db, rocksdb_column_family_handle_t** families, size_t n, const rgc_engine_t** table) {
  std::vector<rocks_gc::Family> all;
  for (size_t i = 0; i < n; ++i) all.push_back({RGC_CF_OTHER, *reinterpret_cast<rocksdb::ColumnFamilyHandle**>(families[i])});
  std::unique_ptr<rocks_gc::Engine> engine;
  if (!rocks_gc::Engine::Create(DbOf(db), all, &engine).ok()) return nullptr;
  *table = &rocks_gc::Engine::Table();
  return engine.release();
}

// Sums over all table files.
char* adaptor_table_properties(rocksdb_t* db, uint64_t* entries, uint64_t* deletions, uint64_t* range_deletions) {
  rocksdb::TablePropertiesCollection files;
  const rocksdb::Status status = DbOf(db)->GetPropertiesOfAllTables(&files);
  *entries = *deletions = *range_deletions = 0;
  for (const auto& file : files) {
    *entries += file.second->num_entries;
    *deletions += file.second->num_deletions;
    *range_deletions += file.second->num_range_deletions;
  }
  return Error(status);
}

void adaptor_enable_statistics(rocksdb_options_t* options) { OptionsOf(options)->statistics = rocksdb::CreateDBStatistics(); }

uint64_t adaptor_blob_bytes_read(rocksdb_options_t* options) {
  return OptionsOf(options)->statistics->getTickerCount(rocksdb::BLOB_DB_BLOB_FILE_BYTES_READ);
}

void adaptor_set_compaction_style(rocksdb_options_t* options, int style) {
  OptionsOf(options)->compaction_style = static_cast<rocksdb::CompactionStyle>(style);
}

void adaptor_set_ingests_behind(rocksdb_options_t* options, int ingests_behind) { OptionsOf(options)->allow_ingest_behind = ingests_behind != 0; }

void adaptor_avoid_flush_during_recovery(rocksdb_options_t* options) { OptionsOf(options)->avoid_flush_during_recovery = true; }

void adaptor_remove_listeners(rocksdb_options_t* options) { OptionsOf(options)->listeners.clear(); }

// Cancels the manual compactions that are on, and returns when they have ended.
void adaptor_cancel_manual_compactions(rocksdb_t* db) {
  DbOf(db)->DisableManualCompaction();
  DbOf(db)->EnableManualCompaction();
}

// No flush and no automatic compaction runs until they go on.
void adaptor_pause(rocksdb_t* db) { DbOf(db)->PauseBackgroundWork(); }
void adaptor_go_on(rocksdb_t* db) { DbOf(db)->ContinueBackgroundWork(); }

// Wraps the installed factory.
void adaptor_hook(rocksdb_options_t* options, Hook hook, void* state) {
  auto& factory = OptionsOf(options)->compaction_filter_factory;
  factory = std::make_shared<HookedFactory>(factory, hook, state);
}
}
