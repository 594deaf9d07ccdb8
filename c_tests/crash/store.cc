// store.cc - see store.h.
#include "store.h"

#include <rocksdb/snapshot.h>

#include "../cpp_check.h"

namespace {

constexpr int kRoles[FAMILIES] = {RGC_CF_DEFAULT, RGC_CF_WRITE, RGC_CF_LOCK, RGC_CF_OTHER, RGC_CF_LEDGER};
// The second context's worker serves what it has.
int RoleOf(int family, int context) { return context == SECOND ? RGC_CF_DEFAULT : kRoles[family]; }

constexpr uint64_t kLater = uint64_t{1} << 40;
constexpr uint64_t kDrainMilliseconds = 10000;

} // namespace

void Store::Must(const char* what, const std::string& error) const {
  if (error.empty()) return;
  std::fprintf(stderr, "%s: %s: %s\n", settings_.folder.c_str(), what, error.c_str());
  std::_Exit(1);
}

Store::Store(const Settings& settings, const std::function<void(const char*)>& on_log)
    : settings_(settings), library_(rocks_gc::Library::Load(settings.library)) {
  Must("load", library_.error());
  for (int context = FIRST; context < contexts(); ++context) gc_[context] = MakeContext(context);
  const bool is_set = library_.SetLogger(
      [this, on_log](int level, const char* message) {
        if (level <= RGC_LOG_ERROR) Must("the library's log", message);
        on_log(message);
      },
      RGC_LOG_DEBUG);
  Must("the logger", is_set ? "" : "refused");
}

// Batches are small, so that long rows take several.
rocks_gc::Context Store::MakeContext(int context) const {
  rocks_gc::Context made = rocks_gc::Context::Create(
      library_, "delete_batch_bytes=400;recheck=manual;recheck_seconds=0;data_prefix=" + settings_.prefix + ";ledger_prefix=0x" +
                    Hex(kLedgerPrefixes[context]) + ";delete_range_min_keys=" + std::to_string(settings_.range_min_keys) +
                    ";delete_bytes_per_second=" + std::to_string(settings_.bytes_per_second));
  Must("create", made.error());
  for (const uint32_t keyspace : kKeyspaces) {
    Must("types", made.Call(&rocks_gc::Functions::rgc_set_keyspace_gc_type, keyspace, RGC_GC_KEYSPACE_LEVEL));
  }
  return made;
}

void Store::Attach() {
  for (int context = FIRST; context < contexts(); ++context) {
    settings_.c_engine() ? AttachC(context) : Must("attach", AttachAdaptor(gc_[context], context));
  }
  // Attach refuses a registered keyspace that is destroyed, so the host registers them after
  // attach; each destroyed one is then refused alone.
  for (uint32_t doomed = kDoomedKeyspaces; doomed <= kLastDoomedKeyspace; ++doomed) {
    rocks_gc::detail::ErrorOf(library_.functions(), [&](char** error) {
      library_->rgc_set_keyspace_gc_type(gc(FIRST), doomed, RGC_GC_KEYSPACE_LEVEL, error);
    });
  }
}

void Store::PauseDoomed() {
  for (uint32_t doomed = kDoomedKeyspaces; doomed <= kLastDoomedKeyspace; ++doomed) {
    Checked("pause", [&](char** error) { library_->rgc_pause_keyspace(gc(FIRST), doomed, error); });
  }
}

void Store::Detach() {
  for (int context = FIRST; context < contexts(); ++context) Must("detach", library_->rgc_detach(gc(context)) != 0 ? "" : "refused");
}

std::string Store::AttachAdaptor(const rocks_gc::Context& gc, int context) {
  std::vector<rocks_gc::Family> all;
  for (int family = 0; family < families(); ++family) {
    if (ContextOf(family) == context) all.push_back({RoleOf(family, context), handles_[family]});
  }
  const db::Status status = rocks_gc::Attach(gc, db_, all);
  return status.ok() ? "" : status.ToString();
}

void Store::AttachC(int context) {
  std::vector<rgc_column_family_t> all;
  for (int family = 0; family < families(); ++family) {
    if (ContextOf(family) != context) continue;
    all.push_back({sizeof(rgc_column_family_t), RoleOf(family, context), kFamilyNames[family], c_handles_[family]});
  }
  Checked("attach", [&](char** error) { library_->rgc_attach_rocksdb(gc(context), c_db_, all.data(), all.size(), error); });
}

