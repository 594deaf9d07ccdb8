// store.cc - see store.h.
#include "store.h"

#include <rocksdb/c.h>
#include <rocksdb/snapshot.h>

#include "../engine/check.h"

namespace {

constexpr const char* kNames[FAMILIES] = {"default", "write", "lock", "ledger"};
constexpr int kRoles[FAMILIES] = {RGC_CF_DEFAULT, RGC_CF_WRITE, RGC_CF_LOCK, RGC_CF_LEDGER};
constexpr int kKinds[FAMILIES] = {RGC_DEFAULT, RGC_WRITE, RGC_DROPPED_ONLY, -1};
constexpr uint32_t kNoKeyspace = 0;
constexpr uint64_t kLater = uint64_t{1} << 40;
constexpr uint64_t kDrainMilliseconds = 10000;

// Batches are small, so that long rows take several.
std::string GcOptions(const Settings& settings) {
  return "delete_batch_bytes=400;recheck=manual;recheck_seconds=0;data_prefix=" + settings.prefix +
         ";delete_range_min_keys=" + std::to_string(settings.range_min_keys) +
         ";delete_bytes_per_second=" + std::to_string(settings.bytes_per_second);
}

class Silent final : public db::Logger {
 public:
  using db::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

using Families = std::vector<db::ColumnFamilyDescriptor>;
using Handles = std::vector<db::ColumnFamilyHandle*>;

// DB::Open takes a DB* or, in later versions, a unique_ptr.
template <class D>
auto OpenDB(const db::Options& options, const std::string& path, const Families& families, Handles* handles, D** opened, int)
    -> decltype(D::Open(options, path, families, handles, opened)) {
  return D::Open(options, path, families, handles, opened);
}
template <class D>
db::Status OpenDB(const db::Options& options, const std::string& path, const Families& families, Handles* handles, D** opened, long) {
  std::unique_ptr<D> owned;
  const db::Status status = D::Open(options, path, families, handles, &owned);
  *opened = owned.release();
  return status;
}

} // namespace

void Store::Must(const char* what, const std::string& error) const {
  if (error.empty()) return;
  std::fprintf(stderr, "%s: %s: %s\n", settings_.folder.c_str(), what, error.c_str());
  std::_Exit(1);
}

template <class Call>
void Store::Checked(const char* what, Call call) const {
  Must(what, rocks_gc::detail::ErrorOf(library_.functions(), call));
}

Store::Store(const Settings& settings, const std::function<void(const char*)>& on_log)
    : settings_(settings), library_(rocks_gc::Library::Load(settings.library)) {
  Must("load", library_.error());
  gc_ = rocks_gc::Context::Create(library_, GcOptions(settings_));
  Must("create", gc_.error());
  const bool is_set = library_.SetLogger(
      [this, on_log](int level, const char* message) {
        if (level <= RGC_LOG_ERROR) Must("the library's log", message);
        on_log(message);
      },
      RGC_LOG_DEBUG);
  Must("the logger", is_set ? "" : "refused");
  std::vector<uint32_t> keyspaces(std::begin(kKeyspaces), std::end(kKeyspaces));
  Checked("types", [&](char** error) {
    library_->rgc_set_keyspace_gc_types(gc_.get(), keyspaces.data(), keyspaces.size(), RGC_GC_KEYSPACE_LEVEL, error);
  });
}

db::Options Store::MakeOptions(int family, std::shared_ptr<db::FileSystem> file_system) {
  db::Options options;
  options.create_if_missing = options.create_missing_column_families = true;
  options.write_buffer_size = 64 << 10;
  options.target_file_size_base = 4 << 10;
  options.max_bytes_for_level_base = 24 << 10;
  options.num_levels = 4;
  options.level0_file_num_compaction_trigger = 3;
  options.compression = db::kNoCompression;
  options.max_background_jobs = 2;
  options.max_file_opening_threads = 1;
  options.stats_dump_period_sec = options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<Silent>();
  // Without it a power loss could take half of the host's own batches that have no WAL.
  options.atomic_flush = !settings_.wal;
  if (file_system != nullptr) {
    if (env_ == nullptr) env_ = db::NewCompositeEnv(file_system);
    options.env = env_.get();
  }
  if (kKinds[family] >= 0 && settings_.adaptor) Must("install", rocks_gc::Install(gc_, kKinds[family], &options, &options));
  return options;
}

void Store::Open(std::shared_ptr<db::FileSystem> file_system) {
  std::vector<db::Options> options;
  for (int family = 0; family < families(); ++family) options.push_back(MakeOptions(family, file_system));
  settings_.adaptor ? OpenAdaptor(options) : OpenC(options);
}

void Store::OpenAdaptor(std::vector<db::Options> options) {
  // One listener serves all.
  for (int family = 0; family < families(); ++family) options[0].listeners = options[family].listeners;
  Families all;
  for (int family = 0; family < families(); ++family) all.emplace_back(kNames[family], options[family]);
  Must("open", OpenDB(options[0], settings_.db_path(), all, &handles_, &db_, 0));
}

void Store::OpenC(const std::vector<db::Options>& options) {
  Checked("bind", [&](char** error) { library_->rgc_bind_rocksdb_library(gc_.get(), nullptr, nullptr, error); });
  std::vector<rocksdb_options_t*> all;
  for (int family = 0; family < families(); ++family) {
    all.push_back(rocksdb_options_create());
    // The C API's objects are structs whose first member is this.
    *reinterpret_cast<db::Options*>(all.back()) = options[family];
    if (kKinds[family] < 0) continue;
    Checked("factory", [&](char** error) {
      rocksdb_options_set_compaction_filter_factory(all.back(), library_->rgc_rocksdb_filter_factory(gc_.get(), kKinds[family], error));
    });
  }
  c_handles_.resize(static_cast<size_t>(families()));
  Checked("open", [&](char** error) {
    c_db_ = rocksdb_open_column_families(all[0], settings_.db_path().c_str(), families(), kNames, all.data(), c_handles_.data(), error);
  });
  db_ = *reinterpret_cast<db::DB**>(c_db_);
  for (rocksdb_column_family_handle_t* handle : c_handles_) handles_.push_back(*reinterpret_cast<db::ColumnFamilyHandle**>(handle));
}

void Store::Attach() {
  settings_.adaptor ? AttachAdaptor() : AttachC();
  // Attaching refuses a destroyed keyspace that was registered, so these come later; those that are destroyed are refused one by one.
  for (uint32_t doomed = kDoomedKeyspaces; doomed <= kLastDoomedKeyspace; ++doomed) {
    rocks_gc::detail::ErrorOf(library_.functions(), [&](char** error) {
      library_->rgc_set_keyspace_gc_type(gc_.get(), doomed, RGC_GC_KEYSPACE_LEVEL, error);
    });
  }
}

void Store::AttachAdaptor() {
  std::vector<rocks_gc::Family> all;
  for (int family = 0; family < families(); ++family) all.push_back({kRoles[family], handles_[family]});
  Must("attach", rocks_gc::Attach(gc_, db_, all));
}

void Store::AttachC() {
  std::vector<rgc_column_family_t> all;
  for (int family = 0; family < families(); ++family) {
    all.push_back({sizeof(rgc_column_family_t), kRoles[family], kNames[family], c_handles_[family]});
  }
  Checked("attach", [&](char** error) { library_->rgc_attach_rocksdb(gc_.get(), c_db_, all.data(), all.size(), error); });
}

void Store::Write(const std::vector<Put>& puts, const Model& model) {
  db::WriteBatch batch;
  for (const auto& change : model.Changes(puts)) {
    db::ColumnFamilyHandle* handle = handles_[change.family];
    Must("batch", change.deletes ? batch.Delete(handle, change.key) : batch.Put(handle, change.key, change.value));
  }
  db::WriteOptions options;
  options.sync = settings_.wal;
  options.disableWAL = !settings_.wal;
  Must("write", db_->Write(options, &batch));
}

void Store::Flush(int family) { Must("flush", db_->Flush(db::FlushOptions(), handles_[family])); }

void Store::FlushAll() { Must("flush", db_->Flush(db::FlushOptions(), handles_)); }

void Store::Compact(int family, bool last_level_too) {
  db::CompactRangeOptions options;
  using Bottommost = db::BottommostLevelCompaction;
  options.bottommost_level_compaction = last_level_too ? Bottommost::kForce : Bottommost::kIfHaveCompactionFilter;
  options.exclusive_manual_compaction = false;
  Must("compact", db_->CompactRange(options, handles_[family], nullptr, nullptr));
}

void Store::AdvanceSafePoint(uint32_t keyspace, uint64_t ts) {
  Checked("safe point", [&](char** error) { library_->rgc_advance_keyspace_safe_point(gc_.get(), keyspace, ts, error); });
}

void Store::Destroy(const std::vector<Range>& ranges, uint32_t keyspace_or_none, bool reusable) {
  const int flags = reusable ? RGC_DESTROY_REUSABLE : 0;
  Checked("destroy", [&](char** error) {
    if (keyspace_or_none != kNoKeyspace) return library_->rgc_destroy_keyspace(gc_.get(), keyspace_or_none, flags, nullptr, error);
    const std::string &start = ranges[0].first, &end = ranges[0].second;
    library_->rgc_destroy_range(gc_.get(), start.data(), start.size(), end.data(), end.size(), flags, nullptr, error);
  });
}

std::vector<Range> Store::RangesOf(uint32_t keyspace) const {
  std::vector<Range> ranges;
  for (const int mode : {RGC_MODE_RAW, RGC_MODE_TXN}) {
    rgc_range_t range{};
    range.struct_size = sizeof(range);
    Checked("range", [&](char** error) { library_->rgc_keyspace_range(gc_.get(), mode, keyspace, &range, error); });
    ranges.emplace_back(std::string(range.start, range.start_len), std::string(range.end, range.end_len));
    library_->rgc_free(range.start);
    library_->rgc_free(range.end);
  }
  return ranges;
}

void Store::Recheck() {
  Checked("recheck", [&](char** error) { library_->rgc_recheck_destroyed(gc_.get(), kLater, nullptr, error); });
}

void Store::Collect() {
  Checked("collect", [&](char** error) { library_->rgc_collect(gc_.get(), nullptr, nullptr, 0, nullptr, 0, 0, nullptr, error); });
}

void Store::Drain() {
  size_t left = 0;
  Checked("drain", [&](char** error) { left = library_->rgc_drain(gc_.get(), kDrainMilliseconds, error); });
  Must("drain", left == 0 ? "" : std::to_string(left) + " rows are still pending");
}

Contents Store::Read() const {
  Contents contents;
  db::ReadOptions options;
  // The worker may be at work.
  db::ManagedSnapshot snapshot(db_);
  options.snapshot = snapshot.snapshot();
  for (int family = 0; family < families(); ++family) {
    std::unique_ptr<db::Iterator> it(db_->NewIterator(options, handles_[family]));
    for (it->SeekToFirst(); it->Valid(); it->Next()) contents.of[family].emplace(it->key().ToString(), it->value().ToString());
    Must("read", it->status());
  }
  return contents;
}
