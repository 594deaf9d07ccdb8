// protocol.cc - how a filter uses what RocksDB tells its thread, in every order in which RocksDB
// may tell it. With remove_mode=skip the second version of a row shows it: a filter that knows it
// is bottommost skips to the row's end, any other to the next version.
#include <rocks_gc_rocksdb.h>

#include <thread>

#include "parts.h"

using namespace ROCKSDB_NAMESPACE;
using rocks_gc::Context;
using rocks_gc::Factory;
using rocks_gc::Library;
using rocks_gc::Listener;

namespace {

struct Host {
  explicit Host(const char* path, Options chosen = Options(), bool opened = true) : gc(Context::Create(Library::Load(path), "remove_mode=skip")), options(std::move(chosen)) {
    CHECK(gc.Call(&rocks_gc::Functions::rgc_set_keyspace_gc_type, 1u, RGC_GC_KEYSPACE_LEVEL).empty());
    CHECK(gc.Call(&rocks_gc::Functions::rgc_advance_keyspace_safe_point, 1u, uint64_t{80}).empty());
    CHECK(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options).ok());
    // As DB::Open does.
    if (opened) CHECK(options.compaction_filter_factory->ValidateOptions(options, options).ok());
  }

  std::unique_ptr<CompactionFilter> Create(bool full = false, uint32_t column_family = 0) {
    CompactionFilter::Context context{};
    context.is_full_compaction = full;
    context.column_family_id = column_family;
    context.reason = TableFileCreationReason::kCompaction;
    return options.compaction_filter_factory->CreateCompactionFilter(context);
  }

  void Tell(int output_level, uint32_t column_family = 0) {
    SubcompactionJobInfo job{};
    job.cf_id = column_family;
    job.job_id = 1;
    job.output_level = output_level;
    options.listeners[0]->OnSubcompactionBegin(job);
  }

  void End() { options.listeners[0]->OnSubcompactionCompleted(SubcompactionJobInfo{}); }

  std::string Key(uint64_t ts) { return gc.EncodeKey(RGC_MODE_RAW, 1, "row", ts); }

  // Does the run skip to the row's end?
  bool Bottommost(const CompactionFilter& filter, int level = 0) {
    std::string value, until;
    const std::string first = Key(70), second = Key(60);
    CHECK(filter.FilterV2(level, first, CompactionFilter::ValueType::kValue, Slice("v\0", 2), &value, &until) == CompactionFilter::Decision::kKeep);
    CHECK(filter.FilterV2(level, second, CompactionFilter::ValueType::kValue, Slice("v\0", 2), &value, &until) ==
          CompactionFilter::Decision::kRemoveAndSkipUntil);
    CHECK(Slice(until).compare(second) > 0);
    return until.size() > second.size();
  }

  Context gc;
  Options options;
};

void Levels(const char* path) {
  Host host(path);
  auto run = host.Create();
  host.Tell(6);
  CHECK(host.Bottommost(*run));
  host.End();

  run = host.Create();
  host.Tell(5);
  CHECK(!host.Bottommost(*run));
  host.End();
  // Full: nothing is left out, wherever it writes.
  CHECK(host.Bottommost(*host.Create(true)));
  // Read from the last level: it is rewritten.
  CHECK(host.Bottommost(*host.Create(), 6));
  // Nothing said.
  CHECK(!host.Bottommost(*host.Create()));
}

