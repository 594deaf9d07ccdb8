/* rocks_gc_rocksdb_store.h - the open store for C++ servers. Header-only, beside
 * rocks_gc_rocksdb.h, for RocksDB 7.0 to 11.
 *
 *     rocks_gc::Install(gc, RGC_KIND_RAW, &options, &default_options);   // before open
 *     rocks_gc::Install(gc, RGC_KIND_TXN, &options, &write_options);
 *     ... DB::Open or TransactionDB::Open ...
 *     rocks_gc::Attachment attachment;                  // destroyed before the handles and the DB
 *     rocksdb::Status s = rocks_gc::Attachment::Make(
 *         gc, db, {{RGC_CF_DEFAULT, default_handle}, {RGC_CF_WRITE, write_handle}}, &attachment);
 *     ... work ...
 *     s = attachment.Detach();                          // not ok: refused, the DB must stay open
 *
 * For a TransactionDB, an OptimisticTransactionDB or any other StackableDB, Attach uses the base
 * DB, so that it takes no lock. That is right only if the base stores what the host reads. It is
 * wrong under DBWithTTL. Attach refuses a TransactionDB with another write policy than
 * WRITE_COMMITTED: its base shows data that is not committed. The host must pass the TransactionDB
 * itself. In its base Attach cannot see the policy.
 *
 * An empty end means no bound. iterate and compact then continue to the last key, and delete_files
 * refuses it. In its newest versions RocksDB's own db.h needs exceptions. */
#ifndef ROCKS_GC_ROCKSDB_STORE_H
#define ROCKS_GC_ROCKSDB_STORE_H

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/metadata.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <unordered_map>

#include "rocks_gc_rocksdb.h"

namespace rocks_gc {

/* A column family of the store. handle NULL means the default column family. Another handle must be
 * valid until rgc_detach has returned. */
struct Family {
  int role; /* RGC_CF_... */
  detail::db::ColumnFamilyHandle* handle;
};

namespace detail {

using db::Status;
using Handle = db::ColumnFamilyHandle;

/* Converts a Status to an error text of rocks_gc.h, "Kind: what". */
inline std::string TextOf(const Status& status) {
  static constexpr const char* kinds[][2] = {{"Invalid argument: ", "Invalid argument: "},
                                             {"NotFound: ", "Not found: "},
                                             {"Not implemented: ", "Not supported: "},
                                             {"Resource busy: ", "Busy: "},
                                             {"Corruption: ", "Corruption: "},
                                             {"IO error: ", "IO error: "},
                                             {"Operation aborted: ", "Aborted: "}};
  const std::string text = status.ToString();
  for (const auto& [of_rocksdb, kind] : kinds) {
    if (text.compare(0, std::strlen(of_rocksdb), of_rocksdb) == 0) {
      return kind + text.substr(std::strlen(of_rocksdb));
    }
  }
  return "Aborted: " + text;
}

/* Returns NULL if there is no memory. */
inline char* Malloced(const char* bytes, size_t len) {
  char* copy = static_cast<char*>(std::malloc(len + 1));
  if (copy == nullptr) return nullptr;
  if (len != 0) std::memcpy(copy, bytes, len);
  copy[len] = '\0';
  return copy;
}

inline db::Slice SliceOf(const char* bytes, size_t len) {
  return len != 0 ? db::Slice(bytes, len) : db::Slice();
}

/* The range [start, end), or a range without an end. */
struct Range {
  Range(const char* from, size_t from_len, const char* to, size_t to_len)
      : start(SliceOf(from, from_len)), end(SliceOf(to, to_len)) {}
  const db::Slice* Start() const { return start.empty() ? nullptr : &start; }
  const db::Slice* End() const { return end.empty() ? nullptr : &end; }

  const db::Slice start, end;
};

/* An iterator of the engine. It owns the bounds to which RocksDB's iterator refers. */
class Cursor {
 public:
  Cursor(const Range& range, bool backwards)
      : start_(range.start.ToString()),
        end_(range.end.ToString()),
        backwards_(backwards),
        range_(start_.data(), start_.size(), end_.data(), end_.size()) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  Status Open(db::DB* root, Handle* handle) {
    db::ReadOptions options;
    options.iterate_lower_bound = range_.Start();
    options.iterate_upper_bound = range_.End();
    options.fill_cache = false;
    options.total_order_seek = true;
    iterator_.reset(root->NewIterator(options, handle));
    return iterator_->status();
  }

