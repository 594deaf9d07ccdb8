// files.cc - delete_files, compact, flush and files.
#include <rocksdb/compaction_filter.h>
#include <rocksdb/utilities/transaction_db.h>

#include <atomic>

#include "store.h"

namespace {

// Counts the keys that compactions show.
class Counting : public CompactionFilter {
 public:
  const char* Name() const override { return "counting"; }
  Decision FilterV2(int, const Slice&, ValueType, const Slice&, std::string*, std::string*) const override {
    ++shown_;
    return Decision::kKeep;
  }
  size_t Take() { return shown_.exchange(0); }

 private:
  mutable std::atomic<size_t> shown_{0};
};

// A property of every file: how many keys it saw.
class Collector : public TablePropertiesCollector {
 public:
  const char* Name() const override { return "keys"; }
  Status AddUserKey(const Slice&, const Slice&, EntryType, SequenceNumber, uint64_t) override {
    ++keys_;
    return Status::OK();
  }
  Status Finish(UserCollectedProperties* properties) override {
    properties->insert({Bytes("test\0keys"), std::to_string(keys_)});
    return Status::OK();
  }
  UserCollectedProperties GetReadableProperties() const override { return {}; }

 private:
  size_t keys_ = 0;
};

class CollectorFactory : public TablePropertiesCollectorFactory {
 public:
  const char* Name() const override { return "keys"; }
  TablePropertiesCollector* CreateTablePropertiesCollector(Context) override { return new Collector; }
};

std::vector<std::string> Keys(const std::string& prefix) {
  std::vector<std::string> keys;
  for (char digit = '0'; digit <= '9'; ++digit) keys.push_back(prefix + digit);
  return keys;
}

constexpr int LAST = 6;

// A file in the last level.
void PutLast(const Store& store, uint32_t family, const std::string& prefix) {
  store.PutFile(family, Keys(prefix));
  MUST(store.Compact(family, prefix, prefix + "\xff", false));
}

std::string Shape(const std::vector<File>& files) {
  std::string shape;
  for (const File& file : files) shape += std::to_string(file.level) + "[" + file.smallest + "," + file.largest + "] ";
  return shape;
}

const std::string* PropertyOf(const File& file, const std::string& name) {
  for (const auto& [key, value] : file.properties) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace

void TestDeleteFiles(Kind kind, const std::string& path) {
  const Store store(kind, path, QuietOptions());
  for (const char* prefix : {"a", "b", "c"}) PutLast(store, DEFAULT, prefix);
  PutLast(store, OTHER, "a");
  store.PutFile(DEFAULT, {"a2", "a3"});
  CHECK(Shape(store.Files(DEFAULT)) == "0[a2,a3] 6[a0,a9] 6[b0,b9] 6[c0,c9] ");

  FAILS(store.DeleteFiles(DEFAULT, "a", ""), "Invalid argument: ");
  FAILS(store.DeleteFiles(NONE, "a", "b"), "Invalid argument: no column family has the index 2");
  MUST(store.DeleteFiles(DEFAULT, "c", "a"));
  MUST(store.DeleteFiles(DEFAULT, "a1", "b9"));
  MUST(store.DeleteFiles(DEFAULT, "b1", "c0"));
  CHECK(Shape(store.Files(DEFAULT)) == "0[a2,a3] 6[a0,a9] 6[b0,b9] 6[c0,c9] ");

  // The one that ends at the end stays, level 0 stays, and so does the other family.
  MUST(store.DeleteFiles(DEFAULT, "a0", "b9"));
  CHECK(Shape(store.Files(DEFAULT)) == "0[a2,a3] 6[b0,b9] 6[c0,c9] ");
  CHECK(store.Lacks(DEFAULT, "a0") && store.Has(DEFAULT, "a2", "v") && store.Has(DEFAULT, "b9", "v") && store.Has(OTHER, "a0", "v"));
  MUST(store.DeleteFiles(DEFAULT, "", Bytes("b9\0")));
  CHECK(Shape(store.Files(DEFAULT)) == "0[a2,a3] 6[c0,c9] ");
  MUST(store.DeleteFiles(OTHER, "a", "z"));
  CHECK(store.All(OTHER).empty() && store.All(DEFAULT).size() == 12);

  // A range tombstone is a part of its file. Held by a snapshot, or it would not be there.
  const Snapshot* held = store.host()->GetSnapshot();
  MUST(store.Write({PutOf(OTHER, "k1", "v"), DeleteRangeOf(OTHER, "k1", "k5")}));
  MUST(store.Flush(OTHER));
  MUST(store.Compact(OTHER, "", "", true));
  if (store.Files(OTHER).size() == 1) {
    CHECK(Shape(store.Files(OTHER)) == "6[k1,k5] ");
    MUST(store.DeleteFiles(OTHER, "k1", "k4"));
    CHECK(store.Files(OTHER).size() == 1);
    MUST(store.DeleteFiles(OTHER, "k1", "k6"));
  }
  CHECK(store.Files(OTHER).empty());
  store.host()->ReleaseSnapshot(held);
}

void TestCompact(Kind kind, const std::string& path) {
  Counting counting;
  Options options = QuietOptions();
  options.compaction_filter = &counting;
  const Store store(kind, path, options);
  PutLast(store, DEFAULT, "a");
  PutLast(store, DEFAULT, "b");
  CHECK(Shape(store.Files(DEFAULT)) == "6[a0,a9] 6[b0,b9] ");
  counting.Take();

  // What lies in the last level already: only if it is asked for, and only in the range.
  MUST(store.Compact(DEFAULT, "a", "b", false));
  CHECK(counting.Take() == 0);
  MUST(store.Compact(DEFAULT, "a", "b", true));
  CHECK(counting.Take() == 10);
  MUST(store.Compact(DEFAULT, "b", "", true));
  CHECK(counting.Take() == 10);
  MUST(store.Compact(DEFAULT, "", "b", true));
  CHECK(counting.Take() == 10);
  MUST(store.Compact(OTHER, "", "", true));
  CHECK(counting.Take() == 0);
  PutLast(store, OTHER, "k");
  counting.Take();
  MUST(store.Compact(OTHER, "", "", true));
  CHECK(counting.Take() == 10);

  // Down to the lowest level that has any of it: there a tombstone goes with what it hid.
  MUST(store.Write({DeleteOf(DEFAULT, "a5"), DeleteRangeOf(DEFAULT, "a7", "a9")}));
  MUST(store.Flush(DEFAULT));
  CHECK(store.Files(DEFAULT).size() == 3);
  MUST(store.Compact(DEFAULT, "a", "b", false));
  const auto gone = store.Files(DEFAULT);
  CHECK(Shape(gone) == "6[a0,a9] 6[b0,b9] ");
  CHECK(gone[0].entries == 7 && gone[0].deletions == 0);

  // A tombstone that a snapshot has kept in the last level goes only with the last level.
  const Snapshot* held = store.host()->GetSnapshot();
  MUST(store.Write({DeleteOf(DEFAULT, "b5")}));
  MUST(store.Compact(DEFAULT, "b", "c", false));
  store.host()->ReleaseSnapshot(held);
  CHECK(store.Files(DEFAULT)[1].entries == 11 && store.Files(DEFAULT)[1].deletions == 1);
  MUST(store.Compact(DEFAULT, "b", "c", false));
  CHECK(store.Files(DEFAULT)[1].entries == 11 && store.Files(DEFAULT)[1].deletions == 1);
  MUST(store.Compact(DEFAULT, "b", "c", true));
  CHECK(store.Files(DEFAULT)[1].entries == 9 && store.Files(DEFAULT)[1].deletions == 0);

  // Each key once, or twice in the older versions.
  store.PutFile(DEFAULT, Keys("b"));
  counting.Take();
  MUST(store.Compact(DEFAULT, "b", "c", true));
  const size_t shown = counting.Take();
  CHECK(ROCKS_GC_ROCKSDB_VERSION >= 8004 ? shown == 10 : shown == 20);

  FAILS(store.Compact(NONE, "", "", true), "Invalid argument: no column family has the index 2");
  store.host()->DisableManualCompaction();
  const Answer paused = store.Compact(DEFAULT, "", "", true);
  CHECK(paused.code == RGC_ENGINE_ERROR && paused.error.compare(0, 9, "Aborted: ") == 0);
  CHECK_CONTAINS(paused.error, "DB::EnableManualCompaction");
  store.host()->EnableManualCompaction();
  MUST(store.Compact(DEFAULT, "", "", true));
}

void TestFiles(Kind kind, const std::string& path) {
  Options options = QuietOptions();
  options.table_properties_collector_factories.push_back(std::make_shared<CollectorFactory>());
  {
    const Store store(kind, path, options);
    CHECK(store.Files(DEFAULT).empty());
    PutLast(store, DEFAULT, "a");
    MUST(store.Write({PutOf(DEFAULT, Bytes("a5\0"), "v"), DeleteOf(DEFAULT, "a7"), DeleteRangeOf(DEFAULT, "a1", "a3")}));
    MUST(store.Put(OTHER, "k", "v"));
    CHECK(store.Files(DEFAULT).size() == 1 && store.Files(OTHER).empty());
    MUST(store.Flush(DEFAULT));
    CHECK(store.Files(DEFAULT).size() == 2 && store.Files(OTHER).empty());
    MUST(store.Flush(OTHER));
    MUST(store.Flush(OTHER));
    CHECK(store.Files(OTHER).size() == 1);
    FAILS(store.Flush(NONE), "Invalid argument: no column family has the index 2");
    std::vector<File> none;
    FAILS(store.Files(NONE, &none), "Invalid argument: no column family has the index 2");
    CHECK(none.empty());
    MUST(store.Put(DEFAULT, "a4", "w"));
    MUST(store.Flush(DEFAULT));
  }
  // Also of files that were there before this open.
  const Store store(kind, path, options);
  const auto files = store.Files(DEFAULT);
  CHECK(Shape(files) == "0[a1,a7] 0[a4,a4] 6[a0,a9] ");
  CHECK(files[0].entries == 3 && files[0].deletions == 2);
  CHECK(files[1].entries == 1 && files[1].deletions == 0);
  CHECK(files[2].level == LAST && files[2].entries == 10 && files[2].deletions == 0);
  for (const File& file : files) CHECK(file.bytes > 100 && file.has_properties);
  const auto keys = [&](size_t i) { return PropertyOf(files[i], Bytes("test\0keys")); };
  CHECK(keys(0) != nullptr && (*keys(0) == "3" || *keys(0) == "2")); /* with or without the range tombstone */
  CHECK(keys(1) != nullptr && *keys(1) == "1");
  CHECK(keys(2) != nullptr && *keys(2) == "10");
  CHECK(Shape(store.Files(OTHER)) == "0[k,k] ");
}
