// cpp_db.h - for C++: an open DB of any RocksDB.
#ifndef CPP_DB_H
#define CPP_DB_H

#include <rocksdb/db.h>

#include <memory>

// Takes a DB from RocksDB 11, which gives a std::unique_ptr, and from an older one, which gives a
// pointer.
class Database {
 public:
  Database() = default;
  ~Database() { delete pointer_; }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  operator ROCKSDB_NAMESPACE::DB**() { return &pointer_; }
  operator std::unique_ptr<ROCKSDB_NAMESPACE::DB>*() { return &owner_; }
  ROCKSDB_NAMESPACE::DB* get() const { return pointer_ != nullptr ? pointer_ : owner_.get(); }
  ROCKSDB_NAMESPACE::DB* operator->() const { return get(); }

 private:
  ROCKSDB_NAMESPACE::DB* pointer_ = nullptr;
  std::unique_ptr<ROCKSDB_NAMESPACE::DB> owner_;
};

#endif
