// open.cc - how a store opens and closes: see store.h.
#include "store.h"

namespace {

constexpr int kKinds[FAMILIES] = {RGC_KIND_RAW, RGC_KIND_TXN, RGC_KIND_DROPPED_ONLY, RGC_KIND_RAW, -1};

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
  if (kKinds[family] >= 0 && settings_.adaptor) {
    Must("install", rocks_gc::Install(gc_[ContextOf(family)], kKinds[family], &options, &options));
  }
  return options;
}

void Store::Open(std::shared_ptr<db::FileSystem> file_system) {
  std::vector<db::Options> options;
  for (int family = 0; family < families(); ++family) options.push_back(MakeOptions(family, file_system));
  dropped_extra_ = false;
  settings_.adaptor ? OpenAdaptor(options) : OpenC(options);
}

void Store::OpenAdaptor(std::vector<db::Options> options) {
  // One listener serves all.
  for (int family = 0; family < families(); ++family) options[0].listeners = options[family].listeners;
  Families all;
  for (int family = 0; family < families(); ++family) all.emplace_back(kFamilyNames[family], options[family]);
  Must("open", OpenDB(options[0], settings_.db_path(), all, &handles_, &db_, 0));
}

void Store::OpenC(const std::vector<db::Options>& options) {
  for (int context = FIRST; context < contexts(); ++context) {
    Checked("bind", [&](char** error) { library_->rgc_bind_rocksdb_library(gc(context), nullptr, nullptr, error); });
  }
  std::vector<rocksdb_options_t*>& all = c_options_;
  for (int family = 0; family < families(); ++family) {
    all.push_back(rocksdb_options_create());
    // The C API's objects are structs whose first member is this.
    *reinterpret_cast<db::Options*>(all.back()) = options[family];
    if (kKinds[family] < 0) continue;
    Checked("factory", [&](char** error) {
      auto* factory = library_->rgc_rocksdb_filter_factory(gc(ContextOf(family)), kKinds[family], error);
      rocksdb_options_set_compaction_filter_factory(all.back(), factory);
    });
  }
  c_handles_.resize(static_cast<size_t>(families()));
  Checked("open", [&](char** error) {
    c_db_ = rocksdb_open_column_families(all[0], settings_.db_path().c_str(), families(), kFamilyNames, all.data(), c_handles_.data(), error);
  });
  db_ = *reinterpret_cast<db::DB**>(c_db_);
  for (rocksdb_column_family_handle_t* handle : c_handles_) handles_.push_back(*reinterpret_cast<db::ColumnFamilyHandle**>(handle));
}

void Store::Close() {
  if (c_db_ == nullptr) {
    for (db::ColumnFamilyHandle* handle : handles_) Must("handle", db_->DestroyColumnFamilyHandle(handle));
    delete db_;
  } else {
    for (rocksdb_column_family_handle_t* handle : c_handles_) rocksdb_column_family_handle_destroy(handle);
    rocksdb_close(c_db_);
    for (rocksdb_options_t* options : c_options_) rocksdb_options_destroy(options);
  }
  c_options_.clear();
  handles_.clear();
  c_db_ = nullptr;
  db_ = nullptr;
}
