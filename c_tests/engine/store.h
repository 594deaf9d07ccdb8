// store.h - a DB, and the functions of the engine's table over it.
#ifndef STORE_H
#define STORE_H

#include <rocks_gc_rocksdb_store.h>

#include <string>
#include <utility>
#include <vector>

#include "../cpp_check.h"

using namespace ROCKSDB_NAMESPACE;

// A literal with its zeros.
template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

struct Answer {
  int code;
  std::string error;
};

// A call of the table's: an error, and only that, comes with a text that free() takes.
template <class Call>
Answer Ask(Call call) {
  char* error = nullptr;
  const int code = call(&error);
  CHECK((code == RGC_ENGINE_ERROR) == (error != nullptr));
  const Answer answer{code, error != nullptr ? error : ""};
  std::free(error);
  return answer;
}

// An answer that must be RGC_ENGINE_OK.
#define MUST(answer)                                                                                               \
  do {                                                                                                             \
    const Answer checked_answer = (answer);                                                                        \
    if (checked_answer.code != RGC_ENGINE_OK) {                                                                    \
      std::fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #answer, checked_answer.error.c_str());          \
      std::_Exit(1);                                                                                               \
    }                                                                                                              \
  } while (0)

// An answer that must be an error with this text.
#define FAILS(answer, text)                          \
  do {                                               \
    const Answer checked_failure = (answer);         \
    CHECK(checked_failure.code == RGC_ENGINE_ERROR); \
    CHECK_CONTAINS(checked_failure.error, text);     \
  } while (0)

using Entry = std::pair<std::string, std::string>;
using Entries = std::vector<Entry>;

struct File {
  int level;
  uint64_t bytes, entries, deletions;
  std::string smallest, largest;
  bool has_properties;
  std::vector<Entry> properties;
};

enum class Kind { kDB, kTransactionDB };
enum : uint32_t { DEFAULT = 0, OTHER = 1, NONE = 2 }; /* families; the last is none */

// A DB with two column families, and an engine over it.
class Store {
 public:
  Store(Kind kind, const std::string& path, const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // The DB that the host uses.
  DB* host() const { return host_; }
  ColumnFamilyHandle* handle(uint32_t family) const { return handles_[family]; }

  Answer Get(uint32_t family, const std::string& key, std::string* value, bool* found) const;
  // Present, with this value.
  bool Has(uint32_t family, const std::string& key, const std::string& value) const;
  bool Lacks(uint32_t family, const std::string& key) const;
  Answer Write(const std::vector<rgc_write_t>& writes, int flags = 0) const;
  Answer Put(uint32_t family, const std::string& key, const std::string& value) const;
  Answer Iterate(uint32_t family, const std::string& start, const std::string& end, bool backwards, Entries* entries) const;
  Entries All(uint32_t family) const;
  Answer DeleteFiles(uint32_t family, const std::string& start, const std::string& end) const;
  Answer Compact(uint32_t family, const std::string& start, const std::string& end, bool last_level_too) const;
  Answer Flush(uint32_t family) const;
  Answer Files(uint32_t family, std::vector<File>* files) const;
  // By level, then by the first key.
  std::vector<File> Files(uint32_t family) const;
  int WriteStalled() const { return table_.write_stalled(engine_); }

  // Each key with the value "v", in a file of their own.
  void PutFile(uint32_t family, const std::vector<std::string>& keys) const;

 private:
  DB* host_ = nullptr;
  std::vector<ColumnFamilyHandle*> handles_;
  const rgc_engine_t& table_ = rocks_gc::Engine::Table();
  rocks_gc::Engine* engine_ = nullptr;
};

rgc_write_t PutOf(uint32_t family, const std::string& key, const std::string& value);
rgc_write_t DeleteOf(uint32_t family, const std::string& key);
rgc_write_t DeleteRangeOf(uint32_t family, const std::string& start, const std::string& end);

// Of a DB that compacts only when it is told to.
Options QuietOptions();

// Overwrites a table file of the DB in this folder by zeros.
void Ruin(const std::string& path, const std::string& table);

// The parts; each makes its DB at the path.
void TestReads(Kind kind, const std::string& path);
void TestBrokenFiles(Kind kind, const std::string& path);
void TestWrites(Kind kind, const std::string& path);
void TestLocks(const std::string& path);
void TestDeleteFiles(Kind kind, const std::string& path);
void TestCompact(Kind kind, const std::string& path);
void TestFiles(Kind kind, const std::string& path);
void TestStalls(Kind kind, const std::string& path);
void TestRefused(const std::string& path);
void TestAttach(const std::string& path);
void TestShim(const std::string& path);

#endif
