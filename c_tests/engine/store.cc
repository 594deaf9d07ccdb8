// store.cc - see store.h.
#include "store.h"

#include <rocksdb/utilities/transaction_db.h>

#include <algorithm>
#include <fstream>
#include <tuple>

namespace {

using Families = std::vector<ColumnFamilyDescriptor>;
using Handles = std::vector<ColumnFamilyHandle*>;

// DB::Open takes a DB* or, in later versions, a unique_ptr.
template <class D>
auto OpenDB(const Options& options, const std::string& path, const Families& families, Handles* handles, D** db, int)
    -> decltype(D::Open(options, path, families, handles, db)) {
  return D::Open(options, path, families, handles, db);
}
template <class D>
Status OpenDB(const Options& options, const std::string& path, const Families& families, Handles* handles, D** db, long) {
  std::unique_ptr<D> opened;
  const Status status = D::Open(options, path, families, handles, &opened);
  *db = opened.release();
  return status;
}

void Add(void* files, const rgc_file_t* file) {
  CHECK(file->struct_size == sizeof(*file));
  File added{file->level, file->bytes, file->entries, file->deletions, {}, {}, file->user_collected != nullptr, {}};
  added.smallest.assign(file->smallest, file->smallest_len);
  added.largest.assign(file->largest, file->largest_len);
  for (size_t i = 0; i < file->num_user_collected; ++i) {
    const rgc_property_t& property = file->user_collected[i];
    added.properties.emplace_back(std::string(property.name, property.name_len), std::string(property.value, property.value_len));
  }
  static_cast<std::vector<File>*>(files)->push_back(added);
}

}  // namespace

Store::Store(Kind kind, const std::string& path, const Options& options) {
  Options all = options;
  all.create_if_missing = true;
  all.create_missing_column_families = true;
  const Families families = {{kDefaultColumnFamilyName, all}, {"other", all}};
  Status opened;
  if (kind == Kind::kTransactionDB) {
    TransactionDB* db = nullptr;
    opened = TransactionDB::Open(all, TransactionDBOptions(), path, families, &handles_, &db);
    host_ = db;
  } else {
    opened = OpenDB(all, path, families, &handles_, &host_, 0);
  }
  if (!opened.ok()) std::fprintf(stderr, "%s: %s\n", path.c_str(), opened.ToString().c_str());
  CHECK(opened.ok());
  std::unique_ptr<rocks_gc::Engine> engine;
  CHECK(rocks_gc::Engine::Create(host_, {{RGC_CF_DEFAULT, nullptr}, {RGC_CF_OTHER, handles_[OTHER]}}, &engine).ok());
  engine_ = engine.release();
}

Store::~Store() {
  table_.destructor(engine_);
  for (ColumnFamilyHandle* handle : handles_) CHECK(host_->DestroyColumnFamilyHandle(handle).ok());
  delete host_;
}

Answer Store::Get(uint32_t family, const std::string& key, std::string* value, bool* found) const {
  char* bytes = value->data(); /* whatever it held */
  size_t len = 77;
  const Answer answer = Ask([&](char** error) { return table_.get(engine_, family, key.data(), key.size(), &bytes, &len, error); });
  *found = bytes != nullptr;
  CHECK(bytes != nullptr || len == 0);
  value->assign(bytes != nullptr ? bytes : "", len);
  std::free(bytes);
  return answer;
}

bool Store::Has(uint32_t family, const std::string& key, const std::string& value) const {
  std::string read;
  bool found = false;
  MUST(Get(family, key, &read, &found));
  return found && read == value;
}

bool Store::Lacks(uint32_t family, const std::string& key) const {
  std::string read;
  bool found = true;
  MUST(Get(family, key, &read, &found));
  return !found;
}

Answer Store::Write(const std::vector<rgc_write_t>& writes, int flags) const {
  return Ask([&](char** error) { return table_.write(engine_, writes.data(), writes.size(), flags, error); });
}

Answer Store::Put(uint32_t family, const std::string& key, const std::string& value) const { return Write({PutOf(family, key, value)}); }

