/* rocks_gc_library.h - rocks_gc.h for C++17: the library by path or linked, and the context as a
 * value. It needs no RocksDB.
 *
 *     rocks_gc::Library library = rocks_gc::Library::Load("librocks_gc.so.1");
 *     rocks_gc::Context gc = rocks_gc::Context::Create(library, "data_prefix=z");
 *     if (!gc.ok()) return Fail(gc.error());
 *     gc->rgc_advance_global_safe_point(gc.get(), ts);
 *
 * Nothing here throws, except std::bad_alloc. Neither exceptions nor RTTI are needed. Errors are
 * texts: "Kind: what, with the value, and what to do". An empty text means success. */
#ifndef ROCKS_GC_LIBRARY_H
#define ROCKS_GC_LIBRARY_H

#include <dlfcn.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "rocks_gc.h"

#if defined(__cpp_exceptions)
#define ROCKS_GC_TRY_ try
#define ROCKS_GC_CATCH_ catch (...)
#else
#define ROCKS_GC_TRY_ if (true)
#define ROCKS_GC_CATCH_ else
#endif

namespace rocks_gc {

/* Every function of rocks_gc.h, by its name. */
struct Functions {
#define ROCKS_GC_FIELD_(function) decltype(&::function) function = nullptr;
  RGC_EVERY_FUNCTION(ROCKS_GC_FIELD_)
#undef ROCKS_GC_FIELD_
};

using Logger = std::function<void(int level, const char* message)>;
using Clock = std::function<uint64_t()>;

namespace detail {

/* How many of the adaptor's callbacks this thread is inside. */
inline thread_local int callbacks = 0;

struct InCallback {
  InCallback() { ++callbacks; }
  ~InCallback() { --callbacks; }
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;
};

/* What the library calls. An exception ends here. The message is then lost, or the time is unknown,
 * so that nothing expires. */
inline void CallLogger(void* logger, int level, const char* message) noexcept {
  InCallback in;
  ROCKS_GC_TRY_ { (*static_cast<Logger*>(logger))(level, message); }
  ROCKS_GC_CATCH_ {}
}

inline uint64_t CallClock(void* clock) noexcept {
  InCallback in;
  ROCKS_GC_TRY_ { return (*static_cast<Clock*>(clock))(); }
  ROCKS_GC_CATCH_ { return 0; }
}

/* Calls a function whose last parameter is errptr. Returns the error's text; empty means success.
 */
template <class Call>
std::string ErrorOf(const Functions& functions, Call call) {
  char* error = nullptr;
  call(&error);
  if (error == nullptr) return std::string();
  std::string text(error);
  functions.rgc_free(error);
  return text;
}

}  // namespace detail

/* The loaded library. A value: it may be copied, and any thread may use it. */
class Library {
 public:
  Library() : error_("Invalid argument: no library; use Library::Load or Library::Linked") {}

  /* Loads librocks_gc by path or SONAME. It stays loaded for the life of the process. */
  [[nodiscard]] static Library Load(const std::string& path) {
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* reason = ::dlerror();
      return Library("Not found: cannot load " + path + ": " +
                     (reason != nullptr ? reason : "no reason given"));
    }
    Library library = Found(path, [handle](const char* name) { return ::dlsym(handle, name); });
    if (!library.ok()) ::dlclose(handle);
    return library;
  }

  /* Finds the library among the program's own symbols: it was linked dynamically, or statically
   * with -rdynamic, or loaded with RTLD_GLOBAL. It needs no function of the library at link
   * time. */
  [[nodiscard]] static Library InProcess() {
    if (::dlsym(RTLD_DEFAULT, "rgc_abi_version") == nullptr) {
      return Library(
          "Not found: the program's own symbols have no rgc_abi_version; link librocks_gc, or give "
          "the path it was loaded from");
    }
    return Found("the process", [](const char* name) { return ::dlsym(RTLD_DEFAULT, name); });
  }

