/* rocks_gc_rocksdb.h - rocks-gc for C++ servers. Header-only: the host compiles it with its own
 * RocksDB, 7.0 to 11.
 *
 *     rocks_gc::Library library = rocks_gc::Library::Load("librocks_gc.so.1");   // or ::Linked()
 *     rocks_gc::Context gc = rocks_gc::Context::Create(library, "data_prefix=z");
 *     rocksdb::Options options;
 *     rocksdb::Status s = rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options);
 *     ... DB::Open with these options ...
 *
 * It needs C++17; with RocksDB 10.7 and later, C++20. It needs neither exceptions nor RTTI. It can
 * do more than RocksDB's C API. It can remove a version without a tombstone (skip). It does not
 * read values in blob files where the key decides. It sees wide columns and keeps them. A filter
 * knows whether it writes the last level, so that nothing older lies below.
 *
 * How a filter learns its level. RocksDB does not tell a filter factory. But it calls
 * OnSubcompactionBegin with the output level, on the filter's own thread, between the creation of
 * the filter and its first key:
 *
 *     CreateCompactionFilter      forgets what this thread was told
 *     OnSubcompactionBegin        this thread writes level 6 of column family 0
 *     FilterV2 ...                first key: is that the last level? The answer is final
 *     OnSubcompactionCompleted    forgets
 *
 * Without the listener, or where RocksDB does not call it (at shutdown; in a cancelled manual
 * compaction), the level is unknown. Less is collected then, and nothing is lost. */
#ifndef ROCKS_GC_ROCKSDB_H
#define ROCKS_GC_ROCKSDB_H

#include <rocksdb/compaction_filter.h>
#include <rocksdb/comparator.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/table_properties.h>
#include <rocksdb/version.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "rocks_gc_library.h"
#include "rocks_gc_rocksdb_collector.h"