  Status Next(const char** key, size_t* key_len, const char** value, size_t* value_len) {
    *key = *value = nullptr;
    *key_len = *value_len = 0;
    if (!begun_) {
      begun_ = true;
      backwards_ ? iterator_->SeekToLast() : iterator_->SeekToFirst();
    } else if (iterator_->Valid()) {
      backwards_ ? iterator_->Prev() : iterator_->Next();
    }
    if (!iterator_->Valid()) return iterator_->status();
    *key = iterator_->key().data();
    *key_len = iterator_->key().size();
    *value = iterator_->value().data();
    *value_len = iterator_->value().size();
    return Status::OK();
  }

 private:
  const std::string start_, end_;
  const bool backwards_;
  const Range range_;
  bool begun_ = false;
  std::unique_ptr<db::Iterator> iterator_;
};

/* The engine of rocks_gc.h over a DB. Attach creates one. */
class Engine {
 public:
  /* Creates an engine. After an error nothing was created.
   * Errors: no DB; a column family whose comparator is not bytewise or has timestamps; one whose
   *   tables do not support skips or range tombstones. */
  static Status Create(db::DB* store, const std::vector<Family>& families,
                       std::unique_ptr<Engine>* engine) {
    if (store == nullptr) return Status::InvalidArgument("rocks_gc::Attach: db is NULL");
    std::unique_ptr<Engine> made(new Engine(store->GetRootDB()));
    for (const Family& family : families) {
      Handle* handle =
          family.handle != nullptr ? family.handle : made->root_->DefaultColumnFamily();
      const db::Options options = made->root_->GetOptions(handle);
      Status fit = Judgeable(options);
      if (fit.ok() && !options.table_factory->IsDeleteRangeSupported()) {
        fit = Status::NotSupported("rocks_gc needs tables that hold range tombstones",
                                   options.table_factory->Name());
      }
      if (!fit.ok()) return StatusOf(TextOf(fit) + ", in column family " + handle->GetName());
      made->families_.push_back({{handle, true}, family.role, KindOf(options)});
    }
    *engine = std::move(made);
    return Status::OK();
  }

  /* With the write policies WRITE_PREPARED and WRITE_UNPREPARED a batch of many keys uses one
   * sequence number, and the base DB shows data that is prepared and not committed. No API tells
   * the policy. So this function deletes keys that no host has, in one batch. Writes of other
   * threads add to the difference and may hide the answer. Then this function tries again. */
  Status CheckWritePolicy(db::DB* store) const {
    if (store == root_ || families_.empty()) return Status::OK();
    constexpr uint64_t kKeys = 16;
    constexpr int kLooks = 20;
    Handle* const handle = families_.front().handle.rep;
    std::random_device random;
    const std::string probe =
        "\x01rocks_gc/write policy " + std::to_string(random()) + std::to_string(random()) + " ";
    for (int look = 0; look < kLooks; ++look) {
      db::WriteBatch batch;
      for (uint64_t key = 0; key < kKeys; ++key) {
        const Status added = batch.Delete(handle, probe + std::to_string(key));
        if (!added.ok()) return added;
      }
      const db::SequenceNumber before = store->GetLatestSequenceNumber();
      const Status written = store->Write(db::WriteOptions(), &batch);
      if (!written.ok()) return written;
      const db::SequenceNumber taken = store->GetLatestSequenceNumber() - before;
      if (taken < kKeys) {
        return Status::NotSupported(
            "the TransactionDB has the write policy WRITE_PREPARED or WRITE_UNPREPARED, whose base "
            "DB shows what is not committed; open it "
            "with WRITE_COMMITTED");
      }
      if (taken == kKeys) break;
    }
    return Status::OK();
  }