void Store::RefuseTwin() {
  const rocks_gc::Context twin = MakeContext(FIRST);
  CHECK_CONTAINS(AttachAdaptor(twin, FIRST), "a ledger is one context's");
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

void Store::Flush(int family) {
  if (Has(family)) Must("flush", db_->Flush(db::FlushOptions(), handles_[family]));
}

void Store::FlushAll() {
  std::vector<db::ColumnFamilyHandle*> all;
  for (int family = 0; family < families(); ++family) {
    if (Has(family)) all.push_back(handles_[family]);
  }
  Must("flush", db_->Flush(db::FlushOptions(), all));
}

void Store::DropExtra() {
  dropped_extra_ = true;
  Must("drop", db_->DropColumnFamily(handles_[EXTRA]));
}

void Store::Compact(int family, bool last_level_too) {
  if (!Has(family)) return;
  db::CompactRangeOptions options;
  using Bottommost = db::BottommostLevelCompaction;
  options.bottommost_level_compaction = last_level_too ? Bottommost::kForce : Bottommost::kIfHaveCompactionFilter;
  options.exclusive_manual_compaction = false;
  Must("compact", db_->CompactRange(options, handles_[family], nullptr, nullptr));
}

void Store::AdvanceSafePoint(uint32_t keyspace, uint64_t ts) {
  for (int context = FIRST; context < contexts(); ++context) {
    Checked("safe point", [&](char** error) { library_->rgc_advance_keyspace_safe_point(gc(context), keyspace, ts, error); });
  }
}

void Store::Destroy(int context, const std::vector<Range>& ranges, uint32_t keyspace_or_none, bool reusable) {
  const int flags = reusable ? RGC_DESTROY_REUSABLE : 0;
  Checked("destroy", [&](char** error) {
    if (keyspace_or_none != kNoKeyspace) return library_->rgc_destroy_keyspace(gc(context), keyspace_or_none, flags, nullptr, error);
    const std::string &start = ranges[0].first, &end = ranges[0].second;
    library_->rgc_destroy_range(gc(context), start.data(), start.size(), end.data(), end.size(), flags, nullptr, error);
  });
}

void Store::DestroyAfter(const Range& range, uint64_t ts) {
  const auto& [start, end] = range;
  Checked("destroy after", [&](char** error) {
    library_->rgc_destroy_range_after(gc(FIRST), start.data(), start.size(), end.data(), end.size(), ts, 0, error);
  });
}

void Store::TakeBack(const Range& range) {
  const auto& [start, end] = range;
  Checked("take back", [&](char** error) {
    library_->rgc_take_back_destroy_range(gc(FIRST), start.data(), start.size(), end.data(), end.size(), error);
  });
}

std::vector<Range> Store::RangesOf(uint32_t keyspace) const {
  std::vector<Range> ranges;
  for (const int mode : {RGC_MODE_RAW, RGC_MODE_TXN}) {
    rgc_range_t range{};
    range.struct_size = sizeof(range);
    Checked("range", [&](char** error) { library_->rgc_keyspace_range(gc(FIRST), mode, keyspace, &range, error); });
    ranges.emplace_back(std::string(range.start, range.start_len), std::string(range.end, range.end_len));
    library_->rgc_free(range.start);
    library_->rgc_free(range.end);
  }
  return ranges;
}

void Store::Recheck(int context) {
  Checked("recheck", [&](char** error) { library_->rgc_recheck_destroyed(gc(context), kLater, nullptr, error); });
}

void Store::Collect() {
  Checked("collect", [&](char** error) { library_->rgc_collect(gc(FIRST), nullptr, nullptr, 0, nullptr, 0, 0, nullptr, error); });
}

size_t Store::Pending() const {
  size_t all = 0;
  for (int context = FIRST; context < contexts(); ++context) all += library_->rgc_worker_pending(gc(context));
  return all;
}

void Store::Drain() {
  for (int context = FIRST; context < contexts(); ++context) {
    size_t left = 0;
    Checked("drain", [&](char** error) { left = library_->rgc_worker_drain(gc(context), kDrainMilliseconds, error); });
    Must("drain", left == 0 ? "" : std::to_string(left) + " rows are still pending");
  }
}

Contents Store::Read() const {
  Contents contents;
  db::ReadOptions options;
  // The worker may be at work.
  db::ManagedSnapshot snapshot(db_);
  options.snapshot = snapshot.snapshot();
  for (int family = 0; family < families(); ++family) {
    if (!Has(family)) continue;
    std::unique_ptr<db::Iterator> it(db_->NewIterator(options, handles_[family]));
    for (it->SeekToFirst(); it->Valid(); it->Next()) contents.of[family].emplace(it->key().ToString(), it->value().ToString());
    Must("read", it->status());
  }
  return contents;
}
