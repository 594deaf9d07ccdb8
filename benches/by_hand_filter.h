// by_hand_filter.h - compaction filters written for the data of one bench: one safe point, the
// timestamp in the last 8 bytes of a key, no value read. They show RocksDB's own cost.
#ifndef BENCHES_BY_HAND_FILTER_H
#define BENCHES_BY_HAND_FILTER_H
#include <rocksdb/compaction_filter.h>

#include "bench.h"

enum class ByHand { kKeep, kRemove, kSkipVersion, kSkipRow };

// Keeps the first version of each row and those at or above the safe point.
class ByHandFilter : public ROCKSDB_NAMESPACE::CompactionFilter {
 public:
  using Slice = ROCKSDB_NAMESPACE::Slice;

  ByHandFilter(ByHand how, uint64_t safe_point) : how_(how), safe_point_(safe_point) {}
  const char* Name() const override { return "by hand"; }
  Decision FilterV2(int, const Slice& key, ValueType, const Slice&, std::string*, std::string* skip_until) const override {
    const Slice row = RowOf(key);
    const bool same = row == Slice(row_);
    if (!same) row_.assign(row.data(), row.size());
    if (!same || how_ == ByHand::kKeep || Timestamp(key) >= safe_point_) return Decision::kKeep;
    if (how_ == ByHand::kRemove) return Decision::kRemove;
    *skip_until = row_;
    if (how_ == ByHand::kSkipRow) {
      skip_until->append(kTimestampBytes, '\xff').push_back('\0');
    } else {
      Append(skip_until, Timestamp(key) - 1);
    }
    return Decision::kRemoveAndSkipUntil;
  }

 private:
  static uint64_t Timestamp(const Slice& key) {
    uint64_t ts = 0;
    for (size_t i = key.size() - kTimestampBytes; i < key.size(); ++i) ts = ts << 8 | static_cast<unsigned char>(key[i]);
    return ~ts;
  }
  static void Append(std::string* key, uint64_t ts) {
    for (int shift = 56; shift >= 0; shift -= 8) key->push_back(static_cast<char>(~ts >> shift));
  }

  const ByHand how_;
  const uint64_t safe_point_;
  mutable std::string row_;
};

class ByHandFactory : public ROCKSDB_NAMESPACE::CompactionFilterFactory {
 public:
  ByHandFactory(ByHand how, uint64_t safe_point) : how_(how), safe_point_(safe_point) {}
  const char* Name() const override { return "by hand"; }
  std::unique_ptr<ROCKSDB_NAMESPACE::CompactionFilter> CreateCompactionFilter(
      const ROCKSDB_NAMESPACE::CompactionFilter::Context&) override {
    return std::make_unique<ByHandFilter>(how_, safe_point_);
  }

 private:
  const ByHand how_;
  const uint64_t safe_point_;
};

#endif
