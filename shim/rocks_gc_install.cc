// rocks_gc_install.cc - see rocks_gc_install.h.
#include "rocks_gc_install.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "rocks_gc_rocksdb.h"

namespace {

namespace db = ROCKSDB_NAMESPACE;

// The C API's options are a struct whose first and only member is this.
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
  return status.ToString();
}

// Of another copy of the library than its own, an rgc_t is no rgc_t.
bool IsLoaded(const char* path) {
  void* handle = ::dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  if (handle != nullptr) ::dlclose(handle);
  return handle != nullptr;
}

// The error's text, empty = success.
std::string Install(const char* path, rgc_t* gc, int kind, rocksdb_options_t* db_options, rocksdb_options_t* cf_options) {
  const std::string running = db::GetRocksVersionAsString();
  if (running != HeaderVersion()) {
    return "Not supported: the shim was compiled with the headers of RocksDB " + HeaderVersion() + ", the library is " + running +
           "; compile it with the library's own headers";
  }
  if (path != nullptr && !IsLoaded(path)) {
    return std::string("Not found: ") + path + " is not loaded in this process; give the path or SONAME of the library that made gc";
  }
  const rocks_gc::Library library = path != nullptr ? rocks_gc::Library::Load(path) : rocks_gc::Library::InProcess();
  if (!library.ok()) return library.error();
  return TextOf(rocks_gc::Install(library, gc, kind, OptionsOf(db_options), OptionsOf(cf_options)));
}

char* Malloced(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

}  // namespace

void rgc_shim_install(const char* library_or_null, rgc_t* gc, int kind, rocksdb_options_t* db_options, rocksdb_options_t* cf_options,
                      char** errptr) {
  char* error = nullptr;
  ROCKS_GC_TRY_ {
    const std::string text = Install(library_or_null, gc, kind, db_options, cf_options);
    if (!text.empty()) error = Malloced(text);
  }
  ROCKS_GC_CATCH_ { error = Malloced("Aborted: no memory"); }
  if (errptr != nullptr) {
    *errptr = error;
  } else {
    std::free(error);
  }
}
