// synced_fs.h - a file system that remembers what was synced, and shows what a power loss would
// leave: of every file the synced bytes, and perhaps some more. Renames, new names and deletes are
// durable at once.
#ifndef SYNCED_FS_H
#define SYNCED_FS_H

#include <rocksdb/file_system.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "keys.h"

namespace fs_test {

namespace db = ROCKSDB_NAMESPACE;

// What has just been done to a file; nothing else is done to any file before the listener returns.
struct Event {
  enum Kind { kAppend, kSync } kind;
  const std::string& path;
};

class SyncedFileSystem final : public db::FileSystemWrapper {
 public:
  using Listener = std::function<void(const Event&)>;
  explicit SyncedFileSystem(Listener listener) : FileSystemWrapper(db::FileSystem::Default()), listener_(std::move(listener)) {}

  const char* Name() const override { return "SyncedFileSystem"; }

  // Copies what a power loss leaves of a folder into a new one. Call it from inside the listener.
  // tails: each file keeps none, some or all of its unsynced bytes, independently of the others.
  void LosePower(const std::string& from, const std::string& to, bool tails, Random* random) const;

  // Other files lie under the old names, all of them synced. While nothing is open.
  void Forget() {
    const std::lock_guard<std::mutex> lock(mutex_);
    sizes_.clear();
  }

  db::IOStatus NewWritableFile(const std::string& path, const db::FileOptions& options, std::unique_ptr<db::FSWritableFile>* file,
                               db::IODebugContext* debug) override;
  db::IOStatus ReopenWritableFile(const std::string& path, const db::FileOptions& options, std::unique_ptr<db::FSWritableFile>* file,
                                  db::IODebugContext* debug) override;
  db::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path, const db::FileOptions& options,
                                 std::unique_ptr<db::FSWritableFile>* file, db::IODebugContext* debug) override;
  db::IOStatus RenameFile(const std::string& from, const std::string& to, const db::IOOptions& options, db::IODebugContext* debug) override;
  db::IOStatus DeleteFile(const std::string& path, const db::IOOptions& options, db::IODebugContext* debug) override;
  db::IOStatus LinkFile(const std::string& from, const std::string& to, const db::IOOptions& options, db::IODebugContext* debug) override;
  db::IOStatus Truncate(const std::string& path, size_t size, const db::IOOptions& options, db::IODebugContext* debug) override;

 private:
  class File;
  // Of files that were not there from the beginning.
  struct Sizes {
    uint64_t written = 0, synced = 0;
  };
  db::IOStatus Watch(const std::string& path, std::unique_ptr<db::FSWritableFile>* file, bool from_empty);

  const Listener listener_;
  mutable std::mutex mutex_;
  std::map<std::string, Sizes> sizes_;
};

} // namespace fs_test

#endif
