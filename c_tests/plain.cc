// plain.cc - a C++17 host that is linked with both libraries, includes the plain headers, and
// collects.
//
// Usage: plain DIRECTORY
#include <rocksdb/c.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "rocks_gc.h"
#include "rocks_gc_rocksdb_c.h"

namespace {

void fail(std::string_view what) {
  std::fprintf(stderr, "plain: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

// Takes the error of a call of the library, or of RocksDB: both come from malloc.
class Error {
 public:
  ~Error() {
    if (text_ != nullptr) fail(text_);
  }
  operator char**() { return &text_; }

 private:
  char* text_ = nullptr;
};

struct Destroy {
  void operator()(rgc_t* gc) const {
    if (rgc_destroy(gc) == 0) std::abort();
  }
  void operator()(char* text) const { rgc_free(text); }
  void operator()(rocksdb_options_t* options) const { rocksdb_options_destroy(options); }
  void operator()(rocksdb_writeoptions_t* options) const { rocksdb_writeoptions_destroy(options); }
  void operator()(rocksdb_readoptions_t* options) const { rocksdb_readoptions_destroy(options); }
  void operator()(rocksdb_iterator_t* iterator) const { rocksdb_iter_destroy(iterator); }
  void operator()(rocksdb_flushoptions_t* options) const { rocksdb_flushoptions_destroy(options); }
  void operator()(rocksdb_t* db) const { rocksdb_close(db); }
};
template <class T>
using Owned = std::unique_ptr<T, Destroy>;

std::string Encode(const rgc_t* gc, uint32_t keyspace, std::string_view user_key, uint64_t ts) {
  size_t len = 0;
  Owned<char> key(rgc_encode_key(gc, RGC_MODE_RAW, keyspace, user_key.data(), user_key.size(), ts, &len, Error()));
  return {key.get(), len};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) fail("usage: plain DIRECTORY");
  alarm(120);
  if (rgc_abi_version() != RGC_ABI_VERSION || std::string_view(rgc_version()) != RGC_VERSION_STRING) fail("another version");

  Owned<rgc_t> gc(rgc_create(nullptr, Error()));
  std::array<rgc_symbol_t, RGC_ROCKSDB_SYMBOLS> symbols{};
  rgc_bind_rocksdb_symbols(gc.get(), symbols.data(), rgc_rocksdb_symbols(symbols.data()), Error());
  rgc_set_keyspace_gc_type(gc.get(), 7, RGC_GC_KEYSPACE_LEVEL, Error());
  rgc_advance_keyspace_safe_point(gc.get(), 7, 25, Error());

  Owned<rocksdb_options_t> options(rocksdb_options_create());
  rocksdb_options_set_create_if_missing(options.get(), 1);
  rocksdb_options_set_disable_auto_compactions(options.get(), 1);
  rocksdb_options_set_compaction_filter_factory(options.get(), rgc_rocksdb_filter_factory(gc.get(), RGC_KIND_RAW, Error()));
  Owned<rocksdb_t> db(rocksdb_open(options.get(), argv[1], Error()));
  Owned<rocksdb_writeoptions_t> write_options(rocksdb_writeoptions_create());
  Owned<rocksdb_flushoptions_t> flush_options(rocksdb_flushoptions_create());
  for (uint64_t ts = 10; ts <= 30; ts += 10) {
    for (uint32_t keyspace : {7u, 8u}) {
      const std::string key = Encode(gc.get(), keyspace, "row", ts);
      rocksdb_put(db.get(), write_options.get(), key.data(), key.size(), "v\0", 2, Error());
    }
    rocksdb_flush(db.get(), flush_options.get(), Error());
  }
  rocksdb_compact_range(db.get(), nullptr, 0, nullptr, 0);

  std::set<std::string> left;
  Owned<rocksdb_readoptions_t> read_options(rocksdb_readoptions_create());
  Owned<rocksdb_iterator_t> it(rocksdb_create_iterator(db.get(), read_options.get()));
  for (rocksdb_iter_seek_to_first(it.get()); rocksdb_iter_valid(it.get()); rocksdb_iter_next(it.get())) {
    size_t len = 0;
    const char* key = rocksdb_iter_key(it.get(), &len);
    left.emplace(key, len);
  }
  std::set<std::string> expected{Encode(gc.get(), 7, "row", 30)};
  for (uint64_t ts = 10; ts <= 30; ts += 10) expected.insert(Encode(gc.get(), 8, "row", ts));
  if (left != expected) fail("not the versions that must be left");
  std::puts("plain: ok");
  return 0;
}
