// synced_fs.cc - see synced_fs.h.
#include "synced_fs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "../cpp_check.h"

namespace fs_test {

using db::FSWritableFile;
using db::IODebugContext;
using db::IOOptions;
using db::IOStatus;
using Lock = std::lock_guard<std::mutex>;

class SyncedFileSystem::File final : public db::FSWritableFileOwnerWrapper {
 public:
  File(SyncedFileSystem* system, std::string path, std::unique_ptr<FSWritableFile>&& file)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(system), path_(std::move(path)) {}

  IOStatus Append(const db::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Changed(Event::kAppend, [&] { return FSWritableFileOwnerWrapper::Append(data, options, debug); }, data.size());
  }
  IOStatus Append(const db::Slice& data, const IOOptions& options, const db::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const db::Slice&, uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::NotSupported(); }
  IOStatus PositionedAppend(const db::Slice&, uint64_t, const IOOptions&, const db::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported();
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const Lock lock(system_->mutex_);
    system_->sizes_[path_].written = size;
    return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Changed(Event::kSync, [&] { return FSWritableFileOwnerWrapper::Sync(options, debug); }, 0);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }

 private:
  template <class Call>
  IOStatus Changed(Event::Kind kind, Call call, size_t appended) {
    const Lock lock(system_->mutex_);
    IOStatus status = call();
    Sizes& sizes = system_->sizes_[path_];
    sizes.written += appended;
    if (kind == Event::kSync) sizes.synced = sizes.written;
    system_->listener_({kind, path_});
    return status;
  }

  SyncedFileSystem* const system_;
  const std::string path_;
};

IOStatus SyncedFileSystem::Watch(const std::string& path, std::unique_ptr<FSWritableFile>* file, bool from_empty) {
  Sizes sizes;
  if (!from_empty) sizes.written = sizes.synced = std::filesystem::file_size(path);
  const auto known = sizes_.find(path);
  if (from_empty || known == sizes_.end()) sizes_[path] = sizes;
  file->reset(new File(this, path, std::move(*file)));
  return IOStatus::OK();
}

IOStatus SyncedFileSystem::NewWritableFile(const std::string& path, const db::FileOptions& options, std::unique_ptr<FSWritableFile>* file,
                                           IODebugContext* debug) {
  const Lock lock(mutex_);
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
  return status.ok() ? Watch(path, file, true) : status;
}

IOStatus SyncedFileSystem::ReopenWritableFile(const std::string& path, const db::FileOptions& options, std::unique_ptr<FSWritableFile>* file,
                                              IODebugContext* debug) {
  const Lock lock(mutex_);
  IOStatus status = FileSystemWrapper::ReopenWritableFile(path, options, file, debug);
  return status.ok() ? Watch(path, file, false) : status;
}

IOStatus SyncedFileSystem::ReuseWritableFile(const std::string&, const std::string&, const db::FileOptions&, std::unique_ptr<FSWritableFile>*,
                                             IODebugContext*) {
  return IOStatus::NotSupported("old logs are not used again here");
}

IOStatus SyncedFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug) {
  const Lock lock(mutex_);
  IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  auto moved = sizes_.extract(from);
  sizes_.erase(to);
  if (!moved.empty()) {
    moved.key() = to;
    sizes_.insert(std::move(moved));
  }
  return status;
}

IOStatus SyncedFileSystem::DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  const Lock lock(mutex_);
  sizes_.erase(path);
  return FileSystemWrapper::DeleteFile(path, options, debug);
}

IOStatus SyncedFileSystem::LinkFile(const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug) {
  const Lock lock(mutex_);
  const auto known = sizes_.find(from);
  if (known != sizes_.end()) sizes_[to] = known->second;
  return FileSystemWrapper::LinkFile(from, to, options, debug);
}

IOStatus SyncedFileSystem::Truncate(const std::string& path, size_t size, const IOOptions& options, IODebugContext* debug) {
  const Lock lock(mutex_);
  const auto known = sizes_.find(path);
  if (known != sizes_.end()) known->second.written = size;
  return FileSystemWrapper::Truncate(path, size, options, debug);
}

void SyncedFileSystem::LosePower(const std::string& from, const std::string& to, bool tails, Random* random) const {
  std::filesystem::create_directories(to);
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const std::string name = entry.path().filename(), path = from + "/" + name;
    if (!entry.is_regular_file() || name == "LOCK") continue;
    std::ifstream file(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto known = sizes_.find(path);
    if (known != sizes_.end()) {
      const uint64_t there = bytes.size(), synced = std::min(known->second.synced, there);
      const uint64_t kept[] = {synced, synced + random->Below(there - synced + 1), there};
      bytes.resize(kept[tails ? random->Below(3) : 0]);
    }
    std::ofstream copy(to + "/" + name, std::ios::binary);
    copy << bytes;
    copy.close();
    CHECK(copy.good());
  }
}

} // namespace fs_test