void StaleWords(const char* path) {
  Host host(path), other(path);
  // Another run's, of this DB or of another one on the same thread, whose end was not announced.
  host.Tell(6);
  CHECK(!host.Bottommost(*host.Create()));
  other.Tell(6);
  CHECK(!host.Bottommost(*host.Create()));
  // Announced and ended.
  auto run = host.Create();
  host.Tell(6);
  host.End();
  CHECK(!host.Bottommost(*run));
  // Of another column family, or told to another thread.
  run = host.Create(false, 1);
  host.Tell(6, 2);
  CHECK(!host.Bottommost(*run));
  run = host.Create();
  std::thread([&] { host.Tell(6); }).join();
  CHECK(!host.Bottommost(*run));
  // What is said after the first key comes too late: the run has begun.
  run = host.Create();
  CHECK(!host.Bottommost(*run));
  host.Tell(6);
  std::string value, until;
  const std::string third = host.Key(50);
  CHECK(run->FilterV2(0, third, CompactionFilter::ValueType::kValue, Slice("v\0", 2), &value, &until) ==
        CompactionFilter::Decision::kRemoveAndSkipUntil);
  CHECK(until.size() == third.size());
  host.End();
}

void OtherShapes(const char* path) {
  Options one_level;
  one_level.compaction_style = kCompactionStyleUniversal;
  one_level.num_levels = 1;
  Host universal(path, one_level);
  auto run = universal.Create();
  universal.Tell(0);
  CHECK(!universal.Bottommost(*run));
  CHECK(universal.Bottommost(*universal.Create(true)));

  Options ingests;
  ingests.allow_ingest_behind = true;
  Host behind(path, ingests);
  run = behind.Create();
  behind.Tell(6);
  CHECK(!behind.Bottommost(*run));
  CHECK(!behind.Bottommost(*behind.Create(true)));
  CHECK(!behind.Bottommost(*behind.Create(), 6));

  // num_levels changed after Install: DB::Open shows the options again.
  Host deeper(path);
  deeper.options.num_levels = 8;
  CHECK(deeper.options.compaction_filter_factory->ValidateOptions(deeper.options, deeper.options).ok());
  run = deeper.Create();
  deeper.Tell(6);
  CHECK(!deeper.Bottommost(*run));
  run = deeper.Create();
  deeper.Tell(7);
  CHECK(deeper.Bottommost(*run));
  // There is a level below the one that the options say is the last.
  run = deeper.Create();
  deeper.Tell(9);
  deeper.Bottommost(*run);
  run = deeper.Create();
  deeper.Tell(7);
  CHECK(!deeper.Bottommost(*run));

  // CreateColumnFamily does not show its options, so only a full compaction knows that it writes
  // the last level.
  Host created(path, Options(), false);
  run = created.Create();
  created.Tell(6);
  CHECK(!created.Bottommost(*run));
  CHECK(!created.Bottommost(*created.Create(), 6));
  CHECK(created.Bottommost(*created.Create(true)));
}

TablePropertiesCollection Files(uint64_t deletions) {
  auto file = std::make_shared<TableProperties>();
  file->num_deletions = deletions;
  return {{"1.sst", file}};
}

// A filter whose input files hold no tombstone skips to the row's end, too. RocksDB shows the files
// to the factory. Before 8.7 it shows them to the listener on the compaction's first thread, by the
// job's number. That number is ambiguous: CompactFiles gives none, another DB may use it, and so
// may the same DB after it was opened again.
#if ROCKSDB_MAJOR * 1000 + ROCKSDB_MINOR >= 8007
void KnownInputs(const char* path) {
  Host host(path);
  for (uint64_t deletions : {0, 1}) {
    CompactionFilter::Context context{};
    context.input_table_properties = Files(deletions);
    const auto run = host.options.compaction_filter_factory->CreateCompactionFilter(context);
    CHECK(host.Bottommost(*run) == (deletions == 0));
  }
}
#else
CompactionJobInfo Announced(uint64_t deletions) {
  CompactionJobInfo job{};
  job.job_id = 1;
  job.output_level = 1;
  job.input_files = {"1.sst"};
  job.table_properties = Files(deletions);
  return job;
}

