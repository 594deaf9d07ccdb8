// open.h - opens a DB with RocksDB of any version.
#ifndef OPEN_H
#define OPEN_H

#include <rocksdb/db.h>

#include <memory>
#include <string>

// DB::Open takes a DB* or, in later versions, a unique_ptr.
template <class D>
auto Open(const rocksdb::Options& options, const std::string& path, D** opened, int) -> decltype(D::Open(options, path, opened)) {
  return D::Open(options, path, opened);
}
template <class D>
rocksdb::Status Open(const rocksdb::Options& options, const std::string& path, D** opened, long) {
  std::unique_ptr<D> owned;
  const rocksdb::Status status = D::Open(options, path, &owned);
  *opened = owned.release();
  return status;
}

#endif