  /* From now on, until the engine is destroyed, this rgc_t has an attached store. */
  void BelongTo(const rgc_t* gc) {
    gc_ = gc;
    AttachedContexts::Add(gc);
  }
  ~Engine() {
    if (gc_ != nullptr) AttachedContexts::Remove(gc_);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /* The functions. Their state is an engine. The destructor deletes it. */
  static const rgc_engine_t& Table() {
    static const rgc_engine_t table = {
        sizeof(rgc_engine_t), &Get,      &Write,        &Iterate,  &Next,         &IteratorDestroy,
        &DeleteFiles,         &Compact,  &Flush,        &Files,    &WriteStalled, &Destroy,
        &GetDurable,          &TryFlush, &FilesInRange, &Describe, &Cancel};
    return table;
  }

  /* The families as structs of rocks_gc.h. They are valid as long as the engine. */
  std::vector<rgc_column_family_t> Families() {
    std::vector<rgc_column_family_t> all;
    for (Known& family : families_) {
      auto* handle = reinterpret_cast<rocksdb_column_family_handle_t*>(&family.handle);
      all.push_back(
          {sizeof(rgc_column_family_t), family.role, family.handle.rep->GetName().c_str(), handle});
    }
    return all;
  }

 private:
  struct Known {
    /* The layout of a handle in RocksDB's C API: the library may be bound to that. */
    struct {
      Handle* rep;
      bool immortal;
    } handle;
    int role;
    int filter_kind;
  };

  /* The kind of the filters of a column family. 0 means that it has none of this library. */
  static int KindOf(const db::ColumnFamilyOptions& options) {
    static constexpr std::pair<const char*, int> kinds[] = {
        {"rocks_gc.default", RGC_KIND_RAW},
        {"rocks_gc.write", RGC_KIND_TXN},
        {"rocks_gc.ttl_v1", RGC_KIND_TTL_V1},
        {"rocks_gc.dropped_only", RGC_KIND_DROPPED_ONLY}};
    if (options.compaction_filter_factory == nullptr) return 0;
    for (const auto& [name, kind] : kinds) {
      if (std::strcmp(options.compaction_filter_factory->Name(), name) == 0) return kind;
    }
    return 0;
  }

  explicit Engine(db::DB* root) : root_(root) {}

  /* Converts a Status, or an exception, to a result. */
  template <class Body>
  static int Answer(char** errptr, Body body) noexcept {
    ROCKS_GC_TRY_ {
      const Status status = body();
      if (status.ok()) return RGC_ENGINE_OK;
      if (status.IsColumnFamilyDropped()) return RGC_ENGINE_NO_FAMILY;
      const std::string text = TextOf(status);
      *errptr = Malloced(text.data(), text.size());
    }
    ROCKS_GC_CATCH_ {
      static constexpr char thrown[] =
          "Aborted: an exception was thrown, most likely for want of memory";
      *errptr = Malloced(thrown, sizeof(thrown) - 1);
    }
    return RGC_ENGINE_ERROR;
  }

  template <class Body>
  static int AnswerIn(void* state, uint32_t cf, char** errptr, Body body) noexcept {
    return Answer(errptr, [&] {
      Handle* handle = nullptr;
      const auto* self = static_cast<Engine*>(state);
      const Status found = self->Find(cf, &handle);
      return found.ok() ? body(self->root_, handle) : found;
    });
  }

  Status Find(uint32_t cf, Handle** handle) const {
    if (cf >= families_.size()) {
      return Status::InvalidArgument("no column family has the index " + std::to_string(cf));
    }
    *handle = families_[cf].handle.rep;
    return Status::OK();
  }

  static int Get(void* state, uint32_t cf, const char* key, size_t len, char** value,
                 size_t* value_len, char** errptr) noexcept {
    return GetFrom(db::kReadAllTier, state, cf, key, len, value, value_len, errptr);
  }

  /* Once anything was written without a WAL, RocksDB leaves memtables out of this tier. */
  static int GetDurable(void* state, uint32_t cf, const char* key, size_t len, char** value,
                        size_t* value_len, char** errptr) noexcept {
    return GetFrom(db::kPersistedTier, state, cf, key, len, value, value_len, errptr);
  }

  static int GetFrom(db::ReadTier tier, void* state, uint32_t cf, const char* key, size_t len,
                     char** value, size_t* value_len, char** errptr) noexcept {
    *value = nullptr;
    *value_len = 0;
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      db::PinnableSlice found;
      db::ReadOptions options;
      options.read_tier = tier;
      const Status status = root->Get(options, handle, SliceOf(key, len), &found);
      if (!status.ok()) return status.IsNotFound() ? Status::OK() : status;
      *value = Malloced(found.data(), found.size());
      if (*value == nullptr) {
        return Status::MemoryLimit("no memory for a value of " + std::to_string(found.size()) +
                                   " bytes");
      }
      *value_len = found.size();
      return Status::OK();
    });
  }

