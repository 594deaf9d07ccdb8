// host.cc - a server that detaches on a thread with a living filter, where the library must refuse.
// A host that checks the result keeps its DB open and continues. One that destroys the Attachment
// is stopped, with the reason on standard error.
//
// Usage: host LIBRARY DIRECTORY [let_go]
#include <rocks_gc_rocksdb_store.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "open.h"

namespace {

constexpr uint64_t kVersions = 70;

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::_Exit(1);
}

void Check(const rocksdb::Status& status, const char* what) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  Check(status.ok(), what);
}

// A run of this thread's that has decided: a compaction that is on.
class LivingFilter {
 public:
  explicit LivingFilter(const rocks_gc::Context& gc) : gc_(gc), filter_(gc->rgc_filter_create(gc.get(), RGC_KIND_RAW, nullptr, nullptr)) {
    const std::string key = gc.EncodeKey(RGC_MODE_RAW, 1, "row", kVersions);
    Check(filter_ != nullptr, "there is a run");
    gc->rgc_filter_decide(filter_, 0, RGC_VALUE, key.data(), key.size(), "v\0", 2, nullptr, nullptr);
  }
  ~LivingFilter() { gc_->rgc_filter_destroy(filter_); }
  LivingFilter(const LivingFilter&) = delete;
  LivingFilter& operator=(const LivingFilter&) = delete;

 private:
  const rocks_gc::Context& gc_;
  rgc_filter_t* filter_;
};

}  // namespace

int main(int argc, char** argv) {
  Check(argc >= 3, "the library and a directory are given");
  const auto gc = rocks_gc::Context::Create(rocks_gc::Library::Load(argv[1]));
  Check(gc.ok(), "there is a context");
  Check(gc.Call(&rocks_gc::Functions::rgc_set_keyspace_gc_type, 1u, RGC_GC_KEYSPACE_LEVEL).empty(), "the keyspace is named");
  Check(gc.Call(&rocks_gc::Functions::rgc_advance_keyspace_safe_point, 1u, uint64_t{100}).empty(), "its safe point moves");

  rocksdb::Options options;
  options.create_if_missing = true;
  Check(rocks_gc::Install(gc, RGC_KIND_RAW, &options, &options), "installs");
  rocksdb::DB* opened = nullptr;
  Check(Open<rocksdb::DB>(options, argv[2], &opened, 0), "opens");
  std::unique_ptr<rocksdb::DB> db(opened);
  rocks_gc::Attachment attachment;
  Check(rocks_gc::Attachment::Make(gc, db.get(), {{RGC_CF_DEFAULT, nullptr}}, &attachment), "attaches");
  Check(rocks_gc::Attachment::Make(gc, db.get(), {{RGC_CF_DEFAULT, nullptr}}, &attachment).IsInvalidArgument(), "one store each");

  {
    const LivingFilter filter(gc);
    rocksdb::Status detached = attachment.Detach();
    Check(detached.IsAborted() && attachment.attached(), "a detach beside a living filter is refused");
    if (argc > 3) {
      const rocks_gc::Attachment let_go = std::move(attachment);
      std::printf("the end is near\n");
      std::fflush(stdout);
    }
    // The DB is open, and the worker at work.
    const std::string mark = gc.EncodeKey(RGC_MODE_RAW, 1, "dead", kVersions);
    Check(db->Put(rocksdb::WriteOptions(), mark, std::string("\2")), "writes");
    Check(db->Flush(rocksdb::FlushOptions()), "flushes");
    rocksdb::CompactRangeOptions all;
    all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    Check(db->CompactRange(all, nullptr, nullptr), "compacts");
    std::string error;
    std::thread([&] { error = gc.Call(&rocks_gc::Functions::rgc_worker_drain, uint64_t{60000}); }).join();
    Check(error.empty() && gc->rgc_worker_pending(gc.get()) == 0, "the worker finishes the row");
    std::string value;
    Check(db->Get(rocksdb::ReadOptions(), mark, &value).IsNotFound(), "the dead row is gone");
    // Another thread has no filter.
    std::thread([&] { detached = attachment.Detach(); }).join();
    Check(detached, "another thread detaches");
    Check(!attachment.attached(), "nothing is attached");
  }
  Check(rocks_gc::Attachment::Make(gc, db.get(), {{RGC_CF_DEFAULT, nullptr}}, &attachment), "attaches again");
  rocks_gc::Attachment moved(std::move(attachment));
  Check(moved.attached() && !attachment.attached(), "it moves");
  Check(moved.Detach(), "detaches");
  Check(moved.Detach(), "and detaches nothing");
  Check(db->Close(), "closes");
  std::puts("refusals: ok");
}
