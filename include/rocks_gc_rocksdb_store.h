/* rocks_gc_rocksdb_store.h - the open store for C++ servers: header-only, beside rocks_gc_rocksdb.h, for RocksDB 7.0 to 11.
 *
 *     rocks_gc::Install(gc, RGC_DEFAULT, &options, &default_options);   // into the options, before open
 *     rocks_gc::Install(gc, RGC_WRITE, &options, &write_options);
 *     ... DB::Open or TransactionDB::Open ...
 *     rocksdb::Status s = rocks_gc::Attach(gc, db, {{RGC_CF_DEFAULT, default_handle}, {RGC_CF_WRITE, write_handle}});
 *     ... work ...
 *     gc->rgc_detach(gc.get());                                         // before the handles and the DB go
 *
 * Of a TransactionDB, an OptimisticTransactionDB or any other StackableDB the base DB is used, so that no lock is taken. That
 * holds good where the base stores what the host reads: not under DBWithTTL, and not under a TransactionDB with another write
 * policy than WRITE_COMMITTED, whose base shows what is not committed.
 *
 * An end that is empty is no bound: iterate and compact go on to the last key; delete_files refuses it. RocksDB's own db.h needs
 * exceptions in its newest versions. */
#ifndef ROCKS_GC_ROCKSDB_STORE_H
#define ROCKS_GC_ROCKSDB_STORE_H

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/metadata.h>
#include <rocksdb/write_batch.h>

#include <cstdlib>
#include <unordered_map>

#include "rocks_gc_rocksdb.h"

namespace rocks_gc {

/* A column family of the store. NULL = the default one; else valid until rgc_detach has returned. */
struct Family {
  int role; /* RGC_CF_... */
  detail::db::ColumnFamilyHandle* handle;
};

namespace detail {

using db::Status;
using Handle = db::ColumnFamilyHandle;

/* A Status as a text of rocks_gc.h's, "Kind: what". */
inline std::string TextOf(const Status& status) {
  static constexpr const char* kinds[][2] = {{"Invalid argument: ", "Invalid argument: "}, {"NotFound: ", "Not found: "},
                                             {"Not implemented: ", "Not supported: "},     {"Resource busy: ", "Busy: "},
                                             {"Corruption: ", "Corruption: "},             {"IO error: ", "IO error: "},
                                             {"Operation aborted: ", "Aborted: "}};
  const std::string text = status.ToString();
  for (const auto& [of_rocksdb, kind] : kinds) {
    if (text.compare(0, std::strlen(of_rocksdb), of_rocksdb) == 0) return kind + text.substr(std::strlen(of_rocksdb));
  }
  return "Aborted: " + text;
}

/* NULL without memory. */
inline char* Malloced(const char* bytes, size_t len) {
  char* copy = static_cast<char*>(std::malloc(len + 1));
  if (copy == nullptr) return nullptr;
  if (len != 0) std::memcpy(copy, bytes, len);
  copy[len] = '\0';
  return copy;
}

inline db::Slice SliceOf(const char* bytes, size_t len) { return len != 0 ? db::Slice(bytes, len) : db::Slice(); }

/* [start, end), or without an end. */
struct Range {
  Range(const char* from, size_t from_len, const char* to, size_t to_len)
      : start(SliceOf(from, from_len)), end(SliceOf(to, to_len)) {}
  const db::Slice* Start() const { return start.empty() ? nullptr : &start; }
  const db::Slice* End() const { return end.empty() ? nullptr : &end; }

  const db::Slice start, end;
};

/* An iterator of the engine's, with the bounds that RocksDB's refers to. */
class Cursor {
 public:
  Cursor(const Range& range, bool backwards)
      : start_(range.start.ToString()), end_(range.end.ToString()), backwards_(backwards),
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

/* The engine of rocks_gc.h over a DB. Attach makes one. */
class Engine {
 public:
  /* An error has made nothing: no DB; a column family whose comparator is not bytewise or has timestamps, or whose tables can
   * neither be skipped in nor hold range tombstones. */
  static Status Create(db::DB* store, const std::vector<Family>& families, std::unique_ptr<Engine>* engine) {
    if (store == nullptr) return Status::InvalidArgument("rocks_gc::Attach: db is NULL");
    std::unique_ptr<Engine> made(new Engine(store->GetRootDB()));
    for (const Family& family : families) {
      Handle* handle = family.handle != nullptr ? family.handle : made->root_->DefaultColumnFamily();
      const db::Options options = made->root_->GetOptions(handle);
      Status fit = Judgeable(options);
      if (fit.ok() && !options.table_factory->IsDeleteRangeSupported()) {
        fit = Status::NotSupported("rocks_gc needs tables that hold range tombstones", options.table_factory->Name());
      }
      if (!fit.ok()) return StatusOf(TextOf(fit) + ", in column family " + handle->GetName());
      made->families_.push_back({{handle, true}, family.role});
    }
    *engine = std::move(made);
    return Status::OK();
  }