namespace rocks_gc {

/* ---------------------------------------------------------------- RocksDB by version
 *
 * Every conditional on the version is in this section. */

#define ROCKS_GC_ROCKSDB_VERSION (ROCKSDB_MAJOR * 1000 + ROCKSDB_MINOR)
#if ROCKS_GC_ROCKSDB_VERSION < 7000
#error "rocks_gc_rocksdb.h needs RocksDB 7.0 or later; with an older one use rocks_gc_rocksdb_c.h"
#endif

namespace detail {

namespace db = ROCKSDB_NAMESPACE;
using Decision = db::CompactionFilter::Decision;
using ValueType = db::CompactionFilter::ValueType;

/* A filter that passes every key to Self::Decide. */
template <class Self>
class AnyFilter : public db::CompactionFilter {
 public:
  Decision FilterV2(int level, const db::Slice& key, ValueType type, const db::Slice& value,
                    std::string*, std::string* skip_until) const override {
    return static_cast<const Self*>(this)->Decide(
        level, key, type == ValueType::kValue ? RGC_VALUE : RGC_MERGE_OPERAND, value, skip_until);
  }
#if ROCKS_GC_ROCKSDB_VERSION >= 8000
  Decision FilterV3(int level, const db::Slice& key, ValueType type, const db::Slice* value,
                    const db::WideColumns*, std::string* new_value,
                    std::vector<std::pair<std::string, std::string>>*,
                    std::string* skip_until) const override {
    if (value != nullptr) {
      return AnyFilter::FilterV2(level, key, type, *value, new_value, skip_until);
    }
    return static_cast<const Self*>(this)->Decide(level, key, RGC_WIDE_COLUMNS, db::Slice(),
                                                  skip_until);
  }
#endif
};

/* What the listener tells a filter, on the filter's own thread. */
struct Job {
  bool told = false;
  uint32_t column_family_id = 0;
  int output_level = -1;
  db::TablePropertiesCollection inputs; /* all of them; or none, if they are not known */
};
inline thread_local Job current_job;

#if ROCKS_GC_ROCKSDB_VERSION >= 8007
/* RocksDB shows a filter factory the properties of every input file, or of none. */
constexpr bool kInputsAreCertain = true;
inline const db::TablePropertiesCollection& InputsOf(const db::CompactionFilter::Context& context) {
  return context.input_table_properties;
}
inline int StartLevelOf(const db::CompactionFilter::Context& context) {
  return context.input_start_level;
}
inline void FilterIsMade() { current_job = Job(); }
class JobListener : public db::EventListener {
 public:
  void OnSubcompactionBegin(const db::SubcompactionJobInfo& job) override {
    current_job = {true, job.cf_id, job.output_level, {}};
  }
};
#else
/* Only listeners know the inputs, on the thread of a compaction's first filter, before that filter
 * is created. The other filters of the compaction do without them. The number of a job identifies
 * nothing: CompactFiles announces none, and a DB that is opened again counts from the beginning. So
 * before the filter's first key the inputs may be those of another compaction. Until then they
 * serve only to find out whether a filter is needed. */
constexpr bool kInputsAreCertain = false;
inline int StartLevelOf(const db::CompactionFilter::Context&) { return -1; }
struct Compaction {
  int job_id = -1; /* -1 means none */
  uint32_t column_family_id = 0;
  int start_level = -1;
  int output_level = -1;
  db::TablePropertiesCollection inputs;
};
inline thread_local Compaction announced, of_this_filter;
inline const db::TablePropertiesCollection& InputsOf(const db::CompactionFilter::Context& context) {
  static const auto* none = new db::TablePropertiesCollection;
  const bool same = of_this_filter.job_id >= 0 &&
                    of_this_filter.column_family_id == context.column_family_id;
  return same ? of_this_filter.inputs : *none;
}
inline void FilterIsMade() {
  current_job = Job();
  of_this_filter = std::move(announced);
  announced = Compaction();
}
class JobListener : public db::EventListener {
 public:
  void OnCompactionBegin(db::DB*, const db::CompactionJobInfo& job) override {
    ROCKS_GC_TRY_ {
      announced = {job.job_id, job.cf_id, job.base_input_level, job.output_level,
                   job.table_properties};
      const auto known = [&](const std::string& file) {
        return job.table_properties.count(file) != 0;
      };
      if (!std::all_of(job.input_files.begin(), job.input_files.end(), known)) {
        announced.inputs.clear();
      }
    }
    /* without memory nothing is known of the inputs */
    ROCKS_GC_CATCH_ { announced = Compaction(); }
  }
  void OnCompactionCompleted(db::DB*, const db::CompactionJobInfo&) override {
    announced = Compaction();
  }
  void OnSubcompactionBegin(const db::SubcompactionJobInfo& job) override {
    Compaction& compaction = of_this_filter;
    const bool same = compaction.job_id == job.job_id && compaction.column_family_id == job.cf_id &&
                      compaction.start_level == job.base_input_level &&
                      compaction.output_level == job.output_level;
    current_job = {true, job.cf_id, job.output_level,
                   same ? std::move(compaction.inputs) : db::TablePropertiesCollection()};
    compaction = Compaction();
  }
};
#endif

/* ---------------------------------------------------------------- end of the conditionals */

/* ColumnFamilyOptions::cf_allow_ingest_behind, if this RocksDB has it. */
template <class Options>
auto ColumnFamilyIngestsBehind(const Options& options, int)
    -> decltype(bool(options.cf_allow_ingest_behind)) {
  return options.cf_allow_ingest_behind;
}
template <class Options>
bool ColumnFamilyIngestsBehind(const Options&, long) {
  return false;
}

/* Properties of files as structs of rocks_gc.h. */
class Inputs {
 public:
  explicit Inputs(const db::TablePropertiesCollection& files) {
    for (const auto& [path, file] : files) {
      auto& collected = collected_.emplace_back();
      for (const auto& [name, value] : file->user_collected_properties) {
        collected.push_back({name.data(), name.size(), value.data(), value.size()});
      }
      inputs_.push_back({sizeof(rgc_table_properties_t), file->num_entries, file->num_deletions,
                         file->num_range_deletions, collected.data(), collected.size()});
    }
  }
  const rgc_table_properties_t* data() const { return inputs_.data(); }
  size_t size() const { return inputs_.size(); }