void KnownInputs(const char* path) {
  Host host(path);
  EventListener& listener = *host.options.listeners[0];
  for (uint64_t deletions : {0, 1}) {
    listener.OnCompactionBegin(nullptr, Announced(deletions));
    auto run = host.Create();
    host.Tell(1);
    CHECK(host.Bottommost(*run) == (deletions == 0));
    // A second run on this thread, without a new announcement: CompactFiles.
    run = host.Create();
    host.Tell(1);
    CHECK(!host.Bottommost(*run));
    host.End();
  }
  // A job began and never ended, because the DB was closed. The next job with this number must not
  // use its files.
  listener.OnCompactionBegin(nullptr, Announced(0));
  std::thread([&] {
    const auto run = host.Create();
    host.Tell(1);
    CHECK(!host.Bottommost(*run));
  }).join();
  (void)host.Create();
  auto run = host.Create();
  host.Tell(1);
  CHECK(!host.Bottommost(*run));
  // A job began and ended without a filter; another job, level or column family; a file whose
  // properties could not be read.
  listener.OnCompactionBegin(nullptr, Announced(0));
  listener.OnCompactionCompleted(nullptr, Announced(0));
  run = host.Create();
  host.Tell(1);
  CHECK(!host.Bottommost(*run));
  listener.OnCompactionBegin(nullptr, Announced(0));
  run = host.Create();
  host.Tell(2);
  CHECK(!host.Bottommost(*run));
  auto incomplete = Announced(0);
  incomplete.input_files.push_back("2.sst");
  listener.OnCompactionBegin(nullptr, incomplete);
  run = host.Create();
  host.Tell(1);
  CHECK(!host.Bottommost(*run));
}
#endif

void OtherValues(const char* path) {
  Host host(path);
  const auto run = host.Create(true);
  std::string value, until;
  const std::string first = host.Key(70), second = host.Key(60), third = host.Key(50);
  using Decision = CompactionFilter::Decision;
  CHECK(run->FilterBlobByKey(0, first, &value, &until) == Decision::kUndetermined);
  CHECK(run->FilterV2(0, first, CompactionFilter::ValueType::kValue, Slice("v\0", 2), &value, &until) == Decision::kKeep);
  CHECK(run->FilterV2(0, second, CompactionFilter::ValueType::kMergeOperand, "operand", &value, &until) == Decision::kKeep);
  CHECK(run->FilterBlobByKey(0, third, &value, &until) == Decision::kRemoveAndSkipUntil);
  CHECK(host.options.compaction_filter_factory->ShouldFilterTableFileCreation(TableFileCreationReason::kCompaction));
  for (const auto reason : {TableFileCreationReason::kFlush, TableFileCreationReason::kRecovery, TableFileCreationReason::kMisc}) {
    CHECK(!host.options.compaction_filter_factory->ShouldFilterTableFileCreation(reason));
  }
}

// The context goes first; the factory's reference keeps what runs need.
void OutlivesTheContext(const char* path) {
  Host host(path);
  const auto before = host.Create(true);
  const std::string first = host.Key(70), second = host.Key(60);
  host.gc = Context();
  const auto after = host.Create(true);
  CHECK(before != nullptr && after != nullptr);
  std::string value, until;
  for (const auto* run : {before.get(), after.get()}) {
    CHECK(run->FilterV2(0, first, CompactionFilter::ValueType::kValue, Slice("v\0", 2), &value, &until) == CompactionFilter::Decision::kKeep);
    CHECK(run->FilterV2(0, second, CompactionFilter::ValueType::kValue, Slice("v\0", 2), &value, &until) ==
          CompactionFilter::Decision::kRemoveAndSkipUntil);
  }
}

void NothingToDo(const char* path) {
  const Context gc = Context::Create(Library::Load(path));
  Options options;
  CHECK(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options).ok());
  CHECK(options.compaction_filter_factory->CreateCompactionFilter(CompactionFilter::Context{}) == nullptr);
}

}  // namespace

void TestProtocol(const char* path) {
  Levels(path);
  StaleWords(path);
  OtherShapes(path);
  KnownInputs(path);
  OtherValues(path);
  OutlivesTheContext(path);
  NothingToDo(path);
}
