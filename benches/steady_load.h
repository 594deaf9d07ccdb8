// steady_load.h - the load of steady.cc: who writes and reads what, and what must stay of it.
#ifndef BENCHES_STEADY_LOAD_H
#define BENCHES_STEADY_LOAD_H
#include <atomic>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace load {

constexpr uint32_t kTenants = 10000;
constexpr uint32_t kRowsPerTenant = 60;
constexpr uint64_t kRows = uint64_t{kTenants} * kRowsPerTenant;
constexpr uint32_t kOperationsPerSecond = 12500;
constexpr uint32_t kScannedRows = 10;
constexpr size_t kValueBytes = 200;

// The stuck tenant, whose safe point never moves, and its share of all operations.
constexpr uint32_t kStuck = 0;
constexpr double kStuckShare = 0.01;

// Timestamps are microseconds. Every row has a version before the first second of the run.
constexpr uint64_t kSecond = 1000000;
constexpr uint64_t kFirstVersion = 1;
constexpr uint64_t kStuckSafePoint = 1;
constexpr uint64_t kBehind = 10;        // Seconds from a safe point to the present.
constexpr uint64_t kFirstSecond = 100;  // The present when the run begins.

inline uint64_t SafePointAt(uint64_t second_of_run) { return (kFirstSecond + second_of_run - kBehind) * kSecond; }

struct Row {
  uint32_t tenant, number;
};
inline size_t IndexOf(const Row& row) { return size_t{row.tenant} * kRowsPerTenant + row.number; }

enum class Operation { kPut, kGet, kScan };
constexpr size_t kOperations = 3;
inline const char* NameOf(size_t operation) {
  static const char* const names[kOperations] = {"put", "get", "scan"};
  return names[operation];
}

// The same operations for each set-up. Tenants, and the rows of a tenant, are chosen by Zipf's law
// with the exponent of YCSB.
class Choice {
 public:
  Choice() : tenants_(Zipf(kTenants - 1)), rows_(Zipf(kRowsPerTenant)) {}

  // Each second 8,000 puts, 4,000 gets and 500 scans.
  Operation NextOperation() {
    const double which = share_(random_) * 25;
    return which < 16 ? Operation::kPut : which < 24 ? Operation::kGet : Operation::kScan;
  }
  Row NextRow() {
    // Neighbours in rank are not neighbours in the key space.
    const uint32_t others = kTenants - 1;
    const uint32_t tenant = share_(random_) < kStuckShare ? kStuck : 1 + static_cast<uint32_t>(uint64_t{tenants_(random_)} * 7919 % others);
    return {tenant, rows_(random_) * 37 % kRowsPerTenant};
  }

 private:
  static std::discrete_distribution<uint32_t> Zipf(uint32_t n) {
    std::vector<double> weights;
    for (uint32_t rank = 1; rank <= n; ++rank) weights.push_back(1 / std::pow(rank, 0.99));
    return std::discrete_distribution<uint32_t>(weights.begin(), weights.end());
  }

  std::mt19937_64 random_{1};
  std::uniform_real_distribution<double> share_{0, 1};
  std::discrete_distribution<uint32_t> tenants_, rows_;
};

// What was written. A version must stay if it is the newest one of its row, or not below the safe
// point of its tenant. Safe points lie on whole seconds, so counts per second are exact.
class Model {
 public:
  explicit Model(uint64_t seconds) : newest_(kRows, kFirstVersion), replaced_(kFirstSecond + seconds + 1) {}

  uint64_t Newest(const Row& row) const { return newest_[IndexOf(row)]; }

  void Put(const Row& row, uint64_t ts) {
    uint64_t& newest = newest_[IndexOf(row)];
    const uint64_t second = newest / kSecond;
    newest = ts;
    if (row.tenant == kStuck) {
      ++must_stay_;
    } else if (second >= safe_second_) {
      ++replaced_[second];
      ++must_stay_;
    }
  }
  void AdvanceSafePoint(uint64_t ts) {
    for (; safe_second_ < ts / kSecond; ++safe_second_) must_stay_ -= replaced_[safe_second_];
  }
  // Versions.
  uint64_t must_stay() const { return must_stay_; }

 private:
  std::vector<uint64_t> newest_;
  // By the second of a version: how many have a newer version of their row.
  std::vector<uint64_t> replaced_;
  uint64_t safe_second_ = 0;
  uint64_t must_stay_ = kRows;
};

}  // namespace load

#endif
