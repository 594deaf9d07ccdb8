// reads.cc - get and iterate.
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/statistics.h>
#if __has_include(<rocksdb/advanced_cache.h>)
#include <rocksdb/advanced_cache.h>
#endif

#include "store.h"

namespace {

Entries Read(const Store& store, const std::string& start, const std::string& end, bool backwards) {
  Entries entries;
  MUST(store.Iterate(DEFAULT, start, end, backwards, &entries));
  return entries;
}

// [start, end) are these keys, in both directions; each has itself as its value.
void Ranges(const Store& store, const std::string& start, const std::string& end, const std::vector<std::string>& keys) {
  Entries wanted;
  for (const std::string& key : keys) wanted.emplace_back(key, key);
  CHECK(Read(store, start, end, false) == wanted);
  CHECK(Read(store, start, end, true) == Entries(wanted.rbegin(), wanted.rend()));
}

void Gets(const Store& store) {
  MUST(store.Put(DEFAULT, "present", "value"));
  MUST(store.Put(DEFAULT, "empty value", ""));
  MUST(store.Put(DEFAULT, Bytes("zero\0key"), Bytes("\0zero\0value\0")));
  MUST(store.Put(DEFAULT, "", "of the empty key"));
  MUST(store.Put(OTHER, "elsewhere", "value"));
  for (int flushed = 0; flushed < 2; ++flushed) {
    CHECK(store.Has(DEFAULT, "present", "value"));
    CHECK(store.Has(DEFAULT, "empty value", ""));
    CHECK(store.Has(DEFAULT, Bytes("zero\0key"), Bytes("\0zero\0value\0")));
    CHECK(store.Has(DEFAULT, "", "of the empty key"));
    CHECK(store.Has(OTHER, "elsewhere", "value"));
    CHECK(store.Lacks(DEFAULT, "elsewhere"));
    CHECK(store.Lacks(OTHER, "present"));
    CHECK(store.Lacks(DEFAULT, "zero"));
    MUST(store.Flush(DEFAULT));
    MUST(store.Flush(OTHER));
  }
  std::string value;
  bool found = true;
  FAILS(store.Get(NONE, "present", &value, &found), "Invalid argument: no column family has the index 2");
  CHECK(!found);
  MUST(store.Write({DeleteRangeOf(DEFAULT, "", "\xff"), DeleteOf(OTHER, "elsewhere")}));
}

void Iterates(const Store& store) {
  const std::string zero = Bytes("b\0"), high = "b\xff", highest = "\xff\xff";
  const std::vector<std::string> keys = {"a", "b", zero, Bytes("b\0\0"), "bb", high, "c", highest};
  for (size_t i = 0; i < keys.size(); ++i) {
    MUST(store.Put(DEFAULT, keys[i], keys[i]));
    if (i % 3 == 0) MUST(store.Flush(DEFAULT));
  }
  MUST(store.Put(OTHER, "b", "of the other family"));
  MUST(store.Put(DEFAULT, "bc", "deleted"));
  MUST(store.Write({DeleteOf(DEFAULT, "bc")}));

  Ranges(store, "", "", keys);
  Ranges(store, "a", "c", {"a", "b", zero, Bytes("b\0\0"), "bb", high});
  Ranges(store, "a", Bytes("c\0"), {"a", "b", zero, Bytes("b\0\0"), "bb", high, "c"});
  Ranges(store, "b", zero, {"b"});
  Ranges(store, zero, "bb", {zero, Bytes("b\0\0")});
  Ranges(store, "ab", "ba", {"b", zero, Bytes("b\0\0")});
  Ranges(store, "ba", "bd", {"bb"});
  Ranges(store, high, highest, {high, "c"});
  Ranges(store, "c", "", {"c", highest});
  Ranges(store, "", "b", {"a"});
  Ranges(store, "bc", "bd", {});
  Ranges(store, "d", "e", {});
  Ranges(store, "b", "b", {});
  Ranges(store, "c", "a", {});

  Entries entries;
  MUST(store.Iterate(OTHER, "a", "z", false, &entries));
  CHECK(entries == Entries{Entry("b", "of the other family")});
  FAILS(store.Iterate(NONE, "a", "z", false, &entries), "Invalid argument: no column family has the index 2");
}

// What is written later is not seen, and bytes stand until the next call.
void IteratesAsOfNow(const Store& store, const rgc_engine_t& table, void* engine) {
  char* error = nullptr;
  rgc_engine_iterator_t* it = table.iterate(engine, DEFAULT, "a", 1, "c", 1, 0, &error);
  CHECK(it != nullptr && error == nullptr);
  MUST(store.Write({DeleteRangeOf(DEFAULT, "a", "z")}));
  MUST(store.Put(DEFAULT, "aa", "later"));
  MUST(store.Flush(DEFAULT));
  MUST(store.Compact(DEFAULT, "", "", true));
  const char *key = nullptr, *value = nullptr;
  size_t key_len = 0, value_len = 0;
  CHECK(table.next(it, &key, &key_len, &value, &value_len, &error) == RGC_ENGINE_OK);
  MUST(store.Put(DEFAULT, "a", "later still"));
  CHECK(std::string(key, key_len) == "a" && std::string(value, value_len) == "a");
  CHECK(table.next(it, &key, &key_len, &value, &value_len, &error) == RGC_ENGINE_OK);
  CHECK(std::string(key, key_len) == "b" && std::string(value, value_len) == "b");
  table.iterator_destroy(it);
}

}  // namespace

