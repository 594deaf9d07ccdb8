// rocks_gc_plugin.cc - see rocks_gc_plugin.h.
#include "rocks_gc_plugin.h"

#include <rocksdb/convenience.h>
#include <rocksdb/table_properties.h>
#include <rocksdb/utilities/options_type.h>

#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "rocks_gc_rocksdb.h"

namespace {

namespace db = ROCKSDB_NAMESPACE;
using db::Status;

// The names that the library gives its factories, known before it is loaded.
struct Kind {
  const char* name;
  int kind;
};
constexpr Kind kKinds[] = {
    {"rocks_gc.dropped_only", RGC_KIND_DROPPED_ONLY},
    {"rocks_gc.default", RGC_KIND_RAW},
    {"rocks_gc.write", RGC_KIND_TXN},
    {"rocks_gc.ttl_v1", RGC_KIND_TTL_V1},
};
constexpr char kSoname[] = "librocks_gc.so.1";

struct Settings {
  std::string library;
  std::string options;
};

// RocksDB writes OPTIONS files on one thread while another moves it.
using SafePoint = std::atomic<uint64_t>;

Status ParseSafePoint(const db::ConfigOptions&, const std::string& name, const std::string& value, void* address) {
  uint64_t number = 0;
  const char* end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number == UINT64_MAX) {
    return Status::InvalidArgument(name + " takes a number from 0 (none) to 18446744073709551614, not \"" + value + "\"");
  }
  *static_cast<SafePoint*>(address) = number;
  return Status::OK();
}

Status WriteSafePoint(const db::ConfigOptions&, const std::string&, const void* address, std::string* value) {
  *value = std::to_string(static_cast<const SafePoint*>(address)->load());
  return Status::OK();
}

bool SameSafePoint(const db::ConfigOptions&, const std::string&, const void* one, const void* other, std::string*) {
  return static_cast<const SafePoint*>(one)->load() == static_cast<const SafePoint*>(other)->load();
}

// RocksDB reads a text in braces, but writes it without.
Status WriteText(const db::ConfigOptions& config, const std::string& name, const void* address, std::string* value) {
  const Status status = db::OptionTypeInfo(0, db::OptionType::kString).Serialize(config, name, address, value);
  if (value->find_first_of(";=") != std::string::npos) *value = "{" + *value + "}";
  return status;
}

db::OptionTypeInfo Text(size_t offset) {
  return db::OptionTypeInfo(static_cast<int>(offset), db::OptionType::kString, db::OptionVerificationType::kNormal,
                            db::OptionTypeFlags::kNone, nullptr, &WriteText, nullptr);
}

using Types = std::unordered_map<std::string, db::OptionTypeInfo>;

// Never freed, as below: factories may outlive static data.
const Types* SettingTypes() {
  static const auto* types = new Types{
      {"library", Text(offsetof(Settings, library))},
      {"options", Text(offsetof(Settings, options))},
  };
  return types;
}

const Types* SafePointTypes() {
  static const auto* types = new Types{
      {"global_safe_point",
       {0, db::OptionType::kUInt64T, db::OptionVerificationType::kNormal, db::OptionTypeFlags::kNone, &ParseSafePoint, &WriteSafePoint,
        &SameSafePoint}},
  };
  return types;
}

// The library where no path was given: the process's, or where the loader looks.
rocks_gc::Library FindLibrary(std::string* error) {
  rocks_gc::Library in_process = rocks_gc::Library::InProcess();
  if (in_process.ok()) return in_process;
  rocks_gc::Library loaded = rocks_gc::Library::Load(kSoname);
  if (!loaded.ok()) {
    *error = "no librocks_gc (" + in_process.error() + "; " + loaded.error() + "); set library=/path/" + kSoname +
             ", or put it where the loader looks";
  }
  return loaded;
}

// A context, and a factory of this kind of its own.
template <class Factory>
struct Made {
  std::string Make(const Kind& kind, const Settings& settings) {
    std::string error;
    const rocks_gc::Library library = settings.library.empty() ? FindLibrary(&error) : rocks_gc::Library::Load(settings.library);
    if (!library.ok()) return error.empty() ? library.error() : error;
    gc = rocks_gc::Context::Create(library, settings.options);
    if (!gc.ok()) return gc.error();
    void* reference = nullptr;
    error = rocks_gc::detail::ErrorOf(library.functions(),
                                      [&](char** errptr) { reference = library->rgc_factory_state(gc.get(), kind.kind, errptr); });
    if (error.empty()) factory = std::make_unique<Factory>(library, gc.get(), kind.kind, reference);
    return error;
  }