  static int Write(void* state, const rgc_write_t* writes, size_t n, int flags,
                   char** errptr) noexcept {
    bool busy = false;
    const int answer = Answer(errptr, [&] {
      const auto* self = static_cast<Engine*>(state);
      db::WriteBatch batch;
      for (size_t i = 0; i < n; ++i) {
        const Status added = self->Add(writes[i], &batch);
        if (!added.ok()) return StatusOf(TextOf(added) + ", in writes[" + std::to_string(i) + "]");
      }
      db::WriteOptions options;
      options.sync = (flags & RGC_WRITE_FLAG_SYNC) != 0;
      options.no_slowdown = (flags & RGC_WRITE_FLAG_NO_SLOWDOWN) != 0;
      /* Otherwise a write to a family that the host dropped would fail after the WAL write, and
       * every later write of the host would fail with it. */
      options.ignore_missing_column_families = true;
      const Status status = self->root_->Write(options, &batch);
      busy = (options.no_slowdown && status.IsIncomplete()) || status.IsBusy() ||
             status.IsTimedOut() || status.IsTryAgain();
      return busy ? Status::OK() : status;
    });
    return busy ? RGC_ENGINE_BUSY : answer;
  }

  Status Add(const rgc_write_t& write, db::WriteBatch* batch) const {
    Handle* handle = nullptr;
    const Status found = Find(write.cf, &handle);
    if (!found.ok()) return found;
    const db::Slice key = SliceOf(write.key, write.key_len),
                    value = SliceOf(write.value, write.value_len);
    if (write.op == RGC_OP_PUT) return batch->Put(handle, key, value);
    if (write.op == RGC_OP_DELETE) return batch->Delete(handle, key);
    if (write.op != RGC_OP_DELETE_RANGE) {
      return Status::InvalidArgument("no write has the op " + std::to_string(write.op));
    }
    /* RocksDB would find the fault after the WAL write, and would accept no write any more. */
    if (key.compare(value) > 0) return Status::InvalidArgument("the range to delete is inverted");
    return batch->DeleteRange(handle, key, value);
  }

