// stalls.cc - write stalls: seen, and never waited for.
#include <rocksdb/listener.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "store.h"

namespace {

// Holds compactions up at their begin.
class Gate : public EventListener {
 public:
  void OnCompactionBegin(DB*, const CompactionJobInfo&) override {
    std::unique_lock<std::mutex> lock(mutex_);
    arrived_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void AwaitCompaction() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return arrived_; });
  }
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool arrived_ = false, open_ = false;
};

// As the host does it, whatever comes of it: the engine's flush would wait.
void HostPutsFile(const Store& store, const std::string& key) {
  CHECK(store.host()->Put(WriteOptions(), key, "v").ok());
  FlushOptions options;
  options.allow_write_stall = true;
  CHECK(store.host()->Flush(options).ok());
}

void Stall(Kind kind, const std::string& path, bool stop) {
  const auto gate = std::make_shared<Gate>();
  Options options;
  options.listeners.push_back(gate);
  options.level0_file_num_compaction_trigger = 2;
  options.level0_slowdown_writes_trigger = 2;
  options.level0_stop_writes_trigger = stop ? 2 : 20;
  const Store store(kind, path, options);
  HostPutsFile(store, "a");
  CHECK(store.WriteStalled() == 0);
  MUST(store.Write({PutOf(DEFAULT, "b", "v")}, RGC_WRITE_FLAG_NO_SLOWDOWN));
  HostPutsFile(store, "b");
  gate->AwaitCompaction();
  CHECK(store.WriteStalled() == 1);
  if (stop) {
    const Answer busy = store.Write({PutOf(DEFAULT, "busy", "v"), PutOf(OTHER, "busy", "v")}, RGC_WRITE_FLAG_NO_SLOWDOWN);
    CHECK(busy.code == RGC_ENGINE_BUSY && busy.error.empty());
    CHECK(store.Lacks(DEFAULT, "busy") && store.Lacks(OTHER, "busy"));

    // Without the flag it waits.
    std::atomic<bool> written{false};
    std::thread writer([&] {
      MUST(store.Put(DEFAULT, "patient", "v"));
      written = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    CHECK(!written);
    gate->Open();
    writer.join();
  } else {
    // A flush that would make it worse waits.
    MUST(store.Put(DEFAULT, "c", "v"));
    std::atomic<bool> flushed{false};
    std::thread flusher([&] {
      MUST(store.Flush(DEFAULT));
      flushed = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    CHECK(!flushed);
    gate->Open();
    flusher.join();
    size_t with_c = 0;
    for (const File& file : store.Files(DEFAULT)) with_c += file.largest == "c" ? 1 : 0;
    CHECK(with_c == 1);
  }
  for (int i = 0; i < 1000 && store.WriteStalled() != 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(store.WriteStalled() == 0);
  MUST(store.Write({PutOf(DEFAULT, "busy", "v")}, RGC_WRITE_FLAG_NO_SLOWDOWN));
  CHECK(store.Has(DEFAULT, "busy", "v"));
}

}  // namespace

void TestStalls(Kind kind, const std::string& path) {
  Stall(kind, path + ".stop", true);
  Stall(kind, path + ".slow", false);
}