void TestReads(Kind kind, const std::string& path) {
  // Filters by prefix, which a scan must not heed.
  Options options = QuietOptions();
  BlockBasedTableOptions tables;
  tables.filter_policy.reset(NewBloomFilterPolicy(10, false));
  tables.whole_key_filtering = false;
  tables.block_cache = NewLRUCache(1 << 20);
  options.table_factory.reset(NewBlockBasedTableFactory(tables));
  options.prefix_extractor.reset(NewFixedPrefixTransform(2));
  options.memtable_prefix_bloom_size_ratio = 0.1;
  options.statistics = CreateDBStatistics();
  const Store store(kind, path, options);
  Gets(store);
  Iterates(store);
  // Nothing is pushed out of the cache for a scan.
  tables.block_cache->EraseUnRefEntries();
  const auto count = [&](Tickers ticker) { return options.statistics->getTickerCount(ticker); };
  const uint64_t missed = count(BLOCK_CACHE_DATA_MISS), added = count(BLOCK_CACHE_DATA_ADD);
  CHECK(store.All(DEFAULT).size() == 8);
  CHECK(count(BLOCK_CACHE_DATA_MISS) > missed && count(BLOCK_CACHE_DATA_ADD) == added);
  std::unique_ptr<rocks_gc::Engine> engine;
  CHECK(rocks_gc::Engine::Create(store.host(), {{RGC_CF_DEFAULT, nullptr}}, &engine).ok());
  IteratesAsOfNow(store, rocks_gc::Engine::Table(), engine.get());
}

void TestBrokenFiles(Kind kind, const std::string& path) {
  Options options = QuietOptions();
  std::string table;
  {
    const Store store(kind, path, options);
    store.PutFile(DEFAULT, {"a", "b"});
    std::vector<LiveFileMetaData> files;
    store.host()->GetLiveFilesMetaData(&files);
    CHECK(files.size() == 1);
    table = files[0].name;
    // RocksDB looks at the first few files when it opens a DB.
    for (const char* key : {"c", "d", "e", "f", "g", "h"}) store.PutFile(DEFAULT, {key});
  }
  Ruin(path, table);
  options.max_open_files = 16;
  const Store store(kind, path, options);
  std::string value;
  bool found = true;
  FAILS(store.Get(DEFAULT, "a", &value, &found), "Corruption: ");
  CHECK(!found && store.Has(DEFAULT, "h", "v"));
  Entries entries;
  for (const bool backwards : {false, true}) {
    const Answer answer = store.Iterate(DEFAULT, "a", "z", backwards, &entries);
    CHECK(answer.code == RGC_ENGINE_ERROR && entries.empty());
    CHECK_CONTAINS(answer.error, "Corruption: ");
  }

  // What cannot be read is not known; the rest is.
  const auto files = store.Files(DEFAULT);
  CHECK(files.size() == 7 && files[0].level == 0 && files[0].smallest == "a" && files[0].largest == "b" && files[0].bytes > 0);
  CHECK(!files[0].has_properties && files[0].properties.empty());

  // After the failed compaction RocksDB writes no more, and says so.
  FAILS(store.Compact(DEFAULT, "", "", true), "Corruption: ");
  FAILS(store.Put(OTHER, "k", "v"), "Corruption: ");
}
