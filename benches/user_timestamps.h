// user_timestamps.h - RocksDB's user-defined timestamps, for benches that compare with them. The
// user key is RowOf a stored key. RocksDB 7 does not export the comparator.
#ifndef BENCHES_USER_TIMESTAMPS_H
#define BENCHES_USER_TIMESTAMPS_H
#include <rocksdb/comparator.h>

#include <string>

#include "bench.h"

#if ROCKSDB_MAJOR >= 8
constexpr bool kHasUserTimestamps = true;
#else
constexpr bool kHasUserTimestamps = false;
#endif

namespace user_timestamps {

using ROCKSDB_NAMESPACE::ReadOptions;
using ROCKSDB_NAMESPACE::Slice;
using ROCKSDB_NAMESPACE::Status;

#if ROCKSDB_MAJOR >= 8
inline void UseComparator(ROCKSDB_NAMESPACE::Options* options) { options->comparator = ROCKSDB_NAMESPACE::BytewiseComparatorWithU64Ts(); }

inline Status Put(const Open& db, const ROCKSDB_NAMESPACE::WriteOptions& options, const Slice& row, uint64_t ts, const Slice& value) {
  std::string encoded;
  return db->Put(options, row, ROCKSDB_NAMESPACE::EncodeU64Ts(ts, &encoded), value);
}

// Makes reads with these options see the newest versions.
inline void ReadNewest(ReadOptions* options) {
  static const std::string bytes(8, '\xff');
  static const Slice newest(bytes);
  options->timestamp = &newest;
}

inline uint64_t TimestampOf(const ROCKSDB_NAMESPACE::Iterator& it) {
  uint64_t ts = 0;
  Check(ROCKSDB_NAMESPACE::DecodeU64Ts(it.timestamp(), &ts));
  return ts;
}

inline void IncreaseFullHistoryTsLow(const Open& db, uint64_t ts) {
  std::string encoded;
  ROCKSDB_NAMESPACE::EncodeU64Ts(ts, &encoded);
  Check(db->IncreaseFullHistoryTsLow(db->DefaultColumnFamily(), encoded));
}
#else
inline void UseComparator(ROCKSDB_NAMESPACE::Options*) {}
inline Status Put(const Open&, const ROCKSDB_NAMESPACE::WriteOptions&, const Slice&, uint64_t, const Slice&) { return Status::NotSupported(); }
inline void ReadNewest(ReadOptions*) {}
inline uint64_t TimestampOf(const ROCKSDB_NAMESPACE::Iterator&) { return 0; }
inline void IncreaseFullHistoryTsLow(const Open&, uint64_t) {}
#endif

}  // namespace user_timestamps

#endif