Answer Store::Iterate(uint32_t family, const std::string& start, const std::string& end, bool backwards, Entries* entries) const {
  entries->clear();
  rgc_engine_iterator_t* it = nullptr;
  {
    // The bounds are the caller's during the call only.
    std::string from = start, to = end;
    const Answer made = Ask([&](char** error) {
      it = table_.iterate(engine_, family, from.data(), from.size(), to.data(), to.size(), backwards ? 1 : 0, error);
      return it != nullptr ? RGC_ENGINE_OK : RGC_ENGINE_ERROR;
    });
    from.assign(from.size(), '\x7f');
    to.assign(to.size(), '\x7f');
    if (it == nullptr) return made;
  }
  for (;;) {
    const char *key = "unset", *value = "unset";
    size_t key_len = 77, value_len = 77;
    const Answer answer = Ask([&](char** error) { return table_.next(it, &key, &key_len, &value, &value_len, error); });
    if (answer.code == RGC_ENGINE_OK && key != nullptr) {
      CHECK(value != nullptr);
      entries->emplace_back(std::string(key, key_len), std::string(value, value_len));
      continue;
    }
    CHECK(key == nullptr && key_len == 0 && value == nullptr && value_len == 0);
    // Once more at the end: the same.
    CHECK(Ask([&](char** error) { return table_.next(it, &key, &key_len, &value, &value_len, error); }).code == answer.code);
    CHECK(key == nullptr);
    table_.iterator_destroy(it);
    return answer;
  }
}

Entries Store::All(uint32_t family) const {
  Entries entries;
  MUST(Iterate(family, "", "", false, &entries));
  return entries;
}

Answer Store::DeleteFiles(uint32_t family, const std::string& start, const std::string& end) const {
  return Ask([&](char** error) { return table_.delete_files(engine_, family, start.data(), start.size(), end.data(), end.size(), error); });
}

Answer Store::Compact(uint32_t family, const std::string& start, const std::string& end, bool last_level_too) const {
  return Ask([&](char** error) {
    return table_.compact(engine_, family, start.data(), start.size(), end.data(), end.size(), last_level_too ? 1 : 0, error);
  });
}

Answer Store::Flush(uint32_t family) const {
  return Ask([&](char** error) { return table_.flush(engine_, family, error); });
}

Answer Store::Files(uint32_t family, std::vector<File>* files) const {
  return Ask([&](char** error) { return table_.files(engine_, family, &Add, files, error); });
}

std::vector<File> Store::Files(uint32_t family) const {
  std::vector<File> files;
  MUST(Files(family, &files));
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return std::tie(a.level, a.smallest) < std::tie(b.level, b.smallest); });
  return files;
}

void Store::PutFile(uint32_t family, const std::vector<std::string>& keys) const {
  for (const std::string& key : keys) MUST(Put(family, key, "v"));
  MUST(Flush(family));
}

rgc_write_t PutOf(uint32_t family, const std::string& key, const std::string& value) {
  return {RGC_OP_PUT, family, key.data(), key.size(), value.data(), value.size()};
}

rgc_write_t DeleteOf(uint32_t family, const std::string& key) { return {RGC_OP_DELETE, family, key.data(), key.size(), nullptr, 0}; }

rgc_write_t DeleteRangeOf(uint32_t family, const std::string& start, const std::string& end) {
  return {RGC_OP_DELETE_RANGE, family, start.data(), start.size(), end.data(), end.size()};
}

Options QuietOptions() {
  Options options;
  options.disable_auto_compactions = true;
  options.level_compaction_dynamic_level_bytes = true;
  options.skip_stats_update_on_db_open = true;
  return options;
}

void Ruin(const std::string& path, const std::string& table) {
  std::fstream file(path + "/" + table, std::ios::in | std::ios::out | std::ios::binary | std::ios::ate);
  CHECK(file.is_open());
  const std::string zeros(static_cast<size_t>(file.tellp()), '\0');
  file.seekp(0);
  file.write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
  CHECK(file.good());
}
