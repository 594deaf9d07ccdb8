// bench.h - what the benches in C++ share: errors, arguments, an open DB, CPU time.
#ifndef BENCHES_BENCH_H
#define BENCHES_BENCH_H
#include <rocksdb/db.h>
#include <rocksdb/version.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

[[noreturn]] inline void Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}
inline void Check(const ROCKSDB_NAMESPACE::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}
inline void Check(const std::string& error) {
  if (!error.empty()) Fail(error);
}

// "PROGRAM LIBRARY FOLDER --name value --name value"
class Arguments {
 public:
  Arguments(int argc, char** argv, std::map<std::string, std::string> defaults) : values_(std::move(defaults)) {
    std::string usage = std::string("usage: ") + argv[0] + " LIBRARY FOLDER";
    for (const auto& [name, value] : values_) usage += " [--" + name + " " + (value.empty() ? "TEXT" : value) + "]";
    if (argc < 3 || argc % 2 == 0) Fail(usage);
    library = argv[1];
    folder = argv[2];
    for (int i = 3; i < argc; i += 2) {
      const auto found = std::string(argv[i]).rfind("--", 0) == 0 ? values_.find(argv[i] + 2) : values_.end();
      if (found == values_.end()) Fail(usage);
      found->second = argv[i + 1];
    }
  }
  const std::string& Text(const std::string& name) const { return values_.at(name); }
  uint64_t Number(const std::string& name) const {
    const uint64_t number = std::strtoull(Text(name).c_str(), nullptr, 10);
    if (number == 0) Fail("--" + name + " must be a number above 0, not " + Text(name));
    return number;
  }

  std::string library, folder;

 private:
  std::map<std::string, std::string> values_;
};

// A stored key ends with its timestamp.
constexpr size_t kTimestampBytes = 8;
inline ROCKSDB_NAMESPACE::Slice RowOf(const ROCKSDB_NAMESPACE::Slice& stored_key) {
  return ROCKSDB_NAMESPACE::Slice(stored_key.data(), stored_key.size() - kTimestampBytes);
}

struct Open {
  Open(const ROCKSDB_NAMESPACE::Options& options, const std::string& path) {
#if ROCKSDB_MAJOR >= 10
    std::unique_ptr<ROCKSDB_NAMESPACE::DB> opened;
    Check(ROCKSDB_NAMESPACE::DB::Open(options, path, &opened));
    db = std::move(opened);
#else
    ROCKSDB_NAMESPACE::DB* opened = nullptr;
    Check(ROCKSDB_NAMESPACE::DB::Open(options, path, &opened));
    db.reset(opened);
#endif
  }
  ROCKSDB_NAMESPACE::DB* operator->() const { return db.get(); }
  std::unique_ptr<ROCKSDB_NAMESPACE::DB> db;
};

// Seconds of the whole process.
struct CpuTime {
  double All() const { return user + system; }

  double user, system;
};
inline CpuTime CpuTimeSoFar() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

template <class Number>
Number Percentile(std::vector<Number> values, double percent) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(values.size() - 1) * percent / 100);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

inline std::string RocksDbVersion() {
  return std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "." + std::to_string(ROCKSDB_PATCH);
}

#endif