  static rgc_engine_iterator_t* Iterate(void* state, uint32_t cf, const char* start,
                                        size_t start_len, const char* end, size_t end_len,
                                        unsigned char backwards, char** errptr) noexcept {
    std::unique_ptr<Cursor> cursor;
    const int answer = AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      cursor.reset(new Cursor(Range(start, start_len, end, end_len), backwards != 0));
      return cursor->Open(root, handle);
    });
    return answer == RGC_ENGINE_OK ? reinterpret_cast<rgc_engine_iterator_t*>(cursor.release())
                                   : nullptr;
  }

  static int Next(rgc_engine_iterator_t* it, const char** key, size_t* key_len, const char** value,
                  size_t* value_len, char** errptr) noexcept {
    return Answer(errptr, [&] {
      return reinterpret_cast<Cursor*>(it)->Next(key, key_len, value, value_len);
    });
  }

  static void IteratorDestroy(rgc_engine_iterator_t* it) noexcept {
    delete reinterpret_cast<Cursor*>(it);
  }

  static int DeleteFiles(void* state, uint32_t cf, const char* start, size_t start_len,
                         const char* end, size_t end_len, char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      const Range range(start, start_len, end, end_len);
      if (range.End() == nullptr) {
        return Status::InvalidArgument("a range of files to delete needs an end");
      }
      return db::DeleteFilesInRange(root, handle, range.Start(), range.End(), false);
    });
  }

  static int Compact(void* state, uint32_t cf, const char* start, size_t start_len, const char* end,
                     size_t end_len, unsigned char last_level_too, char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      const Range range(start, start_len, end, end_len);
      using Bottommost = db::BottommostLevelCompaction;
      /* kForceOptimized does not rewrite again what this compaction itself moved to the last
       * level. */
      constexpr auto force =
          ROCKS_GC_ROCKSDB_VERSION >= 8004 ? Bottommost::kForceOptimized : Bottommost::kForce;
      db::CompactRangeOptions options;
      options.exclusive_manual_compaction = false;
      options.bottommost_level_compaction = last_level_too != 0 ? force : Bottommost::kSkip;
      auto& cancelled = static_cast<Engine*>(state)->cancelled_;
      options.canceled = &cancelled;
      const Status status = root->CompactRange(options, handle, range.Start(), range.End());
      if (cancelled) {
        return Status::Aborted("the store is being detached; attach it again, and repeat the call");
      }
      if (!status.IsIncomplete()) return status;
      return Status::Aborted(
          "manual compactions are paused or cancelled; allow them (DB::EnableManualCompaction) and "
          "try again");
    });
  }

  static int Flush(void* state, uint32_t cf, char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB*, Handle* handle) {
      return static_cast<Engine*>(state)->Begin(handle, true);
    });
  }

  Status Begin(Handle* handle, bool wait) const {
    db::FlushOptions options;
    options.wait = wait;
    options.allow_write_stall = false;
    std::vector<Handle*> together{handle};
    /* A host without a WAL needs its families to be flushed together. */
    if (root_->GetDBOptions().atomic_flush) {
      together.clear();
      for (const Known& family : families_) together.push_back(family.handle.rep);
    }
    const Status status = root_->Flush(options, together);
    if (!status.IsColumnFamilyDropped() || together.size() == 1) return status;
    /* One of them was dropped. RocksDB does not say which one. If it does not check for stalls, it
     * leaves dropped families out. */
    options.allow_write_stall = true;
    return root_->Flush(options, together);
  }

  /* RocksDB's own wait for a flush cannot be cancelled, and does not end while the host has paused
   * background work. So this function counts immutable memtables: flushes remove the oldest first.
   * *progress has 16 bits each for three numbers: how many of the first memtables are left, how
   * many memtables there were at the last look, and how many background errors there were before.
   * One more bit above them is always set. */
  static int TryFlush(void* state, uint32_t cf, uint64_t* progress, char** errptr) noexcept {
    bool finished = false;
    const int answer = AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      const auto* self = static_cast<Engine*>(state);
      constexpr uint64_t kMost = 0xffff;
      const auto property = [&](const std::string& name) {
        uint64_t value = 0;
        root->GetIntProperty(handle, name, &value);
        return std::min(value, kMost);
      };
      const auto immutable = [&] { return property(db::DB::Properties::kNumImmutableMemTable); };
      const auto errors = [&] { return property(db::DB::Properties::kBackgroundErrors); };
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
      const auto look = [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return std::chrono::steady_clock::now() < until;
      };
      if (*progress == 0) {
        /* One more memtable could stop the host's writes, and RocksDB would wait for room. So this
         * function begins only where background work makes progress. */
        bool runs = false;
        for (uint64_t last = immutable(); last != 0 && !runs;) {
          if (!look()) return Status::OK();
          const uint64_t now = immutable();
          runs = now < last;
          last = now;
        }
        const Status begun = self->Begin(handle, false);
        /* Writes are stopped. */
        if (begun.IsTryAgain()) return Status::OK();
        if (!begun.ok()) return begun;
        *progress = uint64_t{1} << 48 | errors() << 32 | immutable() * 0x10001;
      }
      uint64_t left = *progress & kMost, last = *progress >> 16 & kMost;
      const uint64_t errors_before = *progress >> 32 & kMost;
      do {
        const uint64_t now = immutable();
        left = std::min(now, left - std::min(left, last - std::min(last, now)));
        last = now;
        *progress = uint64_t{1} << 48 | errors_before << 32 | last << 16 | left;
        finished = left == 0;
        if (finished) return Status::OK();
        if (errors() > errors_before) {
          return Status::IOError(
              "the store reports a background error since the flush began; see its log");
        }
      } while (look());
      return Status::OK();
    });
    return answer == RGC_ENGINE_OK && !finished ? RGC_ENGINE_BUSY : answer;
  }

  static void Describe(void* state, uint32_t cf, uint32_t* id, int* filter_kind) noexcept {
    const auto* self = static_cast<Engine*>(state);
    if (cf >= self->families_.size()) return;
    *id = self->families_[cf].handle.rep->GetID();
    *filter_kind = self->families_[cf].filter_kind;
  }

  static void Cancel(void* state) noexcept { static_cast<Engine*>(state)->cancelled_ = true; }

  static int FilesInRange(void* state, uint32_t cf, const char* start, size_t start_len,
                          const char* end, size_t end_len,
                          void (*each)(void* each_state, const rgc_file_t* file), void* each_state,
                          char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      const db::Slice from = SliceOf(start, start_len), to = SliceOf(end, end_len);
      db::ColumnFamilyMetaData metadata;
      root->GetColumnFamilyMetaData(handle, &metadata);
      for (const auto& level : metadata.levels) {
        for (const auto& file : level.files) {
          if (from.compare(file.largestkey) > 0 || to.compare(file.smallestkey) <= 0) continue;
          const rgc_file_t shown = Show(level.level, file);
          each(each_state, &shown);
        }
      }
      return Status::OK();
    });
  }

  static rgc_file_t Show(int level, const db::SstFileMetaData& file) {
    const std::string &first = file.smallestkey, &last = file.largestkey;
    return {sizeof(rgc_file_t),
            level,
            file.size,
            file.num_entries,
            file.num_deletions,
            first.data(),
            first.size(),
            last.data(),
            last.size(),
            nullptr,
            0,
            file.name.data(),
            file.name.size()};
  }

  static int Files(void* state, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file),
                   void* each_state, char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      db::ColumnFamilyMetaData metadata;
      root->GetColumnFamilyMetaData(handle, &metadata);
      db::TablePropertiesCollection tables;
      if (!root->GetPropertiesOfAllTables(handle, &tables).ok()) tables.clear();
      std::unordered_map<std::string, const db::TableProperties*> by_name;
      for (const auto& [path, properties] : tables) {
        by_name[path.substr(path.find_last_of('/') + 1)] = properties.get();
      }
      std::vector<rgc_property_t> collected;
      for (const auto& level : metadata.levels) {
        for (const auto& file : level.files) {
          rgc_file_t shown = Show(level.level, file);
          const auto found = by_name.find(file.relative_filename);
          if (found != by_name.end()) {
            /* The counts above are 0 for files that RocksDB has not looked at since the DB was
             * opened. */
            shown.entries = found->second->num_entries;
            shown.deletions = found->second->num_deletions;
            collected.clear();
            for (const auto& [name, value] : found->second->user_collected_properties) {
              collected.push_back({name.data(), name.size(), value.data(), value.size()});
            }
            shown.user_collected = collected.data();
            shown.num_user_collected = collected.size();
          }
          each(each_state, &shown);
        }
      }
      return Status::OK();
    });
  }

  static int WriteStalled(void* state) noexcept {
    ROCKS_GC_TRY_ {
      db::DB* root = static_cast<Engine*>(state)->root_;
      uint64_t stopped = 0, delayed_rate = 0;
      root->GetIntProperty(db::DB::Properties::kIsWriteStopped, &stopped);
      root->GetIntProperty(db::DB::Properties::kActualDelayedWriteRate, &delayed_rate);
      return stopped != 0 || delayed_rate != 0 ? 1 : 0;
    }
    ROCKS_GC_CATCH_ { return 1; }
  }

  static void Destroy(void* state) noexcept { delete static_cast<Engine*>(state); }

  db::DB* const root_;
  const rgc_t* gc_ = nullptr;
  std::vector<Known> families_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace detail

