// library.cc - the library by path, and the context as a value. Needs no RocksDB.
#include <rocks_gc_library.h>

#include <stdexcept>
#include <thread>

#include "parts.h"

using rocks_gc::Context;
using rocks_gc::Library;

void TestLibrary(const char* path, const char* other_abi, const char* lacking) {
  const Library library = Library::Load(path);
  CHECK(library.ok() && library.error().empty());
  CHECK(library->rgc_abi_version() == RGC_ABI_VERSION);
  CHECK(std::string(library->rgc_version()) == RGC_VERSION_STRING);
  const Library copy = library;
  CHECK(copy.ok() && &copy.functions() == &library.functions());

  const auto refused = [](const Library& bad, const char* kind, const char* what) {
    CHECK(!bad.ok());
    CHECK_CONTAINS(bad.error(), kind);
    CHECK_CONTAINS(bad.error(), what);
    Context context = Context::Create(bad);
    CHECK(!context.ok() && context.get() == nullptr && context.error() == bad.error());
    CHECK(!context.SetClock([] { return uint64_t{1}; }));
    CHECK(!bad.SetLogger([](int, const char*) {}, RGC_LOG_DEBUG));
    CHECK(context.Call(&rocks_gc::Functions::rgc_pause_keyspace, 1u) == bad.error());
  };
  refused(Library(), "Invalid argument", "Library::Load");
  refused(Library::Load("/no/such/librocks_gc.so"), "Not found", "/no/such/librocks_gc.so");
  refused(Library::Load("libm.so.6"), "Not supported", "libm.so.6 is not librocks_gc");
  refused(Library::Load(other_abi), "Not supported", "ABI version 2, this program was compiled for 1");
  refused(Library::Load(lacking), "Not supported", "lacks rgc_version, rgc_error_kind, rgc_free,");
  refused(Library::InProcess(), "Not found", "rgc_abi_version");
}

