// install.cc - what Install sets, says and refuses.
#include <rocks_gc_rocksdb.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include "parts.h"

using namespace ROCKSDB_NAMESPACE;
using rocks_gc::Context;
using rocks_gc::Install;
using rocks_gc::Library;

namespace {

class KeepFilter : public CompactionFilter {
 public:
  const char* Name() const override { return "the host's own"; }
};

// Sorts as bytes do, but for a timestamp behind each key.
class Timestamped : public Comparator {
 public:
  Timestamped() : Comparator(8) {}
  const char* Name() const override { return BytewiseComparator()->Name(); }
  int Compare(const Slice& a, const Slice& b) const override { return a.compare(b); }
  void FindShortestSeparator(std::string*, const Slice&) const override {}
  void FindShortSuccessor(std::string*) const override {}
};

std::string CollectorsOf(const ColumnFamilyOptions& options) {
  std::string names;
  for (const auto& collector : options.table_properties_collector_factories) names += collector->Name() + std::string(" ");
  return names;
}

// Refused: says why, and changes nothing.
void Refuses(const Context& gc, int kind, Options options, const char* why) {
  const auto factory = options.compaction_filter_factory;
  std::string what = "untouched";
  const Status status = Install(gc, kind, &options, &options, &what);
  CHECK(!status.ok());
  CHECK_CONTAINS(status.ToString(), why);
  CHECK(options.compaction_filter_factory == factory && options.listeners.empty() && what == "untouched");
  CHECK(options.table_properties_collector_factories.empty());
}

void SetsAll(const Context& gc) {
  Options options;
  std::string what;
  CHECK(Install(gc, RGC_KIND_RAW, &options, &options, &what).ok());
  CHECK(std::string(options.compaction_filter_factory->Name()) == "rocks_gc.default");
  CHECK(options.listeners.size() == 1);
  CHECK_CONTAINS(what, "compaction_filter_factory=rocks_gc.default");
  CHECK_CONTAINS(what, "table_properties_collector_factories+=rocks_gc.default.collector");
  CHECK(CollectorsOf(options) == "rocks_gc.default.collector ");
  CHECK_CONTAINS(what, "listener added");
  CHECK_CONTAINS(what, "the last level is 6");

  // Another column family of the same DB.
  ColumnFamilyOptions write;
  write.num_levels = 4;
  CHECK(Install(gc, RGC_KIND_TXN, &options, &write, &what).ok());
  CHECK(std::string(write.compaction_filter_factory->Name()) == "rocks_gc.write");
  CHECK(options.listeners.size() == 1);
  CHECK(CollectorsOf(options) == "rocks_gc.default.collector " && CollectorsOf(write) == "rocks_gc.write.collector ");
  CHECK_CONTAINS(what, "listener was there");
  CHECK_CONTAINS(what, "the last level is 3");

  Options behind;
  behind.allow_ingest_behind = true;
  CHECK(Install(gc, RGC_KIND_TTL_V1, &behind, &behind, &what).ok());
  CHECK_CONTAINS(what, "rocks_gc.ttl_v1");
  CHECK_CONTAINS(what, "ingest-behind");

  // The host's own collector stays. One of this library is replaced.
  behind.table_properties_collector_factories.push_back(NewCompactOnDeletionCollectorFactory(1, 1));
  behind.compaction_filter_factory = nullptr;
  CHECK(Install(gc, RGC_KIND_DROPPED_ONLY, &behind, &behind).ok());
  CHECK(CollectorsOf(behind) == "CompactOnDeletionCollector rocks_gc.dropped_only.collector ");
}

void RefusesWhatItCannot(const Context& gc) {
  Options options;
  options.comparator = ReverseBytewiseComparator();
  Refuses(gc, RGC_KIND_RAW, options, "rocksdb.ReverseBytewiseComparator");
  options.comparator = nullptr;
  Refuses(gc, RGC_KIND_RAW, options, "comparator");
  options = Options();
  const Timestamped timestamped;
  options.comparator = &timestamped;
  Refuses(gc, RGC_KIND_RAW, options, "without user-defined timestamps");
  options = Options();
  const KeepFilter filter;
  options.compaction_filter = &filter;
  Refuses(gc, RGC_KIND_RAW, options, "the host's own");
  options = Options();
  options.table_factory.reset(NewPlainTableFactory());
  Refuses(gc, RGC_KIND_RAW, options, "plain tables");
  options = Options();
  options.compaction_filter_factory = std::make_shared<rocks_gc::Factory>(gc.library(), gc.get(), RGC_KIND_RAW, nullptr);
  Refuses(gc, RGC_KIND_RAW, options, "has a compaction filter already");
  Refuses(gc, 99, Options(), "kind 99 is unknown");
  Refuses(Context(), RGC_KIND_RAW, Options(), "no context");
  CHECK(Install(gc, RGC_KIND_RAW, nullptr, &options).IsInvalidArgument());
  CHECK(Install(gc, RGC_KIND_RAW, &options, nullptr).IsInvalidArgument());
  CHECK(Install(gc.library(), nullptr, RGC_KIND_RAW, &options, &options).IsInvalidArgument());
  CHECK(Install(Library(), gc.get(), RGC_KIND_RAW, &options, &options).IsInvalidArgument());
}

}  // namespace

void TestInstall(const char* path) {
  const Context gc = Context::Create(Library::Load(path));
  CHECK(gc.ok());
  SetsAll(gc);
  RefusesWhatItCannot(gc);
}