  /* The functions. Their state is an engine, which the destructor deletes. */
  static const rgc_engine_t& Table() {
    static const rgc_engine_t table = {sizeof(rgc_engine_t), &Get,     &Write, &Iterate, &Next,         &IteratorDestroy,
                                       &DeleteFiles,         &Compact, &Flush, &Files,   &WriteStalled, &Destroy};
    return table;
  }

  /* The families as the library takes them; valid as long as the engine is. */
  std::vector<rgc_column_family_t> Families() {
    std::vector<rgc_column_family_t> all;
    for (Known& family : families_) {
      auto* handle = reinterpret_cast<rocksdb_column_family_handle_t*>(&family.handle);
      all.push_back({sizeof(rgc_column_family_t), family.role, family.handle.rep->GetName().c_str(), handle});
    }
    return all;
  }

 private:
  struct Known {
    /* As RocksDB's C API lays a handle out, for the library may be bound to that. */
    struct {
      Handle* rep;
      bool immortal;
    } handle;
    int role;
  };

  explicit Engine(db::DB* root) : root_(root) {}

  /* The answer for a Status, or for what was thrown. */
  template <class Body>
  static int Answer(char** errptr, Body body) noexcept {
    ROCKS_GC_TRY_ {
      const Status status = body();
      if (status.ok()) return RGC_ENGINE_OK;
      const std::string text = TextOf(status);
      *errptr = Malloced(text.data(), text.size());
    }
    ROCKS_GC_CATCH_ {
      static constexpr char thrown[] = "Aborted: an exception was thrown, most likely for want of memory";
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
    if (cf >= families_.size()) return Status::InvalidArgument("no column family has the index " + std::to_string(cf));
    *handle = families_[cf].handle.rep;
    return Status::OK();
  }

  static int Get(void* state, uint32_t cf, const char* key, size_t len, char** value, size_t* value_len, char** errptr) noexcept {
    *value = nullptr;
    *value_len = 0;
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      db::PinnableSlice found;
      const Status status = root->Get(db::ReadOptions(), handle, SliceOf(key, len), &found);
      if (!status.ok()) return status.IsNotFound() ? Status::OK() : status;
      *value = Malloced(found.data(), found.size());
      if (*value == nullptr) return Status::MemoryLimit("no memory for a value of " + std::to_string(found.size()) + " bytes");
      *value_len = found.size();
      return Status::OK();
    });
  }

  static int Write(void* state, const rgc_write_t* writes, size_t n, int flags, char** errptr) noexcept {
    bool busy = false;
    const int answer = Answer(errptr, [&] {
      const auto* self = static_cast<Engine*>(state);
      db::WriteBatch batch;
      for (size_t i = 0; i < n; ++i) {
        const Status added = self->Add(writes[i], &batch);
        if (!added.ok()) return StatusOf(TextOf(added) + ", in writes[" + std::to_string(i) + "]");
      }
      db::WriteOptions options;
      options.sync = (flags & RGC_WRITE_SYNC) != 0;
      options.no_slowdown = (flags & RGC_WRITE_NO_SLOWDOWN) != 0;
      const Status status = self->root_->Write(options, &batch);
      busy = (options.no_slowdown && status.IsIncomplete()) || status.IsBusy() || status.IsTimedOut() || status.IsTryAgain();
      return busy ? Status::OK() : status;
    });
    return busy ? RGC_ENGINE_BUSY : answer;
  }

  Status Add(const rgc_write_t& write, db::WriteBatch* batch) const {
    Handle* handle = nullptr;
    const Status found = Find(write.cf, &handle);
    if (!found.ok()) return found;
    const db::Slice key = SliceOf(write.key, write.key_len), value = SliceOf(write.value, write.value_len);
    if (write.op == RGC_OP_PUT) return batch->Put(handle, key, value);
    if (write.op == RGC_OP_DELETE) return batch->Delete(handle, key);
    if (write.op != RGC_OP_DELETE_RANGE) return Status::InvalidArgument("no write has the op " + std::to_string(write.op));
    /* RocksDB would find out behind the WAL, and take no write any more. */
    if (key.compare(value) > 0) return Status::InvalidArgument("the range to delete is inverted");
    return batch->DeleteRange(handle, key, value);
  }

  static rgc_engine_iterator_t* Iterate(void* state, uint32_t cf, const char* start, size_t start_len, const char* end,
                                        size_t end_len, unsigned char backwards, char** errptr) noexcept {
    std::unique_ptr<Cursor> cursor;
    const int answer = AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      cursor.reset(new Cursor(Range(start, start_len, end, end_len), backwards != 0));
      return cursor->Open(root, handle);
    });
    return answer == RGC_ENGINE_OK ? reinterpret_cast<rgc_engine_iterator_t*>(cursor.release()) : nullptr;
  }