 private:
  std::vector<std::vector<rgc_property_t>> collected_;
  std::vector<rgc_table_properties_t> inputs_;
};

/* Knows which level of a column family is the last one. */
class LastLevel {
 public:
  void Learn(const db::DBOptions& db_options, const db::ColumnFamilyOptions& options) {
    Saw(options.num_levels - 1);
    if (db_options.allow_ingest_behind || ColumnFamilyIngestsBehind(options, 0)) {
      ingests_behind_ = true;
    }
  }
  /* From here on the level may be trusted: DB::Open has shown the options that are in force. */
  void Confirm() { confirmed_ = true; }
  /* Tells that the column family has this level. */
  void Saw(int level) {
    int highest = level_;
    while (level > highest && !level_.compare_exchange_weak(highest, level)) {
    }
  }
  bool Is(int level) const {
    return confirmed_ && !ingests_behind_ && level > 0 && level == level_;
  }
  int level() const { return level_; }
  /* The host may ingest older data below the last level's files. */
  bool ingests_behind() const { return ingests_behind_; }

 private:
  std::atomic<int> level_{0};
  std::atomic<bool> confirmed_{false};
  std::atomic<bool> ingests_behind_{false};
};

/* Converts an error text of rocks_gc.h, "Kind: what", to a Status. The Status carries the kind
 * itself. */
inline db::Status StatusOf(const std::string& error) {
  const size_t colon = error.find(": ");
  const std::string kind = error.substr(0, colon);
  const std::string what = colon != std::string::npos ? error.substr(colon + 2) : error;
  if (kind == "Not found") return db::Status::NotFound(what);
  if (kind == "Not supported") return db::Status::NotSupported(what);
  if (kind == "Corruption") return db::Status::Corruption(what);
  if (kind == "Aborted") return db::Status::Aborted(what);
  if (kind == "Busy") return db::Status::Busy(what);
  if (kind == "IO error") return db::Status::IOError(what);
  return db::Status::InvalidArgument(kind == "Invalid argument" ? what : error);
}

/* Checks what must be true of a column family whose versions are judged. */
inline db::Status Judgeable(const db::ColumnFamilyOptions& options) {
  const db::Comparator* comparator = options.comparator;
  if (comparator == nullptr ||
      std::strcmp(comparator->Name(), db::BytewiseComparator()->Name()) != 0 ||
      comparator->timestamp_size() != 0) {
    return db::Status::InvalidArgument(
        "rocks_gc needs the bytewise comparator without user-defined timestamps",
        comparator != nullptr ? comparator->Name() : "NULL");
  }
  if (options.table_factory != nullptr &&
      std::strcmp(options.table_factory->Name(), "PlainTable") == 0) {
    return db::Status::NotSupported("rocks_gc cannot skip in plain tables; use block-based ones");
  }
  if (options.compaction_style == db::kCompactionStyleFIFO) {
    return db::Status::NotSupported(
        "rocks_gc needs compactions, and compaction filters never run with kCompactionStyleFIFO");
  }
  return db::Status::OK();
}

/* Every rgc_t that has an attached store. rocks_gc_rocksdb_store.h adds and removes it. */
class AttachedContexts {
 public:
  static void Add(const rgc_t* gc) {
    const std::lock_guard<std::mutex> lock(Instance().mutex_);
    Instance().all_.push_back(gc);
  }
  static void Remove(const rgc_t* gc) {
    const std::lock_guard<std::mutex> lock(Instance().mutex_);
    auto& all = Instance().all_;
    const auto found = std::find(all.begin(), all.end(), gc);
    if (found != all.end()) all.erase(found);
  }
  static bool Has(const rgc_t* gc) {
    const std::lock_guard<std::mutex> lock(Instance().mutex_);
    const auto& all = Instance().all_;
    return std::find(all.begin(), all.end(), gc) != all.end();
  }

