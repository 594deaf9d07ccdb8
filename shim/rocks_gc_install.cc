// rocks_gc_install.cc - see rocks_gc_install.h.
#include "rocks_gc_install.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "rocks_gc_rocksdb.h"
#include "rocks_gc_rocksdb_wal.h"

// RocksDB's db.h throws from where it has multi-scans.
#if defined(__cpp_exceptions) || !__has_include(<rocksdb/multi_scan.h>)
#define HAS_STORE 1
#include "rocks_gc_rocksdb_store.h"
#endif

namespace {

namespace db = ROCKSDB_NAMESPACE;

// The C API's objects are structs whose first member is this.
db::Options* OptionsOf(rocksdb_options_t* options) { return reinterpret_cast<db::Options*>(options); }

std::string HeaderVersion() {
  return std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "." + std::to_string(ROCKSDB_PATCH);
}

// A Status in the words of rocks_gc.h; empty = success.
std::string TextOf(const db::Status& status) {
  if (status.ok()) return std::string();
  const std::string what = status.getState() != nullptr ? status.getState() : "";
  if (status.IsNotSupported()) return "Not supported: " + what;
  if (status.IsNotFound()) return "Not found: " + what;
  if (status.IsAborted()) return "Aborted: " + what;
  if (status.IsBusy()) return "Busy: " + what;
  return status.ToString();
}

// Of another copy of the library than its own, an rgc_t is no rgc_t.
bool IsLoaded(const char* path) {
  void* handle = ::dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  if (handle != nullptr) ::dlclose(handle);
  return handle != nullptr;
}

// The library that made gc, if all is as it should be; else the error's text.
std::string Find(const char* path, rocks_gc::Library* library) {
  const std::string running = db::GetRocksVersionAsString();
  if (running != HeaderVersion()) {
    return "Not supported: the shim was compiled with the headers of RocksDB " + HeaderVersion() + ", the library is " + running +
           "; compile it with the library's own headers";
  }
  if (path != nullptr && !IsLoaded(path)) {
    return std::string("Not found: ") + path + " is not loaded in this process; give the path or SONAME of the library that made gc";
  }
  *library = path != nullptr ? rocks_gc::Library::Load(path) : rocks_gc::Library::InProcess();
  return library->error();
}

#ifdef HAS_STORE
std::string Attach(const rocks_gc::Library& library, rgc_t* gc, rocksdb_t* store, const rgc_column_family_t* families, size_t n) {
  if (store == nullptr) return "Invalid argument: db is NULL";
  if (families == nullptr && n != 0) return "Invalid argument: families is NULL with n " + std::to_string(n);
  std::vector<rocks_gc::Family> all;
  for (size_t i = 0; i < n; ++i) {
    const rgc_column_family_t& family = families[i];
    const std::string where = "Invalid argument: families[" + std::to_string(i) + "]";
    if (family.struct_size != sizeof(family)) {
      return where + ".struct_size is " + std::to_string(family.struct_size) + "; set it to " + std::to_string(sizeof(family));
    }
    if (family.name == nullptr) return where + ".name is NULL";
    auto* handle = family.handle != nullptr ? *reinterpret_cast<db::ColumnFamilyHandle**>(family.handle) : nullptr;
    const std::string name = handle != nullptr ? handle->GetName() : db::kDefaultColumnFamilyName;
    if (family.name != name) return where + ".name is " + family.name + ", the handle's is " + name;
    all.push_back({family.role, handle});
  }
  return TextOf(rocks_gc::Attach(library, gc, *reinterpret_cast<db::DB**>(store), all));
}
#else
std::string Attach(const rocks_gc::Library&, rgc_t*, rocksdb_t*, const rgc_column_family_t*, size_t) {
  return "Not supported: the shim was compiled without exceptions; RocksDB " + HeaderVersion() + "'s db.h needs them";
}
#endif

char* Malloced(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

std::string Filter(const rocks_gc::Library& library, rgc_t* gc, rocksdb_options_t* options, const char* const* families, size_t n,
                   rocks_gc::WalFilter** filter) {
  if (gc == nullptr) return "Invalid argument: gc is NULL; make one with rgc_create";
  if (options == nullptr) return "Invalid argument: db_options is NULL";
  if (families == nullptr || n == 0) return "Invalid argument: no family is named; name the families whose keys have gc's layout";
  std::vector<std::string> names;
  for (size_t i = 0; i < n; ++i) {
    if (families[i] == nullptr) return "Invalid argument: families[" + std::to_string(i) + "] is NULL";
    names.push_back(families[i]);
  }
  db::WalFilter*& place = OptionsOf(options)->wal_filter;
  if (place != nullptr) return std::string("Invalid argument: the options have a WAL filter already, ") + place->Name();
  place = *filter = new rocks_gc::WalFilter(library, gc, std::move(names));
  return std::string();
}

// Calls with the library; the text that it answers goes to errptr.
template <class Call>
void Report(const char* path, char** errptr, Call call) {
  char* error = nullptr;
  ROCKS_GC_TRY_ {
    rocks_gc::Library library;
    std::string text = Find(path, &library);
    if (text.empty()) text = call(library);
    if (!text.empty()) error = Malloced(text);
  }
  ROCKS_GC_CATCH_ { error = Malloced("Aborted: no memory"); }
  if (errptr != nullptr) {
    *errptr = error;
  } else {
    std::free(error);
  }
}

}  // namespace

void rgc_shim_install(const char* library_or_null, rgc_t* gc, int kind, rocksdb_options_t* db_options, rocksdb_options_t* cf_options,
                      char** errptr) {
  Report(library_or_null, errptr, [&](const rocks_gc::Library& library) {
    return TextOf(rocks_gc::Install(library, gc, kind, OptionsOf(db_options), OptionsOf(cf_options)));
  });
}

void rgc_shim_attach(const char* library_or_null, rgc_t* gc, rocksdb_t* db, const rgc_column_family_t* families, size_t n, char** errptr) {
  Report(library_or_null, errptr, [&](const rocks_gc::Library& library) { return Attach(library, gc, db, families, n); });
}

void* rgc_shim_wal_filter(const char* library_or_null, rgc_t* gc, rocksdb_options_t* db_options, const char* const* families, size_t n,
                          char** errptr) {
  rocks_gc::WalFilter* filter = nullptr;
  Report(library_or_null, errptr,
         [&](const rocks_gc::Library& library) { return Filter(library, gc, db_options, families, n, &filter); });
  return filter;
}

void rgc_shim_wal_filter_destroy(void* wal_filter, rocksdb_options_t* db_options) {
  auto* filter = static_cast<rocks_gc::WalFilter*>(wal_filter);
  if (db_options != nullptr && OptionsOf(db_options)->wal_filter == filter) OptionsOf(db_options)->wal_filter = nullptr;
  delete filter;
}