using detail::Engine;

/* Attaches the open store to the library (rgc_attach_engine). The host calls it after open, before
 * the first write into a range whose destroy was interrupted. The DB and the handles must stay open
 * until rgc_detach has returned. The host must pass the same families each time.
 * Errors: those of Engine::Create and of rgc_attach_engine. After an error nothing is attached. */
[[nodiscard]] inline detail::db::Status Attach(const Library& library, rgc_t* gc,
                                               detail::db::DB* store,
                                               const std::vector<Family>& families) {
  using detail::db::Status;
  if (!library.ok()) return detail::StatusOf(library.error());
  std::unique_ptr<Engine> engine;
  const Status made = Engine::Create(store, families, &engine);
  if (!made.ok()) return made;
  const Status committed = engine->CheckWritePolicy(store);
  if (!committed.ok()) return committed;
  engine->BelongTo(gc);
  const auto known = engine->Families();
  const std::string error = detail::ErrorOf(library.functions(), [&](char** errptr) {
    library->rgc_attach_engine(gc, &Engine::Table(), engine.get(), known.data(), known.size(),
                               errptr);
  });
  if (!error.empty()) return detail::StatusOf(error);
  engine.release(); /* The library owns it now and calls Destroy. */
  return Status::OK();
}

[[nodiscard]] inline detail::db::Status Attach(const Context& context, detail::db::DB* store,
                                               const std::vector<Family>& families) {
  if (!context.ok()) return detail::StatusOf(context.error());
  return Attach(context.library(), context.get(), store, families);
}

