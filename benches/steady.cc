// steady.cc - what a user feels while garbage is collected: space on disk, CPU time, bytes written,
// and the latency of operations. 10,000 tenants update, read and scan rows at a fixed rate. Safe
// points are 10 seconds behind the present, but one tenant's never moves. Four set-ups, each in a
// DB of its own, get the same operations. The bench fails if a read does not find the newest
// version.
//
// With more rounds than one, no collection and rocks-gc run again, in turn. Of each set-up the goals
// take the round with the least p99 of puts: other work of the machine adds to it, and takes nothing
// away.
//
//   steady LIBRARY FOLDER [--seconds N] [--rounds N] [--csv FILE]
#include <sys/prctl.h>

#include <chrono>
#include <thread>

#include "steady_report.h"
#include "steady_store.h"

namespace {

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;

class Run {
 public:
  Run(SetUp set_up, const rocks_gc::Library& library, const std::string& folder, uint64_t seconds)
      : seconds_(seconds), store_(set_up, library, folder + "/steady"), model_(seconds), live_(seconds + 1) {
    record_.name = NameOf(set_up);
    record_.bytes_of_put = store_.BytesOfPut();
    record_.seconds.resize(seconds);
  }

  Record Measure() {
    live_[0] = model_.must_stay();
    begun_ = Clock::now();
    std::thread client([this] { Operate(); });
    Observe();
    client.join();
    // The client may be late.
    for (size_t second = 0; second <= seconds_; ++second) {
      record_.samples[second].live_bytes = static_cast<double>(live_[second]) * store_.bytes_per_row();
    }
    VerifyAll();
    store_.Close();
    return std::move(record_);
  }

 private:
  // The client: one operation after the other, each at its own time. One that begins late because
  // the one before was slow is late for the user, too.
  void Operate() {
    using namespace load;
    prctl(PR_SET_TIMERSLACK, 1);
    Choice choice;
    for (uint64_t i = 0; i < seconds_ * kOperationsPerSecond; ++i) {
      const uint64_t since = i * kSecond / kOperationsPerSecond, second = since / kSecond;
      if (i % kOperationsPerSecond == 0) BeginSecond(second);
      const auto intended = begun_ + std::chrono::microseconds(since);
      const Operation operation = choice.NextOperation();
      const Row row = choice.NextRow();
      std::this_thread::sleep_until(intended);
      Do(operation, row, kFirstSecond * kSecond + since);
      record_.seconds[second].latencies[static_cast<size_t>(operation)].push_back(static_cast<float>(Micros(Clock::now() - intended).count()));
    }
    BeginSecond(seconds_);
  }

  void BeginSecond(uint64_t second) {
    model_.AdvanceSafePoint(load::SafePointAt(second));
    live_[second] = model_.must_stay();
    present_ = second;
  }

  void Do(load::Operation operation, const load::Row& row, uint64_t ts) {
    if (operation == load::Operation::kPut) {
      store_.Put(row, ts);
      model_.Put(row, ts);
    } else if (operation == load::Operation::kGet) {
      Verify(row, store_.Get(row));
    } else {
      store_.Scan(row, load::kScannedRows, [&](uint32_t next, uint64_t version) { Verify({row.tenant, row.number + next}, version); });
    }
  }

  void Verify(const load::Row& row, uint64_t version) const {
    if (version == model_.Newest(row)) return;
    Fail("tenant " + std::to_string(row.tenant) + ", row " + std::to_string(row.number) + ": version " + std::to_string(version) + ", not " +
         std::to_string(model_.Newest(row)));
  }

  void VerifyAll() const {
    for (uint32_t tenant = 0; tenant < load::kTenants; ++tenant) {
      uint32_t rows = 0;
      store_.Scan({tenant, 0}, load::kRowsPerTenant, [&](uint32_t row, uint64_t version) { ++rows, Verify({tenant, row}, version); });
      if (rows != load::kRowsPerTenant) Fail("rows of tenant " + std::to_string(tenant) + " are lost");
    }
  }

  // Each second: a sample, and safe points behind what the client has reached.
  void Observe() {
    for (uint64_t second = 0; second <= seconds_; ++second) {
      std::this_thread::sleep_until(begun_ + std::chrono::seconds(second));
      Sample sample;
      sample.file_bytes = store_.LiveFileBytes();
      sample.folder_bytes = store_.FolderBytes();
      sample.cpu_seconds = CpuTimeSoFar().All();
      sample.flush_bytes = store_.Ticker(ROCKSDB_NAMESPACE::FLUSH_WRITE_BYTES);
      sample.compaction_bytes = store_.Ticker(ROCKSDB_NAMESPACE::COMPACT_WRITE_BYTES);
      sample.stall_micros = store_.Ticker(ROCKSDB_NAMESPACE::STALL_MICROS);
      record_.samples.push_back(sample);
      store_.AdvanceSafePoint(load::SafePointAt(present_));
    }
  }

  const uint64_t seconds_;
  Store store_;
  load::Model model_;
  Record record_;
  Clock::time_point begun_;
  std::atomic<uint64_t> present_{0};  // The second of the run that the client has reached.
  std::vector<uint64_t> live_;        // At the beginning of each second: the versions that must stay.
};

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {{"seconds", "600"}, {"rounds", "1"}, {"csv", ""}});
  std::FILE* const csv = std::fopen(arguments.Text("csv").empty() ? "/dev/null" : arguments.Text("csv").c_str(), "w");
  if (csv == nullptr) Fail("no file " + arguments.Text("csv"));
  const rocks_gc::Library library = rocks_gc::Library::Load(arguments.library.c_str());
  WriteCsvHead(csv);
  Summary::PrintHead();
  std::map<SetUp, Summary> summaries;
  std::vector<SetUp> set_ups = {SetUp::kRocksGc, SetUp::kGlobal, SetUp::kUserTimestamps, SetUp::kNothing};
  for (uint64_t round = 1; round < arguments.Number("rounds"); ++round) {
    const bool ours_first = round % 2 == 0;
    set_ups.push_back(ours_first ? SetUp::kRocksGc : SetUp::kNothing);
    set_ups.push_back(ours_first ? SetUp::kNothing : SetUp::kRocksGc);
  }
  for (const SetUp set_up : set_ups) {
    if (set_up == SetUp::kUserTimestamps && !kHasUserTimestamps) continue;
    const Record record = Run(set_up, library, arguments.folder, arguments.Number("seconds")).Measure();
    WriteCsv(csv, record);
    const Summary summary(record);
    summary.Print();
    const auto best = summaries.emplace(set_up, summary).first;
    if (summary.P99OfPuts() < best->second.P99OfPuts()) best->second = summary;
    std::fflush(stdout);
  }
  std::fclose(csv);
  Summary::PrintGoals(summaries.at(SetUp::kRocksGc), summaries.at(SetUp::kGlobal), summaries.at(SetUp::kNothing));
}