 private:
  /* Never freed: a DB may close while static objects are destroyed. */
  static AttachedContexts& Instance() {
    static auto* instance = new AttachedContexts;
    return *instance;
  }
  std::mutex mutex_;
  std::vector<const rgc_t*> all_;
};

}  // namespace detail

/* ---------------------------------------------------------------- the filter */

/* The filter of one compaction. */
class Filter final : public detail::AnyFilter<Filter> {
 public:
  Filter(const Library& library, rgc_filter_t* run, std::shared_ptr<detail::LastLevel> last_level,
         uint32_t column_family_id, bool level_is_known)
      : library_(library),
        functions_(library.functions()),
        run_(run),
        last_level_(std::move(last_level)),
        column_family_id_(column_family_id),
        level_is_known_(level_is_known) {}
  ~Filter() override { functions_.rgc_filter_destroy(run_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  const char* Name() const override { return "rocks_gc.filter"; }

  detail::Decision Decide(int level, const detail::db::Slice& key, int value_type,
                          const detail::db::Slice& value, std::string* skip_until) const {
    if (!begun_) Begin(level);
    const char* until = nullptr;
    size_t until_len = 0;
    const int decision =
        functions_.rgc_filter_decide(run_, level, value_type, key.data(), key.size(), value.data(),
                                     value.size(), &until, &until_len);
    return Answer(decision, until, until_len, skip_until);
  }

  /* Only if the answer is kUndetermined, RocksDB reads the value and asks again with it. */
  detail::Decision FilterBlobByKey(int level, const detail::db::Slice& key, std::string*,
                                   std::string* skip_until) const override {
    if (!begun_) Begin(level);
    const char* until = nullptr;
    size_t until_len = 0;
    const int decision = functions_.rgc_filter_decide_by_key(run_, level, key.data(), key.size(),
                                                             &until, &until_len);
    return Answer(decision, until, until_len, skip_until);
  }

 private:
  static detail::Decision Answer(int decision, const char* until, size_t until_len,
                                 std::string* skip_until) {
    switch (decision) {
      case RGC_REMOVE:
        return detail::Decision::kRemove;
      case RGC_REMOVE_AND_SKIP_UNTIL:
        ROCKS_GC_TRY_ { skip_until->assign(until, until_len); }
        ROCKS_GC_CATCH_ { return detail::Decision::kRemove; }
        return detail::Decision::kRemoveAndSkipUntil;
      case RGC_UNDETERMINED:
        return detail::Decision::kUndetermined;
      default:
        return detail::Decision::kKeep;
    }
  }

  /* The first key: what the listener has told this thread is valid for the whole life of the
   * filter. */
  void Begin(int level) const {
    begun_ = true;
    const detail::Job job = std::move(detail::current_job);
    detail::current_job = detail::Job();
    const bool told = job.told && job.column_family_id == column_family_id_;
    last_level_->Saw(level);
    if (told) last_level_->Saw(job.output_level);
    if (!level_is_known_ &&
        ((told && last_level_->Is(job.output_level)) || last_level_->Is(level))) {
      functions_.rgc_filter_set_bottommost(run_, 1);
    }
    const bool known = told && TellInputs(job.inputs);
    if (!known && !detail::kInputsAreCertain) {
      functions_.rgc_filter_set_inputs(run_, nullptr, 0, nullptr);
    }
  }

  /* False means that nothing is known of the inputs, or that there is no memory for them. */
  bool TellInputs(const detail::db::TablePropertiesCollection& files) const {
    ROCKS_GC_TRY_ {
      const detail::Inputs inputs(files);
      if (inputs.size() == 0) return false;
      functions_.rgc_filter_set_inputs(run_, inputs.data(), inputs.size(), nullptr);
      return true;
    }
    ROCKS_GC_CATCH_ { return false; }
  }

  const Library library_;
  const Functions& functions_;
  rgc_filter_t* const run_;
  const std::shared_ptr<detail::LastLevel> last_level_;
  const uint32_t column_family_id_;
  const bool level_is_known_;
  mutable bool begun_ = false;
};

/* ---------------------------------------------------------------- the options */

/* Tells filters their level. A DB needs one; more do no harm. */
class Listener final : public detail::JobListener {
 public:
  const char* Name() const override { return "rocks_gc.listener"; }
  void OnSubcompactionCompleted(const detail::db::SubcompactionJobInfo&) override {
    detail::current_job = detail::Job();
  }
};

/* Creates a filter for each compaction that needs one. It holds a reference to its rgc_t, which may
 * be destroyed before the factory. */
class Factory final : public detail::db::CompactionFilterFactory {
 public:
  /* kind must be one that rgc_factory_state accepts. reference is what it returned. */
  Factory(const Library& library, rgc_t* gc, int kind, void* reference)
      : library_(library),
        gc_(gc),
        kind_(kind),
        reference_(reference),
        last_level_(std::make_shared<detail::LastLevel>()) {}
  ~Factory() override { library_->rgc_factory_destructor(reference_); }
  Factory(const Factory&) = delete;
  Factory& operator=(const Factory&) = delete;

  /* "rocks_gc.default" and so on. OPTIONS files record it. */
  const char* Name() const override { return library_->rgc_factory_name(reference_); }

  bool ShouldFilterTableFileCreation(detail::db::TableFileCreationReason reason) const override {
    return reason == detail::db::TableFileCreationReason::kCompaction;
  }

  std::unique_ptr<detail::db::CompactionFilter> CreateCompactionFilter(
      const detail::db::CompactionFilter::Context& context) override {
    /* RocksDB does not handle exceptions. Without memory there is no filter, and everything is
     * kept. */
    ROCKS_GC_TRY_ { return Make(context); }
    ROCKS_GC_CATCH_ { return nullptr; }
  }

  /* DB::Open calls this with the options that are in force from then on. CreateColumnFamily does
   * not. */
  detail::db::Status ValidateOptions(
      const detail::db::DBOptions& db_options,
      const detail::db::ColumnFamilyOptions& options) const override {
    /* Filters of the other DB would drop what the ledger of the attached one records (H8). */
    if (detail::AttachedContexts::Has(gc_)) {
      return detail::db::Status::InvalidArgument(
          "this rgc_t has an attached store, and one rgc_t serves one DB; make another rgc_t for "
          "this DB");
    }
    last_level_->Learn(db_options, options);
    last_level_->Confirm();
    return detail::Judgeable(options);
  }

  detail::LastLevel& last_level() const { return *last_level_; }

 private:
  std::unique_ptr<detail::db::CompactionFilter> Make(
      const detail::db::CompactionFilter::Context& context) const {
    detail::FilterIsMade();
    const detail::Inputs inputs(detail::InputsOf(context));
    rgc_compaction_t compaction{};
    compaction.struct_size = sizeof(compaction);
    compaction.is_full = context.is_full_compaction ? 1 : 0;
    compaction.is_manual = context.is_manual_compaction ? 1 : 0;
    const bool bottommost = context.is_full_compaction && !last_level_->ingests_behind();
    compaction.is_bottommost = bottommost ? 1 : -1;
    compaction.start_level = detail::StartLevelOf(context);
    compaction.output_level = -1;
    compaction.column_family_id = context.column_family_id;
    compaction.inputs = inputs.data();
    compaction.num_inputs = inputs.size();
    rgc_filter_t* run = library_->rgc_filter_create(gc_, kind_, &compaction, nullptr);
    if (run == nullptr) return nullptr;
    std::unique_ptr<Filter> filter(new (std::nothrow) Filter(library_, run, last_level_,
                                                             context.column_family_id, bottommost));
    if (filter == nullptr) library_->rgc_filter_destroy(run);
    return filter;
  }

  const Library library_;
  rgc_t* const gc_;
  const int kind_;
  void* const reference_;
  const std::shared_ptr<detail::LastLevel> last_level_;
};

/* Installs the collection of one column family in its options, before open: the filter factory, the
 * factory of table properties, and the listener unless the DB's options have one already. One rgc_t
 * serves one DB. The host calls Install for each column family of the DB that has data. db_options
 * and options may be one object. On success *what, if given, says what was set.
 *
 * The host must call Install after it has set everything else. It must use these options for this
 * column family only: Install reads from the options which level is the last one, and DB::Open
 * reads it once more. CreateColumnFamily does not show a new column family to the factory. Its last
 * level is unknown until the DB is opened the next time. It is also unknown in a remote compaction.
 *
 * OPTIONS files hold the names of the two factories. A program without the plugin of rocks-gc that
 * loads such a file (LoadLatestOptions) gets options without them, and calls Install again. If it
 * sets ConfigOptions::ignore_unsupported_options to false, loading fails. Install replaces a
 * factory of table properties that the plugin has made; it never adds a second one.
 *
 * The properties have TiKV's names. If the host has TiKV's collectors too, RocksDB stores the
 * properties of the factory that comes first, and a debug build of RocksDB fails an assertion.
 *
 * While a store is attached to this rgc_t, DB::Open with these options is refused: that would be a
 * second DB.
 * Errors: a comparator that is not bytewise or has timestamps; plain tables; FIFO compaction;
 *   another compaction filter; an unknown kind. After an error nothing has changed. */
[[nodiscard]] inline detail::db::Status Install(const Library& library, rgc_t* gc, int kind,
                                                detail::db::DBOptions* db_options,
                                                detail::db::ColumnFamilyOptions* options,
                                                std::string* what = nullptr) {
  using detail::db::Status;
  if (!library.ok()) return detail::StatusOf(library.error());
  if (db_options == nullptr || options == nullptr) {
    return Status::InvalidArgument("rocks_gc::Install: options are NULL");
  }
  if (options->compaction_filter != nullptr || options->compaction_filter_factory != nullptr) {
    return Status::InvalidArgument(
        "rocks_gc::Install: the column family has a compaction filter already",
        options->compaction_filter != nullptr ? options->compaction_filter->Name()
                                              : options->compaction_filter_factory->Name());
  }
  const Status judgeable = detail::Judgeable(*options);
  if (!judgeable.ok()) return judgeable;
  void* reference = nullptr;
  const auto refer = [&](char** errptr) {
    reference = library->rgc_factory_state(gc, kind, errptr);
  };
  std::string error = detail::ErrorOf(library.functions(), refer);
  if (!error.empty()) return detail::StatusOf(error);
  auto factory = std::make_shared<Factory>(library, gc, kind, reference);
  error = detail::ErrorOf(library.functions(), refer);
  if (!error.empty()) return detail::StatusOf(error);
  auto collector = std::make_shared<CollectorFactory>(library, gc, kind, reference);
  factory->last_level().Learn(*db_options, *options);
  const auto is_ours = [](const std::shared_ptr<detail::db::EventListener>& listener) {
    return listener != nullptr && std::strcmp(listener->Name(), Listener().Name()) == 0;
  };
  const bool listens =
      std::any_of(db_options->listeners.begin(), db_options->listeners.end(), is_ours);
  if (!listens) db_options->listeners.push_back(std::make_shared<Listener>());
  if (what != nullptr) {
    *what = std::string("compaction_filter_factory=") + factory->Name() +
            "; table_properties_collector_factories+=" + collector->Name() +
            (listens ? "; listener was there" : "; listener added") +
            (factory->last_level().ingests_behind()
                 ? "; ingest-behind: no level is the last one"
                 : "; the last level is " + std::to_string(factory->last_level().level()));
  }
  auto& collectors = options->table_properties_collector_factories;
  const auto is_old = [](const std::shared_ptr<detail::db::TablePropertiesCollectorFactory>& old) {
    return old != nullptr && std::strncmp(old->Name(), "rocks_gc.", 9) == 0;
  };
  collectors.erase(std::remove_if(collectors.begin(), collectors.end(), is_old), collectors.end());
  collectors.push_back(std::move(collector));
  options->compaction_filter_factory = std::move(factory);
  return Status::OK();
}

[[nodiscard]] inline detail::db::Status Install(const Context& context, int kind,
                                                detail::db::DBOptions* db_options,
                                                detail::db::ColumnFamilyOptions* options,
                                                std::string* what = nullptr) {
  if (!context.ok()) return detail::StatusOf(context.error());
  return Install(context.library(), context.get(), kind, db_options, options, what);
}

}  // namespace rocks_gc

#endif