  rocks_gc::Context gc;
  std::unique_ptr<Factory> factory;
};

// A factory with its own context, which RocksDB makes from text. Text goes in before open; from then on only the safe point moves.
class NamedFactory final : public db::CompactionFilterFactory {
 public:
  explicit NamedFactory(const Kind& kind) : kind_(kind) {
    RegisterOptions("rocks_gc", &settings_, SettingTypes());
    RegisterOptions("rocks_gc.safe_point", &safe_point_, SafePointTypes());
  }

  const char* Name() const override { return kind_.name; }

  // RocksDB calls it whenever text went in, into this object or one around it; and where it only reads back the OPTIONS file that it
  // wrote, with a factory that is thrown away and perhaps for one of Install's: nothing of that may load a library, or fail.
  Status PrepareOptions(const db::ConfigOptions& config) override {
    if (!config.invoke_prepare_options) return Status::OK();
    Status status = factory_ == nullptr ? Build() : Unchanged();
    if (status.ok()) status = Advance();
    return status.ok() ? CompactionFilterFactory::PrepareOptions(config) : status;
  }

  Status ValidateOptions(const db::DBOptions& db_options, const db::ColumnFamilyOptions& options) const override {
    if (factory_ == nullptr) return Error("it was not prepared; read its options with ConfigOptions::invoke_prepare_options");
    const Status status = CompactionFilterFactory::ValidateOptions(db_options, options);
    return status.ok() ? factory_->ValidateOptions(db_options, options) : status;
  }

  bool ShouldFilterTableFileCreation(db::TableFileCreationReason reason) const override {
    return factory_ != nullptr && factory_->ShouldFilterTableFileCreation(reason);
  }

  std::unique_ptr<db::CompactionFilter> CreateCompactionFilter(const db::CompactionFilter::Context& context) override {
    return factory_ != nullptr ? factory_->CreateCompactionFilter(context) : nullptr;
  }

 protected:
  // An unknown name is RocksDB's NotFound, from which the option around this object learns no more than its own name.
  Status ConfigureOptions(const db::ConfigOptions& config, const std::unordered_map<std::string, std::string>& values,
                          std::unordered_map<std::string, std::string>* unused) override {
    const Status status = CompactionFilterFactory::ConfigureOptions(config, values, unused);
    return status.IsNotFound() ? Error(status.ToString() + "; the options are library, options and global_safe_point") : status;
  }

 private:
  Status Error(const std::string& what) const { return Status::InvalidArgument(kind_.name, what); }

  Status Build() {
    Made<rocks_gc::Factory> made;
    const std::string error = made.Make(kind_, settings_);
    if (!error.empty()) return Error(error);
    // The bare name that Install leaves in OPTIONS files: the server's options are not known here. No safe point, so nothing goes, and
    // nothing may go by age.
    const bool nothing_may_go = kind_.kind == RGC_KIND_TTL_V1 && settings_.library.empty() && settings_.options.empty();
    if (nothing_may_go && made.gc->rgc_set_enabled(made.gc.get(), 0) == 0) return Error("rgc_set_enabled was refused");
    if (std::strcmp(made.factory->Name(), kind_.name) != 0) {
      return Error(std::string("the library calls this kind ") + made.factory->Name());
    }
    prepared_ = settings_;
    gc_ = std::move(made.gc);
    factory_ = std::move(made.factory);
    return Status::OK();
  }

  Status Unchanged() const {
    if (settings_.library == prepared_.library && settings_.options == prepared_.options) return Status::OK();
    return Error("library and options cannot change any more; make another factory");
  }

  Status Advance() {
    const uint64_t wanted = safe_point_;
    if (wanted == 0) return Status::OK();
    gc_->rgc_advance_global_safe_point(gc_.get(), wanted);
    const uint64_t now = gc_->rgc_global_safe_point(gc_.get());
    if (now == wanted) return Status::OK();
    return Error("global_safe_point=" + std::to_string(wanted) +
                 (now > wanted ? " is behind " + std::to_string(now) + ", which it was before; it moves forward only"
                               : " is further ahead of the clock than max_safe_point_ahead_seconds allows"));
  }

  const Kind& kind_;
  Settings settings_;
  SafePoint safe_point_{0};
  Settings prepared_;
  rocks_gc::Context gc_;
  std::unique_ptr<rocks_gc::Factory> factory_;
};