  static int Next(rgc_engine_iterator_t* it, const char** key, size_t* key_len, const char** value, size_t* value_len,
                  char** errptr) noexcept {
    return Answer(errptr, [&] { return reinterpret_cast<Cursor*>(it)->Next(key, key_len, value, value_len); });
  }

  static void IteratorDestroy(rgc_engine_iterator_t* it) noexcept { delete reinterpret_cast<Cursor*>(it); }

  static int DeleteFiles(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                         char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      const Range range(start, start_len, end, end_len);
      if (range.End() == nullptr) return Status::InvalidArgument("a range of files to delete needs an end");
      return db::DeleteFilesInRange(root, handle, range.Start(), range.End(), false);
    });
  }

  static int Compact(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                     unsigned char last_level_too, char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      const Range range(start, start_len, end, end_len);
      using Bottommost = db::BottommostLevelCompaction;
      /* The optimized way does not rewrite once more what this compaction itself has brought into the last level. */
      constexpr auto force = ROCKS_GC_ROCKSDB_VERSION >= 8004 ? Bottommost::kForceOptimized : Bottommost::kForce;
      db::CompactRangeOptions options;
      options.exclusive_manual_compaction = false;
      options.bottommost_level_compaction = last_level_too != 0 ? force : Bottommost::kSkip;
      const Status status = root->CompactRange(options, handle, range.Start(), range.End());
      if (!status.IsIncomplete()) return status;
      return Status::Aborted("manual compactions are paused or cancelled; allow them (DB::EnableManualCompaction) and try again");
    });
  }

  static int Flush(void* state, uint32_t cf, char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      db::FlushOptions options;
      options.wait = true;
      options.allow_write_stall = false;
      std::vector<Handle*> together{handle};
      /* A host that goes without a WAL relies on its families being flushed together. */
      if (root->GetDBOptions().atomic_flush) {
        together.clear();
        for (const Known& family : static_cast<Engine*>(state)->families_) together.push_back(family.handle.rep);
      }
      return root->Flush(options, together);
    });
  }

  static int Files(void* state, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file), void* each_state,
                   char** errptr) noexcept {
    return AnswerIn(state, cf, errptr, [&](db::DB* root, Handle* handle) {
      db::ColumnFamilyMetaData metadata;
      root->GetColumnFamilyMetaData(handle, &metadata);
      db::TablePropertiesCollection tables;
      if (!root->GetPropertiesOfAllTables(handle, &tables).ok()) tables.clear();
      std::unordered_map<std::string, const db::TableProperties*> by_name;
      for (const auto& [path, properties] : tables) by_name[path.substr(path.find_last_of('/') + 1)] = properties.get();
      std::vector<rgc_property_t> collected;
      for (const auto& level : metadata.levels) {
        for (const auto& file : level.files) {
          const std::string &first = file.smallestkey, &last = file.largestkey;
          rgc_file_t shown = {sizeof(rgc_file_t), level.level,  file.size,   file.num_entries, file.num_deletions, first.data(),
                              first.size(),       last.data(), last.size(), nullptr,          0,
                              file.name.data(),   file.name.size()};
          const auto found = by_name.find(file.relative_filename);
          if (found != by_name.end()) {
            /* The counts above are 0 for files that RocksDB has not looked at since it was opened. */
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
  std::vector<Known> families_;
};

}  // namespace detail

using detail::Engine;

/* Gives the library the open store (rgc_attach_engine). After open, before anybody writes where a destroy was interrupted; the
 * DB and the handles stay open until rgc_detach has returned. The same families each time. An error has attached nothing: those
 * of Engine::Create and of rgc_attach_engine. */
inline detail::db::Status Attach(const Library& library, rgc_t* gc, detail::db::DB* store, const std::vector<Family>& families) {
  using detail::db::Status;
  if (!library.ok()) return detail::StatusOf(library.error());
  std::unique_ptr<Engine> engine;
  const Status made = Engine::Create(store, families, &engine);
  if (!made.ok()) return made;
  const auto known = engine->Families();
  const std::string error = detail::ErrorOf(library.functions(), [&](char** errptr) {
    library->rgc_attach_engine(gc, &Engine::Table(), engine.get(), known.data(), known.size(), errptr);
  });
  if (error.empty()) {
    engine.release(); /* The library's now, for Destroy. */
    return Status::OK();
  }
  return detail::StatusOf(error);
}

inline detail::db::Status Attach(const Context& context, detail::db::DB* store, const std::vector<Family>& families) {
  if (!context.ok()) return detail::StatusOf(context.error());
  return Attach(context.library(), context.get(), store, families);
}

}  // namespace rocks_gc

#endif
