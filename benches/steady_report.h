// steady_report.h - what steady.cc records each second, as a CSV file and as tables.
#ifndef BENCHES_STEADY_REPORT_H
#define BENCHES_STEADY_REPORT_H
#include <array>
#include <cinttypes>

#include "bench.h"
#include "steady_load.h"

// The end of a second of the run.
struct Sample {
  double OnDiskToLive() const { return static_cast<double>(file_bytes) / live_bytes; }

  uint64_t file_bytes = 0;    // Live table files.
  uint64_t folder_bytes = 0;  // All files.
  double live_bytes = 0;
  double cpu_seconds = 0;
  uint64_t flush_bytes = 0, compaction_bytes = 0, stall_micros = 0;
};

// Microseconds from the intended start of an operation to its end.
using Latencies = std::vector<float>;
struct Second {
  std::array<Latencies, load::kOperations> latencies;
};

struct Record {
  std::string name;
  size_t bytes_of_put = 0;
  std::vector<Sample> samples;  // One more than there are seconds: the first is from the beginning.
  std::vector<Second> seconds;
};

inline void WriteCsv(std::FILE* csv, const Record& record) {
  for (size_t second = 0; second < record.seconds.size(); ++second) {
    const Sample &sample = record.samples[second + 1], &first = record.samples[0];
    std::fprintf(csv, "%s,%s,%zu,%" PRIu64 ",%" PRIu64 ",%.0f,%.3f,%" PRIu64 ",%" PRIu64 ",%" PRIu64, RocksDbVersion().c_str(), record.name.c_str(),
                 second + 1, sample.file_bytes, sample.folder_bytes, sample.live_bytes, sample.cpu_seconds - first.cpu_seconds,
                 sample.flush_bytes - first.flush_bytes, sample.compaction_bytes - first.compaction_bytes, sample.stall_micros - first.stall_micros);
    for (const Latencies& latencies : record.seconds[second].latencies) {
      for (const int percent : {50, 99, 100}) std::fprintf(csv, ",%.1f", static_cast<double>(Percentile(latencies, percent)));
    }
    std::fprintf(csv, "\n");
  }
  std::fflush(csv);
}

inline void WriteCsvHead(std::FILE* csv) {
  std::fprintf(csv, "rocksdb,setup,second,file_bytes,folder_bytes,live_bytes,cpu_seconds,flush_bytes,compaction_bytes,stall_micros");
  for (size_t operation = 0; operation < load::kOperations; ++operation) {
    for (const char* which : {"p50", "p99", "worst"}) std::fprintf(csv, ",%s_%s_us", load::NameOf(operation), which);
  }
  std::fprintf(csv, "\n");
}

// The last third of the run, when levels have formed.
class Summary {
 public:
  explicit Summary(const Record& record) : name_(record.name) {
    const size_t begin = record.seconds.size() - std::max<size_t>(1, record.seconds.size() / 3);
    std::vector<double> ratios;
    std::vector<uint64_t> bytes;
    std::array<Latencies, load::kOperations> p99s;
    for (size_t second = begin; second < record.seconds.size(); ++second) {
      ratios.push_back(record.samples[second + 1].OnDiskToLive());
      bytes.push_back(record.samples[second + 1].file_bytes);
      for (size_t operation = 0; operation < load::kOperations; ++operation) {
        const Latencies& some = record.seconds[second].latencies[operation];
        latencies_[operation].insert(latencies_[operation].end(), some.begin(), some.end());
        p99s[operation].push_back(Percentile(some, 99));
      }
    }
    for (size_t operation = 0; operation < load::kOperations; ++operation) {
      p99_of_median_second_[operation] = static_cast<double>(Percentile(p99s[operation], 50));
    }
    const Sample &first = record.samples[begin], &last = record.samples.back();
    const auto puts = static_cast<double>(std::max<size_t>(1, latencies_[0].size()));
    ratio_at_end_ = last.OnDiskToLive();
    ratio_ = Percentile(ratios, 50);
    bytes_ = static_cast<double>(Percentile(bytes, 50));
    cpu_micros_a_put_ = (last.cpu_seconds - first.cpu_seconds) * 1e6 / puts;
    written_a_byte_ = static_cast<double>(last.flush_bytes + last.compaction_bytes - first.flush_bytes - first.compaction_bytes) / puts /
                      static_cast<double>(record.bytes_of_put);
    stall_ms_ = static_cast<double>(last.stall_micros - first.stall_micros) / 1e3;
  }

  static void PrintHead() {
    std::printf("| RocksDB %s | on disk, MiB | on disk / live, median | at the end | CPU, us a put | bytes written a byte put |", RocksDbVersion().c_str());
    for (size_t operation = 0; operation < load::kOperations; ++operation) std::printf(" %s p50 / p99 / worst, us |", load::NameOf(operation));
    std::printf(" stalled, ms |\n|---|---|---|---|---|---|---|---|---|---|\n");
  }
  void Print() const {
    std::printf("| %s | %.0f | %.2f | %.2f | %.1f | %.1f |", name_.c_str(), bytes_ / (1 << 20), ratio_, ratio_at_end_, cpu_micros_a_put_, written_a_byte_);
    for (size_t operation = 0; operation < load::kOperations; ++operation) {
      std::printf(" %.0f / %.0f / %.0f |", Latency(operation, 50), Latency(operation, 99), Latency(operation, 100));
    }
    std::printf(" %.0f |\n", stall_ms_);
  }

  double P99OfPuts() const { return Latency(0, 99); }

  static void PrintGoals(const Summary& ours, const Summary& global, const Summary& nothing) {
    const auto print = [](const std::string& goal, double limit, double measured) {
      std::printf("| %s | <= %.2f | %.2f | %s |\n", goal.c_str(), limit, measured, measured <= limit ? "met" : "**not met**");
    };
    std::printf("\n| goal | limit | measured | |\n|---|---|---|---|\n");
    print("on disk / live, rocks-gc", 1.3, ours.ratio_);
    print("on disk, rocks-gc against one global safe point", 0.2, ours.bytes_ / global.bytes_);
    for (const size_t operation : {0, 1}) {
      const std::string goal = std::string("p99 of ") + load::NameOf(operation) + "s, against no collection";
      print(goal, 1.05, ours.Latency(operation, 99) / nothing.Latency(operation, 99));
      print(goal + ", in the median second", 1.05, ours.p99_of_median_second_[operation] / nothing.p99_of_median_second_[operation]);
    }
  }

 private:
  double Latency(size_t operation, double percent) const { return static_cast<double>(Percentile(latencies_[operation], percent)); }

  std::string name_;
  std::array<Latencies, load::kOperations> latencies_;
  // Other users of the machine disturb single seconds.
  std::array<double, load::kOperations> p99_of_median_second_;
  double ratio_at_end_ = 0, ratio_ = 0, bytes_ = 0, cpu_micros_a_put_ = 0, written_a_byte_ = 0, stall_ms_ = 0;
};

#endif