// Any other name of ours. RocksDB ignores a name that nobody knows, and would collect nothing; but what it reads back it may read.
class UnknownFactory final : public db::CompactionFilterFactory {
 public:
  explicit UnknownFactory(const std::string& name) : name_(name) {}
  const char* Name() const override { return name_.c_str(); }
  std::unique_ptr<db::CompactionFilter> CreateCompactionFilter(const db::CompactionFilter::Context&) override { return nullptr; }
  Status PrepareOptions(const db::ConfigOptions& config) override {
    if (!config.invoke_prepare_options) return Status::OK();
    std::string known;
    for (const Kind& kind : kKinds) known += std::string(known.empty() ? "" : ", ") + kind.name;
    return Status::InvalidArgument(name_, "no such factory in this plugin; it has " + known);
  }

 protected:
  Status ConfigureOptions(const db::ConfigOptions& config, const std::unordered_map<std::string, std::string>&,
                          std::unordered_map<std::string, std::string>*) override {
    return PrepareOptions(config);
  }

 private:
  const std::string name_;
};

// Adds nothing to a file.
class NoCollector final : public db::TablePropertiesCollector {
 public:
  const char* Name() const override { return "rocks_gc.no_collector"; }
  Status AddUserKey(const db::Slice&, const db::Slice&, db::EntryType, db::SequenceNumber, uint64_t) override { return Status::OK(); }
  Status Finish(db::UserCollectedProperties*) override { return Status::OK(); }
  db::UserCollectedProperties GetReadableProperties() const override { return {}; }
};

// A factory of collectors with its own context. RocksDB neither prepares nor validates it, and does not tell whether it only reads back
// an OPTIONS file. So it loads the library when it is used, and the only place for its error is RocksDB's info log.
class NamedCollectorFactory final : public db::TablePropertiesCollectorFactory {
 public:
  explicit NamedCollectorFactory(const Kind& kind) : kind_(kind), name_(CollectorName(kind)) {
    RegisterOptions("rocks_gc", &settings_, SettingTypes());
  }

  static std::string CollectorName(const Kind& kind) { return std::string(kind.name) + ".collector"; }

  const char* Name() const override { return name_.c_str(); }

  // DB::Open writes it into the info log.
  std::string ToString() const override {
    Prepare();
    return error_.empty() ? name_ : name_ + " collects nothing: " + error_;
  }

  db::TablePropertiesCollector* CreateTablePropertiesCollector(Context context) override {
    Prepare();
    if (made_.factory == nullptr) return new NoCollector;
    return made_.factory->CreateTablePropertiesCollector(context);
  }

 private:
  void Prepare() const {
    std::call_once(once_, [this] {
      // The bare name that Install leaves in OPTIONS files. With other options than the server's the keys would mean something else.
      const bool is_bare = settings_.library.empty() && settings_.options.empty();
      error_ = is_bare ? "it has neither library nor options" : made_.Make(kind_, settings_);
    });
  }

  const Kind& kind_;
  const std::string name_;
  Settings settings_;
  mutable std::once_flag once_;
  mutable Made<rocks_gc::CollectorFactory> made_;
  mutable std::string error_;
};

template <class Object, class Make>
void AddFactory(db::ObjectLibrary& library, const db::ObjectLibrary::PatternEntry& names, Make make) {
  library.AddFactory<Object>(names, [make](const std::string& name, std::unique_ptr<Object>* guard, std::string*) {
    *guard = make(name);
    return guard->get();
  });
}

}  // namespace

int rocks_gc_register(db::ObjectLibrary& library, const std::string&) {
  using Names = db::ObjectLibrary::PatternEntry;
  using db::CompactionFilterFactory;
  for (const Kind& kind : kKinds) {
    AddFactory<CompactionFilterFactory>(library, Names(kind.name),
                                        [&kind](const std::string&) { return std::make_unique<NamedFactory>(kind); });
    AddFactory<db::TablePropertiesCollectorFactory>(
        library, Names(NamedCollectorFactory::CollectorName(kind)),
        [&kind](const std::string&) { return std::make_unique<NamedCollectorFactory>(kind); });
  }
  AddFactory<CompactionFilterFactory>(library, Names("rocks_gc", false).AddSeparator("."),
                                      [](const std::string& name) { return std::make_unique<UnknownFactory>(name); });
  AddFactory<db::EventListener>(library, Names(rocks_gc::Listener().Name()),
                                [](const std::string&) { return std::make_unique<rocks_gc::Listener>(); });
  size_t types = 0;
  return static_cast<int>(library.GetFactoryCount(&types));
}