  /* The library that the program is linked with. It needs the library at link time. */
  [[nodiscard]] static Library Linked() {
    Functions functions;
#define ROCKS_GC_LINKED_(function) functions.function = &::function;
    RGC_EVERY_FUNCTION(ROCKS_GC_LINKED_)
#undef ROCKS_GC_LINKED_
    return Checked("the linked librocks_gc", functions);
  }

  bool ok() const { return functions_ != nullptr; }
  const std::string& error() const { return error_; }

  /* Valid only if ok(). */
  const Functions& functions() const { return *functions_; }
  const Functions* operator->() const { return functions_.get(); }

  /* Sets the logger of the whole process, for messages up to max_level. An empty function means
   * silence. Any thread may call the logger, and several at once. False means refused, and the old
   * logger continues: inside a logger or a clock, or for an unknown level. */
  [[nodiscard]] bool SetLogger(Logger logger, int max_level) const {
    if (!ok() || detail::callbacks > 0) return false;
    static std::mutex mutex;
    /* Another library's callback may still use an old logger. So loggers are never freed. */
    static auto* loggers = new std::vector<std::unique_ptr<Logger>>;
    const std::lock_guard<std::mutex> lock(mutex);
    if (!logger) return functions_->rgc_set_logger(nullptr, nullptr, RGC_LOG_OFF) != 0;
    loggers->push_back(std::make_unique<Logger>(std::move(logger)));
    return functions_->rgc_set_logger(&detail::CallLogger, loggers->back().get(), max_level) != 0;
  }

 private:
  explicit Library(std::string error) : error_(std::move(error)) {}

  template <class LookUp>
  static Library Found(const std::string& path, LookUp look_up) {
    Functions functions;
    std::string missing;
    const auto set = [&](const char* name, auto* function) {
      void* address = look_up(name);
      static_assert(sizeof(address) == sizeof(*function), "a function's address is an address");
      std::memcpy(function, &address, sizeof(address));
      if (address == nullptr) missing += std::string(missing.empty() ? "" : ", ") + name;
    };
    set("rgc_abi_version", &functions.rgc_abi_version);
    if (functions.rgc_abi_version == nullptr) {
      return Library("Not supported: " + path + " is not librocks_gc: it lacks rgc_abi_version");
    }
    if (functions.rgc_abi_version() != RGC_ABI_VERSION) return Checked(path, functions);
    missing.clear();
#define ROCKS_GC_SET_(function) set(#function, &functions.function);
    RGC_EVERY_FUNCTION(ROCKS_GC_SET_)
#undef ROCKS_GC_SET_
    if (!missing.empty()) {
      return Library("Not supported: " + path + " lacks " + missing +
                     "; load librocks_gc " RGC_VERSION_STRING " or later");
    }
    return Checked(path, functions);
  }

  static Library Checked(const std::string& name, const Functions& functions) {
    const uint32_t abi = functions.rgc_abi_version();
    if (abi != RGC_ABI_VERSION) {
      return Library("Not supported: " + name + " has ABI version " + std::to_string(abi) +
                     ", this program was compiled for " + std::to_string(RGC_ABI_VERSION) +
                     "; use the header that came with the library");
    }
    Library library{std::string()};
    library.functions_ = std::make_shared<const Functions>(functions);
    return library;
  }

  std::shared_ptr<const Functions> functions_;
  std::string error_;
};

/* The outcome of a call: ok, or an error with its kind and its text, "Kind: what, with the value,
 * and what to do". */
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(int kind, std::string text) : kind_(kind), text_(std::move(text)) {}

  bool ok() const { return text_.empty(); }
  /* RGC_ERROR_...; RGC_ERROR_NONE if ok(). */
  int kind() const { return kind_; }
  /* Empty if ok(). */
  const std::string& text() const { return text_; }

 private:
  int kind_ = RGC_ERROR_NONE;
  std::string text_;
};