namespace {

void Moves(const Library& library) {
  Context one = Context::Create(library, "data_prefix=z");
  CHECK(one.ok() && one.error().empty());
  rgc_t* gc = one.get();
  Context other = std::move(one);
  CHECK(other.get() == gc && other->rgc_global_safe_point(gc) == 0);
  CHECK(!one.ok());  // NOLINT: moved from, and says so
  one = std::move(other);
  CHECK(one.get() == gc && !other.ok());
  one = Context::Create(library);
  CHECK(one.ok());
  one = Context();
  CHECK(!one.ok());
  CHECK_CONTAINS(one.error(), "Context::Create");
}

void Errors(const Library& library) {
  const Context bad = Context::Create(library, "no_such_option=1");
  CHECK(!bad.ok());
  CHECK_CONTAINS(bad.error(), "Invalid argument: unknown option \"no_such_option\"");
  CHECK(!Context::Create(library, "key_layout=plain").ok());

  const Context gc = Context::Create(library);
  CHECK(gc.Call(&rocks_gc::Functions::rgc_set_keyspace_gc_type, 7u, RGC_GC_KEYSPACE_LEVEL).empty());
  CHECK_CONTAINS(gc.Call(&rocks_gc::Functions::rgc_set_keyspace_gc_type, 16777216u, RGC_GC_KEYSPACE_LEVEL), "16777216");
  CHECK(gc.Call(&rocks_gc::Functions::rgc_advance_keyspace_safe_point, 7u, uint64_t{80}).empty());
  CHECK(gc->rgc_keyspace_safe_point(gc.get(), 7) == 80);
  CHECK(gc.EncodeKey(RGC_MODE_RAW, 1, "row", 7).size() == 17);
  CHECK(gc.EncodeKey(RGC_MODE_RAW, 16777216, "row", 7).empty() && Context().EncodeKey(RGC_MODE_RAW, 1, "row", 7).empty());
  CHECK_CONTAINS(Context().Call(&rocks_gc::Functions::rgc_pause_keyspace, 1u), "no context");
}

// The typed methods: without a store, and without a context, each says what is wrong.
void Methods(const Library& library) {
  const auto each = [](const Context& gc) {
    const uint32_t invalid = 16777216;
    bool moved = true;
    size_t n = 9;
    rgc_debt_t debt;
    uint64_t oldest = 9;
    uint32_t oldest_id = 9;
    rgc_pd_key_t key = {sizeof key, RGC_PD_BARRIER, 1, nullptr};
    rgc_pd_value_t value;
    std::string text;
    return std::vector<rocks_gc::Status>{gc.SetKeyspaceGcType(invalid, RGC_GC_GLOBAL),
                                         gc.SetKeyspaceGcTypes({1, invalid}, RGC_GC_GLOBAL),
                                         gc.PauseKeyspace(invalid),
                                         gc.AdvanceKeyspaceSafePoint(invalid, 5, &moved),
                                         gc.BarrierSet(invalid, "b", 5, 60),
                                         gc.BarrierDelete(invalid, "b", &moved),
                                         gc.SchemasLoad(1, {1}, 0),
                                         gc.SchemaCreate(1, 5),
                                         gc.SchemaDrop(1, 5),
                                         gc.SchemaTruncate(1, 5, 5),
                                         gc.DestroyKeyspace(1),
                                         gc.DestroyKeyspaces({1, 2}, 0, &n),
                                         gc.DestroyRange("a", "b"),
                                         gc.DestroyKeyspaceAfter(1, 5),
                                         gc.DestroyRangeAfter("a", "b", 5),
                                         gc.TakeBackDestroyKeyspace(1),
                                         gc.TakeBackDestroyRange("a", "b"),
                                         gc.ReleaseDestroyed("a", "b"),
                                         gc.RecheckDestroyedRange("a", "b"),
                                         gc.Debt(&debt),
                                         gc.RecheckDestroyed(1, &n),
                                         gc.Collect(),
                                         gc.CollectDryRun(nullptr),
                                         gc.Explain(nullptr),
                                         gc.ExplainKeyspace(1, &text),
                                         gc.OldestLock(1, 5, &oldest),
                                         gc.KeyspaceByName("\xff", &moved, &oldest_id),
                                         gc.KeyspaceEtcdNamespace(invalid, &text),
                                         gc.ReloadLedger(),
                                         gc.PdParseKey(7, "/pd/7/keyspaces/meta/1", &moved, &key, &text),
                                         gc.PdParseValue(key, "x", &value),
                                         gc.WorkerDrain(0, &n)};
  };
  const Context gc = Context::Create(library);
  for (const rocks_gc::Status& status : each(gc)) {
    CHECK(!status.ok() && status.kind() != RGC_ERROR_NONE && status.kind() != RGC_ERROR_UNKNOWN);
    CHECK(status.kind() == gc->rgc_error_kind(status.text().c_str()));
  }
  for (const rocks_gc::Status& status : each(Context())) CHECK(!status.ok() && status.kind() == RGC_ERROR_UNKNOWN);
  CHECK(rocks_gc::Status().ok() && rocks_gc::Status().kind() == RGC_ERROR_NONE);
  bool moved = false;
  CHECK(gc.SetKeyspaceGcTypes({7, 8}, RGC_GC_KEYSPACE_LEVEL).ok() && gc.SetKeyspaceGcType(7, RGC_GC_KEYSPACE_LEVEL).ok());
  CHECK(gc.AdvanceKeyspaceSafePoint(7, 80, &moved).ok() && moved);
  CHECK(gc.AdvanceKeyspaceSafePoint(7, 80, &moved).ok() && !moved && gc.AdvanceKeyspaceSafePoint(7, 81).ok());
  CHECK(gc.AdvanceGlobalSafePoint(5) && !gc.AdvanceGlobalSafePoint(5) && !Context().AdvanceGlobalSafePoint(5));
  CHECK(gc->rgc_keyspace_safe_point(gc.get(), 7) == 81 && gc->rgc_global_safe_point(gc.get()) == 5);
  CHECK(gc.BarrierSet(7, "reader", 90, UINT64_MAX).ok() && gc.AdvanceKeyspaceSafePoint(7, 100).ok());
  std::string seen;
  gc.BarriersForeach([&seen](const rgc_barrier_info_t& info) { seen += info.name + std::to_string(info.ts); });
  Context().BarriersForeach([&seen](const rgc_barrier_info_t&) { seen += "none"; });
  CHECK(seen == "reader90" && gc->rgc_keyspace_safe_point(gc.get(), 7) == 90);
  bool was_there = false;
  CHECK(gc.BarrierDelete(7, "reader", &was_there).ok() && was_there && gc.BarrierDelete(7, "reader").ok());
  CHECK(gc->rgc_keyspace_safe_point(gc.get(), 7) == 100);
  bool found = true;
  uint32_t id = 9;
  CHECK(gc.KeyspaceByName("unknown", &found, &id).ok() && !found && id == 9);
  rgc_keyspace_meta_t meta = {sizeof meta, 8, RGC_KEYSPACE_ENABLED, "tenant", "keyspace_level"};
  CHECK(gc.Call(&rocks_gc::Functions::rgc_keyspace_load, &meta).empty());
  CHECK(gc.KeyspaceByName("tenant", &found, &id).ok() && found && id == 8);
  std::string text;
  CHECK(gc.KeyspaceEtcdNamespace(8, &text).ok() && text == "/keyspaces/tidb/8");
  rgc_pd_key_t key;
  rgc_pd_value_t value;
  CHECK(gc.PdParseKey(7, "/pd/7/gc/global_gc_barriers/b", &found, &key, &text).ok() && found && text == "b");
  CHECK(key.what == RGC_PD_BARRIER && key.keyspace == RGC_KEYSPACE_ALL && key.name == nullptr);
  CHECK(gc.PdParseValue(key, R"({"barrier_id":"b","barrier_ts":5,"expiration_time":0})", &value).ok());
  CHECK(value.number == 5 && value.expires_unix_seconds == UINT64_MAX);
  CHECK(gc.PdParseKey(8, "/pd/7/gc/global_gc_barriers/b", &found, &key, &text).ok() && !found);
  CHECK(gc.PauseKeyspace(7).ok() && gc->rgc_keyspace_safe_point(gc.get(), 7) == 0);
}

[[noreturn]] void Throw() { throw std::runtime_error("thrown by the host"); }

// What a logger or a clock throws goes no further; a time is then unknown, and nothing expires.
void Callbacks(const Library& library) {
  Context gc = Context::Create(library, "max_safe_point_ahead_seconds=1");
  int called = 0;
  CHECK(gc.SetClock([&called]() -> uint64_t {
    ++called;
    Throw();
  }));
  CHECK(gc->rgc_advance_global_safe_point(gc.get(), 1) == 0);
  CHECK(called == 1);
  CHECK(gc.SetClock([] { return uint64_t{1000}; }));
  CHECK(gc->rgc_advance_global_safe_point(gc.get(), 1) == 1);
  CHECK(called == 1);

  std::string last;
  CHECK(library.SetLogger(
      [&last](int level, const char* message) {
        CHECK(level >= RGC_LOG_ERROR && level <= RGC_LOG_WARN);
        last = message;
        Throw();
      },
      RGC_LOG_WARN));
  CHECK(gc->rgc_advance_global_safe_point(gc.get(), 0) == 0);
  CHECK(!last.empty());

  // Inside a callback nothing is set, and a context that goes leaves its clock behind.
  bool refused = false;
  Context inner = Context::Create(library);
  CHECK(inner.SetClock([] { return uint64_t{1}; }));
  CHECK(library.SetLogger(
      [&](int, const char*) {
        refused = !library.SetLogger([](int, const char*) {}, RGC_LOG_WARN) && !gc.SetClock([] { return uint64_t{2}; });
        inner = Context();
      },
      RGC_LOG_WARN));
  CHECK(gc->rgc_advance_global_safe_point(gc.get(), 0) == 0);
  CHECK(refused && !inner.ok());
  CHECK(library.SetLogger(nullptr, RGC_LOG_OFF));
  CHECK(gc.SetClock(nullptr));

  // From several threads at once.
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        CHECK(library.SetLogger([](int, const char*) {}, RGC_LOG_WARN));
        gc->rgc_advance_global_safe_point(gc.get(), 0);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(library.SetLogger(nullptr, RGC_LOG_OFF));
}

}  // namespace

void TestContext(const char* path) {
  const Library library = Library::Load(path);
  Moves(library);
  Errors(library);
  Methods(library);
  Callbacks(library);
}
