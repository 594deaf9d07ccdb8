// attach.cc - Engine::Create, Attach and the shim's rgc_shim_attach, with a stand-in for
// librocks_gc.
#include <rocksdb/utilities/optimistic_transaction_db.h>

#include "../../shim/rocks_gc_install.h"
#include "stand_in.h"
#include "store.h"

using rocks_gc::Attach;
using rocks_gc::Engine;
using rocks_gc::Family;
using rocks_gc::Library;

// As RocksDB's C API has them.
struct rocksdb_t {
  DB* rep;
};
struct rocksdb_column_family_handle_t {
  ColumnFamilyHandle* rep;
};

namespace {

// Any but NULL: the stand-in does not look.
rgc_t* Gc() { return reinterpret_cast<rgc_t*>(&stand_in_n); }

// Sorts as bytes do, but for a timestamp behind each key.
class Timestamped : public Comparator {
 public:
  Timestamped() : Comparator(8) {}
  const char* Name() const override { return BytewiseComparator()->Name(); }
  int Compare(const Slice& a, const Slice& b) const override { return a.compare(b); }
  void FindShortestSeparator(std::string*, const Slice&) const override {}
  void FindShortSuccessor(std::string*) const override {}
};

void Refuses(const Store& store, const ColumnFamilyOptions& options, const std::string& name, const char* why, bool invalid) {
  ColumnFamilyHandle* handle = nullptr;
  CHECK(store.host()->CreateColumnFamily(options, name, &handle).ok());
  std::unique_ptr<Engine> engine;
  const Status refused = Engine::Create(store.host(), {{RGC_CF_DEFAULT, nullptr}, {RGC_CF_OTHER, handle}}, &engine);
  CHECK(engine == nullptr && (invalid ? refused.IsInvalidArgument() : refused.IsNotSupported()));
  CHECK_CONTAINS(refused.ToString(), why);
  CHECK_CONTAINS(refused.ToString(), "in column family " + name);
  const int attaches = stand_in_attaches;
  const Status attached = Attach(Library::Linked(), Gc(), store.host(), {{RGC_CF_OTHER, handle}});
  CHECK(attached.ToString() == refused.ToString() && stand_in_attaches == attaches);
  CHECK(store.host()->DropColumnFamily(handle).ok() && store.host()->DestroyColumnFamilyHandle(handle).ok());
}

// The families came as they were given, and the functions work until the detach.
void IsAttached(const Store& store) {
  CHECK(stand_in_n == 2);
  CHECK(stand_in_families[0].role == RGC_CF_WRITE && std::string(stand_in_names[0]) == "other");
  CHECK(stand_in_families[1].role == RGC_CF_DEFAULT && std::string(stand_in_names[1]) == "default");
  CHECK(stand_in_families[0].struct_size == sizeof(rgc_column_family_t));
  CHECK(stand_in_families[0].handle->rep == store.handle(OTHER));
  CHECK(stand_in_families[1].handle->rep->GetID() == 0);
  MUST(store.Put(OTHER, "k", "of the other family"));
  char *value = nullptr, *error = nullptr;
  size_t len = 0;
  CHECK(stand_in_engine.struct_size == sizeof(rgc_engine_t));
  CHECK(stand_in_engine.get(stand_in_state, 0, "k", 1, &value, &len, &error) == RGC_ENGINE_OK);
  CHECK(value != nullptr && std::string(value, len) == "of the other family");
  std::free(value);
  CHECK(Library::Linked()->rgc_detach(Gc()) == 1);
}

}  // namespace

void TestRefused(const std::string& path) {
  std::unique_ptr<Engine> engine;
  CHECK(Engine::Create(nullptr, {{RGC_CF_DEFAULT, nullptr}}, &engine).IsInvalidArgument() && engine == nullptr);
  const Store store(Kind::kDB, path, QuietOptions());
  ColumnFamilyOptions options;
  options.comparator = ReverseBytewiseComparator();
  Refuses(store, options, "reverse", "bytewise comparator", true);
  Timestamped timestamped;
  options.comparator = &timestamped;
  Refuses(store, options, "timestamped", "timestamps", true);
  ColumnFamilyOptions plain;
  plain.table_factory.reset(NewPlainTableFactory());
  Refuses(store, plain, "plain", "plain tables", false);
  ColumnFamilyOptions cuckoo;
  cuckoo.table_factory.reset(NewCuckooTableFactory());
  Refuses(store, cuckoo, "cuckoo", "range tombstones", false);
}