/* A context: an rgc_t that is destroyed with this object. Use one per DB. It may be destroyed
 * before the DB: filter factories hold a reference and continue with the last safe points.
 * rgc_destroy may be refused (inside a callback; with a store attached, on a thread that has a
 * living filter). Then the rgc_t remains in memory with its clocks, its store remains attached, and
 * the log says so. A host that attaches should hold an Attachment (rocks_gc_rocksdb_store.h), which
 * ends before the Context and the DB. */
class Context {
 public:
  Context() = default;

  /* Options as in rgc_options_parse: "name=value;name=value". */
  [[nodiscard]] static Context Create(const Library& library,
                                      const std::string& options = std::string()) {
    Context context;
    context.library_ = library;
    context.error_ = library.error();
    if (!library.ok()) return context;
    rgc_options_t* parsed = library->rgc_options_create();
    context.error_ = detail::ErrorOf(library.functions(), [&](char** error) {
      library->rgc_options_parse(parsed, options.c_str(), error);
    });
    if (context.error_.empty()) {
      context.error_ = detail::ErrorOf(library.functions(), [&](char** error) {
        context.gc_ = library->rgc_create(parsed, error);
      });
    }
    library->rgc_options_destroy(parsed);
    return context;
  }

  Context(Context&& other) noexcept { Swap(other); }
  Context& operator=(Context&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~Context() {
    if (gc_ == nullptr || library_->rgc_destroy(gc_) != 0) return;
    /* Refused: the library may call the clock again. */
    static auto* left_behind =
        new std::vector<std::pair<rgc_t*, std::vector<std::unique_ptr<Clock>>>>;
    static std::mutex mutex;
    const std::lock_guard<std::mutex> lock(mutex);
    left_behind->emplace_back(gc_, std::move(clocks_));
  }

  bool ok() const { return gc_ != nullptr; }
  const std::string& error() const { return error_; }
  const Library& library() const { return library_; }
  rgc_t* get() const { return gc_; }

  /* Any function of rocks_gc.h, only if ok(): gc->rgc_keyspace_safe_point(gc.get(), 7). */
  const Functions* operator->() const { return &library_.functions(); }

  /* Calls a function of rocks_gc.h whose first parameter is the rgc_t and whose last one is errptr.
   * Returns the error's text; empty means success:
   * gc.Call(&rocks_gc::Functions::rgc_set_keyspace_gc_type, 7, RGC_GC_KEYSPACE_LEVEL). */
  template <class Function, class... Arguments>
  [[nodiscard]] std::string Call(Function Functions::* function, Arguments... arguments) const {
    if (!ok()) return error_.empty() ? "Invalid argument: no context; use Context::Create" : error_;
    return detail::ErrorOf(library_.functions(), [&](char** error) {
      (library_.functions().*function)(gc_, arguments..., error);
    });
  }

  /* The functions of rocks_gc.h with those names. Each returns its error. Outputs may be NULL. */
  Status SetKeyspaceGcType(uint32_t keyspace, int type) const {
    return Try(&Functions::rgc_set_keyspace_gc_type, keyspace, type);
  }
  Status SetKeyspaceGcTypes(const std::vector<uint32_t>& keyspaces, int type) const {
    return Try(&Functions::rgc_set_keyspace_gc_types, keyspaces.data(), keyspaces.size(), type);
  }
  Status PauseKeyspace(uint32_t keyspace) const {
    return Try(&Functions::rgc_pause_keyspace, keyspace);
  }

  /* False means not newer, or refused; the log says so. */
  bool AdvanceGlobalSafePoint(uint64_t ts) const {
    return ok() && library_->rgc_advance_global_safe_point(gc_, ts) != 0;
  }
  Status AdvanceKeyspaceSafePoint(uint32_t keyspace, uint64_t ts, bool* moved = nullptr) const {
    return Out(moved, &Functions::rgc_advance_keyspace_safe_point, keyspace, ts);
  }

  /* keyspace is an id, RGC_KEYSPACE_NONE (the global safe point) or RGC_KEYSPACE_ALL. ttl_seconds
   * UINT64_MAX means without end. */
  Status BarrierSet(uint32_t keyspace, const std::string& name, uint64_t ts,
                    uint64_t ttl_seconds) const {
    return Try(&Functions::rgc_barrier_set, keyspace, name.c_str(), ts, ttl_seconds);
  }
  Status BarrierDelete(uint32_t keyspace, const std::string& name,
                       bool* was_there = nullptr) const {
    return Out(was_there, &Functions::rgc_barrier_delete, keyspace, name.c_str());
  }
  /* Calls each with every barrier, an rgc_barrier_info_t, which is valid during the call. each must
   * not throw. */
  template <class Each_>
  void BarriersForeach(Each_ each) const {
    if (!ok()) return;
    library_->rgc_barriers_foreach(
        gc_,
        [](void* state, const rgc_barrier_info_t* info) {
          (*static_cast<Each_*>(state))(*info);
          return 0;
        },
        &each);
  }

  Status SchemasLoad(uint32_t keyspace, const std::vector<uint32_t>& ids,
                     uint32_t highest_id_ever) const {
    return Try(&Functions::rgc_schemas_load, keyspace, ids.data(), ids.size(), highest_id_ever);
  }
  Status SchemaCreate(uint32_t keyspace, uint32_t id) const {
    return Try(&Functions::rgc_schema_create, keyspace, id);
  }
  Status SchemaDrop(uint32_t keyspace, uint32_t id) const {
    return Try(&Functions::rgc_schema_drop, keyspace, id);
  }
  Status SchemaTruncate(uint32_t keyspace, uint32_t id, uint64_t ts) const {
    return Try(&Functions::rgc_schema_truncate, keyspace, id, ts);
  }

  Status DestroyKeyspace(uint32_t keyspace, int flags = 0,
                         rgc_destroy_report_t* report = nullptr) const {
    return Try(&Functions::rgc_destroy_keyspace, keyspace, flags, report);
  }
  Status DestroyRange(const std::string& start, const std::string& end, int flags = 0,
                      rgc_destroy_report_t* report = nullptr) const {
    return Try(&Functions::rgc_destroy_range, start.data(), start.size(), end.data(), end.size(),
               flags, report);
  }
  /* *failed is the index of the keyspace that an error is about, or their number. */
  Status DestroyKeyspaces(const std::vector<uint32_t>& keyspaces, int flags = 0,
                          size_t* failed = nullptr, rgc_destroy_report_t* report = nullptr) const {
    return Try(&Functions::rgc_destroy_keyspaces, keyspaces.data(), keyspaces.size(), flags, failed,
               report);
  }
  /* Destroys that begin when the effective safe point is above ts; they can be taken back. */
  Status DestroyKeyspaceAfter(uint32_t keyspace, uint64_t ts, int flags = 0) const {
    return Try(&Functions::rgc_destroy_keyspace_after, keyspace, ts, flags);
  }
  Status DestroyRangeAfter(const std::string& start, const std::string& end, uint64_t ts,
                           int flags = 0) const {
    return Try(&Functions::rgc_destroy_range_after, start.data(), start.size(), end.data(),
               end.size(), ts, flags);
  }
  Status TakeBackDestroyKeyspace(uint32_t keyspace) const {
    return Try(&Functions::rgc_take_back_destroy_keyspace, keyspace);
  }
  Status TakeBackDestroyRange(const std::string& start, const std::string& end) const {
    return Try(&Functions::rgc_take_back_destroy_range, start.data(), start.size(), end.data(),
               end.size());
  }
  Status ReleaseDestroyed(const std::string& start, const std::string& end) const {
    return Try(&Functions::rgc_release_destroyed, start.data(), start.size(), end.data(),
               end.size());
  }
  Status RecheckDestroyed(uint64_t now_unix_seconds, size_t* rechecked = nullptr) const {
    return Out(rechecked, &Functions::rgc_recheck_destroyed, now_unix_seconds,
               static_cast<rgc_destroy_report_t*>(nullptr));
  }
  Status RecheckDestroyedRange(const std::string& start, const std::string& end) const {
    return Try(&Functions::rgc_recheck_destroyed_range, start.data(), start.size(), end.data(),
               end.size(), static_cast<rgc_destroy_report_t*>(nullptr));
  }

  /* Collects the families with roles RGC_CF_DEFAULT and RGC_CF_WRITE; max_bytes 0 means no
   * bound. */
  Status Collect(uint64_t max_bytes = 0, rgc_collect_report_t* report = nullptr) const {
    const char* none = nullptr;
    return Try(&Functions::rgc_collect, none, none, size_t{0}, none, size_t{0}, max_bytes, report);
  }
  /* What Collect would do. It changes nothing. */
  Status CollectDryRun(rgc_collect_report_t* report, uint64_t max_bytes = 0) const {
    const char* none = nullptr;
    return Try(&Functions::rgc_collect_dry_run, none, none, size_t{0}, none, size_t{0}, max_bytes,
               report);
  }
  /* Why nothing is collected, as text: of everything, or of one keyspace. */
  Status Explain(std::string* text) const {
    const char* none = nullptr;
    return Text(text, &Functions::rgc_explain, none, size_t{0}, none, size_t{0}, Each(nullptr),
                static_cast<void*>(nullptr));
  }
  Status ExplainKeyspace(uint32_t keyspace, std::string* text) const {
    return Text(text, &Functions::rgc_explain_keyspace, keyspace, Each(nullptr),
                static_cast<void*>(nullptr));
  }
  /* *oldest is the start timestamp of the oldest lock at or below up_to, or 0. */
  Status OldestLock(uint32_t keyspace, uint64_t up_to, uint64_t* oldest) const {
    return Out(oldest, &Functions::rgc_oldest_lock, keyspace, up_to);
  }
  /* *found is whether a loaded keyspace has the name; *keyspace is then its id. */
  Status KeyspaceByName(const std::string& name, bool* found, uint32_t* keyspace) const {
    return Out(found, &Functions::rgc_keyspace_by_name, name.c_str(), keyspace);
  }
  /* Reads the ledger anew, after replication has changed it. */
  Status ReloadLedger() const { return Try(&Functions::rgc_reload_ledger); }
  /* What a key of etcd is (rgc_pd_parse_key). *found is whether it is one of PD's; then key and
   * name are written, and key->name is NULL. */
  Status PdParseKey(uint64_t cluster, const std::string& text, bool* found, rgc_pd_key_t* key,
                    std::string* name) const {
    if (!ok()) return StatusOf(error_);
    rgc_pd_key_t parsed = rgc_pd_key_t();
    parsed.struct_size = sizeof parsed;
    const std::string error = detail::ErrorOf(library_.functions(), [&](char** errptr) {
      *found = library_->rgc_pd_parse_key(cluster, text.data(), text.size(), &parsed, errptr) != 0;
    });
    if (*found) {
      if (name != nullptr) *name = parsed.name != nullptr ? parsed.name : "";
      library_->rgc_free(parsed.name);
      parsed.name = nullptr;
      *key = parsed;
    }
    return StatusOf(error);
  }
  /* The value under a key (rgc_pd_parse_value). */
  Status PdParseValue(const rgc_pd_key_t& key, const std::string& text,
                      rgc_pd_value_t* value) const {
    if (!ok()) return StatusOf(error_);
    value->struct_size = sizeof *value;
    return StatusOf(detail::ErrorOf(library_.functions(), [&](char** errptr) {
      library_->rgc_pd_parse_value(key.what, key.keyspace, text.data(), text.size(), value, errptr);
    }));
  }
  Status WorkerDrain(uint64_t timeout_ms, size_t* left = nullptr) const {
    return Out(left, &Functions::rgc_worker_drain, timeout_ms);
  }
  /* The files that may still hold deleted keys. */
  Status Debt(rgc_debt_t* debt) const {
    debt->struct_size = sizeof *debt;
    return Try(&Functions::rgc_debt, debt);
  }

  /* "/keyspaces/tidb/4242", the prefix of a keyspace's own keys in etcd. */
  Status KeyspaceEtcdNamespace(uint32_t keyspace, std::string* text) const {
    if (!ok()) return StatusOf(error_);
    char* found = nullptr;
    const std::string error = detail::ErrorOf(library_.functions(), [&](char** errptr) {
      found = library_->rgc_keyspace_etcd_namespace(keyspace, errptr);
    });
    if (found != nullptr && text != nullptr) *text = found;
    library_->rgc_free(found);
    return StatusOf(error);
  }

  /* The stored key of a user key's version (rgc_encode_key). It is empty if there can be no such
   * key; the log says so. */
  std::string EncodeKey(int mode, uint32_t keyspace, const std::string& user_key,
                        uint64_t ts) const {
    if (!ok()) return std::string();
    size_t len = 0;
    char* key = library_->rgc_encode_key(gc_, mode, keyspace, user_key.data(), user_key.size(), ts,
                                         &len, nullptr);
    const std::string copy(key != nullptr ? key : "", key != nullptr ? len : 0);
    library_->rgc_free(key);
    return copy;
  }

  /* Sets the clock: unix seconds, 0 means unknown. Any thread may call the clock, and several at
   * once. An empty function means the system's clock. Call SetClock from one thread at a time.
   * False means refused, and the old clock continues: inside a logger or a clock. */
  [[nodiscard]] bool SetClock(Clock clock) {
    if (!ok() || detail::callbacks > 0) return false;
    if (!clock) return library_->rgc_set_clock(gc_, nullptr, nullptr) != 0;
    clocks_.push_back(std::make_unique<Clock>(std::move(clock)));
    return library_->rgc_set_clock(gc_, &detail::CallClock, clocks_.back().get()) != 0;
  }

 private:
  Status StatusOf(std::string error) const {
    if (error.empty()) return Status();
    const int kind = library_.ok() ? library_->rgc_error_kind(error.c_str()) : RGC_ERROR_UNKNOWN;
    return Status(kind, std::move(error));
  }

  template <class Function, class... Arguments>
  Status Try(Function Functions::* function, Arguments... arguments) const {
    return StatusOf(Call(function, arguments...));
  }

  /* Calls a function that returns a value, and stores the value in *out. */
  template <class Out_, class Function, class... Arguments>
  Status Out(Out_* out, Function Functions::* function, Arguments... arguments) const {
    if (!ok()) return StatusOf(error_);
    Out_ result{};
    Status status = StatusOf(detail::ErrorOf(library_.functions(), [&](char** error) {
      result = static_cast<Out_>((library_.functions().*function)(gc_, arguments..., error));
    }));
    if (out != nullptr) *out = result;
    return status;
  }

  using Each = int (*)(void*, const rgc_explained_t*);

  /* Calls a function that returns a text for rgc_free, and stores the text in *out. */
  template <class Function, class... Arguments>
  Status Text(std::string* out, Function Functions::* function, Arguments... arguments) const {
    char* text = nullptr;
    const Status status = Out(&text, function, arguments...);
    if (text != nullptr && out != nullptr) *out = text;
    if (ok()) library_->rgc_free(text);
    return status;
  }

  void Swap(Context& other) noexcept {
    std::swap(library_, other.library_);
    std::swap(gc_, other.gc_);
    std::swap(error_, other.error_);
    std::swap(clocks_, other.clocks_);
  }

  Library library_;
  rgc_t* gc_ = nullptr;
  std::string error_ = "Invalid argument: no context; use Context::Create";
  std::vector<std::unique_ptr<Clock>> clocks_;
};

}  // namespace rocks_gc

#endif