/* A store that is attached as long as this object lives. Declare it after the DB and its handles,
 * so that it is destroyed before them. It may be moved. It must not outlive the rgc_t.
 *
 * The destructor detaches. rgc_detach may be refused (inside a callback of the library, or on a
 * thread that has a living filter of this rgc_t). The worker would then continue in a DB that is
 * about to close. So the destructor writes the reason to standard error and calls std::abort. A
 * host that does not want this calls Detach first and looks at its result. */
class Attachment {
 public:
  Attachment() = default;

  /* Attaches a store, as Attach does. After an error nothing was attached, and *attachment is
   * unchanged. */
  [[nodiscard]] static detail::db::Status Make(const Library& library, rgc_t* gc,
                                               detail::db::DB* store,
                                               const std::vector<Family>& families,
                                               Attachment* attachment) {
    using detail::db::Status;
    if (attachment == nullptr) {
      return Status::InvalidArgument("rocks_gc::Attachment::Make: attachment is NULL");
    }
    if (attachment->gc_ != nullptr) {
      return Status::InvalidArgument(
          "rocks_gc::Attachment::Make: it holds a store already; detach it first");
    }
    const Status attached = Attach(library, gc, store, families);
    if (attached.ok()) *attachment = Attachment(library, gc);
    return attached;
  }

  [[nodiscard]] static detail::db::Status Make(const Context& context, detail::db::DB* store,
                                               const std::vector<Family>& families,
                                               Attachment* attachment) {
    if (!context.ok()) return detail::StatusOf(context.error());
    return Make(context.library(), context.get(), store, families, attachment);
  }

  Attachment(Attachment&& other) noexcept { Swap(other); }
  Attachment& operator=(Attachment&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~Attachment() {
    if (Detach().ok()) return;
    static constexpr char why[] =
        "rocks_gc::Attachment: rgc_detach was refused in the destructor (inside a callback, or "
        "beside a living filter): the DB would be "
        "closed under the library's worker; call Detach first, from another thread\n";
    std::fputs(why, stderr);
    std::abort();
  }

  /* Says whether this object has attached a store. */
  bool attached() const { return gc_ != nullptr; }

  /* Calls rgc_detach. The result is ok also if nothing is attached. Not ok means refused (Aborted):
   * the store is still attached, and the DB must stay open. */
  [[nodiscard]] detail::db::Status Detach() {
    using detail::db::Status;
    if (gc_ == nullptr) return Status::OK();
    if (library_->rgc_detach(gc_) == 0) {
      return Status::Aborted(
          "rgc_detach was refused, the log says why: the DB must stay open; call it from another "
          "thread");
    }
    gc_ = nullptr;
    return Status::OK();
  }

 private:
  Attachment(const Library& library, rgc_t* gc) : library_(library), gc_(gc) {}

  void Swap(Attachment& other) noexcept {
    std::swap(library_, other.library_);
    std::swap(gc_, other.gc_);
  }

  Library library_;
  rgc_t* gc_ = nullptr;
};

}  // namespace rocks_gc

#endif