void TestAttach(const std::string& path) {
  const Store store(Kind::kTransactionDB, path, QuietOptions());
  const std::vector<Family> families = {{RGC_CF_WRITE, store.handle(OTHER)}, {RGC_CF_DEFAULT, nullptr}};
  const Library library = Library::Linked();
  CHECK(library.ok());
  CHECK(Attach(library, Gc(), store.host(), families).ok());
  IsAttached(store);

  CHECK(Attach(library, Gc(), nullptr, families).IsInvalidArgument());
  CHECK(Attach(Library(), Gc(), store.host(), families).IsInvalidArgument());
  CHECK(Attach(rocks_gc::Context(), store.host(), families).IsInvalidArgument());

  // The engine is freed (so say the sanitizers), and the kind of error stays.
  const auto refused = [&](const char* text) {
    stand_in_refuses = text;
    const Status status = Attach(library, Gc(), store.host(), families);
    stand_in_refuses = nullptr;
    CHECK(!status.ok());
    CHECK_CONTAINS(status.ToString(), "what and why");
    return status;
  };
  CHECK(refused("IO error: what and why").IsIOError());
  CHECK(refused("Busy: what and why").IsBusy());
  CHECK(refused("Corruption: what and why").IsCorruption());
  CHECK(refused("Invalid argument: what and why").IsInvalidArgument());
}

void TestShim(const std::string& path) {
  const Store store(Kind::kDB, path, QuietOptions());
  rocksdb_t db{store.host()};
  rocksdb_column_family_handle_t other{store.handle(OTHER)}, first{store.handle(DEFAULT)};
  using Families = std::vector<rgc_column_family_t>;
  const size_t size = sizeof(rgc_column_family_t);
  const auto attach = [&](rocksdb_t* to, const Families& families) {
    char* error = reinterpret_cast<char*>(&db);
    rgc_shim_attach(nullptr, Gc(), to, families.data(), families.size(), &error);
    const std::string text = error != nullptr ? error : "";
    std::free(error);
    return text;
  };
  CHECK(attach(&db, {{size, RGC_CF_WRITE, "other", &other}, {size, RGC_CF_DEFAULT, "default", nullptr}}).empty());
  IsAttached(store);
  CHECK(attach(&db, {{size, RGC_CF_WRITE, "other", &other}, {size, RGC_CF_DEFAULT, "default", &first}}).empty());
  IsAttached(store);

  const int attaches = stand_in_attaches;
  const auto refused = [&](rocksdb_t* to, const Families& families, const char* why) { CHECK_CONTAINS(attach(to, families), why); };
  refused(nullptr, {{size, RGC_CF_DEFAULT, "default", nullptr}}, "Invalid argument: db is NULL");
  refused(&db, {{size, RGC_CF_DEFAULT, "default", nullptr}, {size, RGC_CF_OTHER, "another", &other}},
          "Invalid argument: families[1].name is another, the handle's is other");
  refused(&db, {{size, RGC_CF_DEFAULT, "other", nullptr}}, "Invalid argument: families[0].name is other, the handle's is default");
  refused(&db, {{size, RGC_CF_DEFAULT, nullptr, nullptr}}, "Invalid argument: families[0].name is NULL");
  refused(&db, {{size - 8, RGC_CF_DEFAULT, "default", nullptr}}, "Invalid argument: families[0].struct_size is");
  char* error = nullptr;
  rgc_shim_attach(nullptr, Gc(), &db, nullptr, 1, &error);
  CHECK_CONTAINS(std::string(error), "Invalid argument: families is NULL with n 1");
  std::free(error);
  rgc_shim_attach(nullptr, Gc(), &db, nullptr, 1, nullptr);
  rgc_shim_attach("librocks_gc_not.so", Gc(), &db, nullptr, 0, &error);
  CHECK_CONTAINS(std::string(error), "Not found: librocks_gc_not.so is not loaded");
  std::free(error);
  CHECK(stand_in_attaches == attaches);

  const auto refuses = [&](const char* text) {
    stand_in_refuses = text;
    const std::string said = attach(&db, {{size, RGC_CF_DEFAULT, "default", nullptr}});
    stand_in_refuses = nullptr;
    return said;
  };
  for (const char* text : {"IO error: w", "Busy: w", "Aborted: w", "Corruption: w", "Not supported: w", "Not found: w", "Invalid argument: w"}) {
    CHECK(refuses(text) == text);
  }
}
