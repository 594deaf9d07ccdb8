// rocks_gc_install.cc - see rocks_gc_install.h.
#include "rocks_gc_install.h"

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

// The error's text, empty = success.
std::string Install(const char* path, rgc_t* gc, int kind, rocksdb_options_t* db_options, rocksdb_options_t* cf_options) {
  const std::string running = db::GetRocksVersionAsString();
  if (running != HeaderVersion()) {
    return "Not supported: the shim was compiled with the headers of RocksDB " + HeaderVersion() + ", the library is " + running +
           "; compile it with the library's own headers";
  }
  const rocks_gc::Library library = path != nullptr ? rocks_gc::Library::Load(path) : rocks_gc::Library::InProcess();
  if (!library.ok()) return library.error();
  const db::Status status = rocks_gc::Install(library, gc, kind, OptionsOf(db_options), OptionsOf(cf_options));
  return status.ok() ? std::string() : status.ToString();
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
