// work.cc - what a host does all day.
#include <algorithm>
#include <cstdio>

#include "host.h"

namespace {

constexpr uint64_t kGroups = 3, kRowsOfGroup = 6;
constexpr uint32_t kNoKeyspace = 0;

std::string GroupName(uint64_t number) {
  char name[16];
  std::snprintf(name, sizeof(name), "g%04llu", static_cast<unsigned long long>(number));
  return name;
}

} // namespace

void Host::Step() {
  struct Choice {
    uint64_t weight;
    void (Host::*step)();
  };
  static constexpr Choice choices[] = {
      {22, &Host::WriteRaw},    {22, &Host::WriteTransactions}, {8, &Host::WriteLongRow},     {8, &Host::MakeDurable},
      {16, &Host::CompactSome}, {10, &Host::DestroyGroup},      {8, &Host::DestroyPartOfRow}, {4, &Host::DestroyKeyspace},
      {2, &Host::Recheck},
  };
  uint64_t draw = random_.Below(100);
  for (const Choice& choice : choices) {
    if (draw < choice.weight) return (this->*choice.step)();
    draw -= choice.weight;
  }
}

// ---------------------------------------------------------------- rows

Range Host::RangeOf(char mode, uint32_t keyspace, const std::string& start, const std::string& end) const {
  const std::string& prefix = settings_.prefix;
  return {prefix + Memcomparable(mode + BigEndian(keyspace, 3) + start), prefix + Memcomparable(mode + BigEndian(keyspace, 3) + end)};
}

std::string Host::AnyGroup(char mode, uint32_t keyspace) {
  uint64_t number = random_.Below(kGroups);
  while (journal_.now().IsDead(RangeOf(mode, keyspace, GroupName(number), GroupName(number) + "~"))) number += kGroups;
  return GroupName(number);
}

Row Host::AnyRow(char mode) {
  const uint32_t keyspace = AnyKeyspace();
  return {mode, keyspace, AnyGroup(mode, keyspace) + "/" + std::to_string(random_.Below(kRowsOfGroup))};
}

Put Host::RawPut(const Row& row) {
  const uint64_t ts = journal_.Next();
  return {random_.Percent(25) ? 'm' : 'v', row, ts, ts, Length(10, 120)};
}

Put Host::RecordPut(const Row& row) {
  const uint64_t start = journal_.Next(), draw = random_.Below(100);
  if (draw < 10) return {'R', row, start, start, 0};
  const uint64_t ts = journal_.Next();
  if (draw < 18) return {'L', row, ts, start, 0};
  if (draw < 38) return {'D', row, ts, start, 0};
  return {'P', row, ts, start, draw < 85 ? Length(60, 400) : 0};
}

void Host::Write(const std::vector<Put>& puts) {
  Operation operation(Operation::kWrite);
  for (const Put& put : puts) {
    const std::string key = journal_.now().Key(put.row);
    if (!journal_.now().IsDead(VersionKey(key, put.ts)) && !journal_.now().IsDead(key)) operation.puts.push_back(put);
  }
  if (operation.puts.empty()) return;
  journal_.Begin(operation);
  store_.Write(operation.puts, journal_.model());
  journal_.End();
}

void Host::WriteRaw() {
  std::vector<Put> puts;
  for (uint64_t n = 1 + random_.Below(5); n > 0; --n) puts.push_back(RawPut(AnyRow('r')));
  Write(puts);
}

// Some are committed at once, others are on for a while.
void Host::WriteTransactions() {
  std::vector<Put> puts;
  std::vector<std::string> taken;
  for (uint64_t n = 1 + random_.Below(4); n > 0; --n) {
    const Row row = AnyRow('x');
    const std::string key = journal_.now().Key(row);
    if (std::count(taken.begin(), taken.end(), key) != 0) continue;
    taken.push_back(key);
    if (const Put* lock = journal_.now().LockOf(row)) {
      puts.push_back({'c', row, journal_.Next(), lock->start, lock->len});
    } else if (random_.Percent(20)) {
      const uint64_t start = journal_.Next();
      puts.push_back({'k', row, start, start, Length(60, 400)});
    } else {
      puts.push_back(RecordPut(row));
    }
  }
  Write(puts);
}

// More versions than a batch of the worker's takes, with a delete on top, and all of it garbage.
void Host::WriteLongRow() {
  const Row row = AnyRow(AnyMode());
  if (journal_.now().LockOf(row) != nullptr) return;
  for (uint64_t batches = 2 + random_.Below(3); batches > 0; --batches) {
    std::vector<Put> puts;
    for (int i = 0; i < 10; ++i) puts.push_back(row.mode == 'r' ? RawPut(row) : RecordPut(row));
    if (batches == 1) {
      const uint64_t start = journal_.Next();
      puts.push_back(row.mode == 'r' ? Put{'m', row, start, start, 10} : Put{'D', row, journal_.Next(), start, 0});
    }
    Write(puts);
    if (random_.Percent(50)) MakeDurable();
  }
  MakeDurable();
  AdvanceSafePoint(row.keyspace);
  store_.Compact(row.mode == 'r' ? DEFAULT : WRITE, true);
}

// ---------------------------------------------------------------- what goes on in the store

void Host::MakeDurable() {
  if (settings_.wal) return store_.Flush(static_cast<int>(random_.Below(LEDGER)));
  journal_.Begin(Operation(Operation::kFlush));
  store_.FlushAll();
  journal_.End();
}

void Host::AdvanceSafePoint(uint32_t keyspace) {
  // Below what is on, and what could be lost: it would be written again (H1).
  const uint64_t limit = std::min(journal_.model().SafePointLimit(keyspace), journal_.now().SafePointLimit(keyspace));
  const uint64_t back = random_.Percent(60) ? 0 : random_.Below(20);
  if (limit <= journal_.model().safe_point(keyspace) + back) return;
  Operation operation(Operation::kSafePoint);
  operation.keyspace = keyspace;
  operation.safe_point = limit - back;
  journal_.Begin(operation);
  store_.AdvanceSafePoint(keyspace, operation.safe_point);
}

void Host::CompactSome() {
  AdvanceSafePoint(AnyKeyspace());
  const uint64_t draw = random_.Below(100);
  if (!settings_.wal) MakeDurable();
  if (draw < 20) return store_.Collect();
  const bool last_level_too = random_.Percent(60);
  for (int family = DEFAULT; family < LEDGER; ++family) {
    if (random_.Percent(70)) store_.Compact(family, last_level_too);
  }
  if (draw < 40) store_.Drain();
}

// ---------------------------------------------------------------- destroying

void Host::Destroy(std::vector<Range> ranges, uint32_t keyspace_or_none, bool reusable) {
  const auto stands = [&](const Range& range) { return journal_.now().HasRecordIn(range); };
  Operation operation(Operation::kDestroy);
  // Where another record stands, what is written again would be dropped: the library refuses that.
  operation.reusable = reusable && std::none_of(ranges.begin(), ranges.end(), stands);
  operation.ranges = std::move(ranges);
  if (!settings_.wal) MakeDurable();
  journal_.Begin(operation);
  store_.Destroy(operation.ranges, keyspace_or_none, operation.reusable);
  shared_->Enter(WORKING);
  journal_.End();
}

void Host::DestroyGroup() {
  const uint32_t keyspace = AnyKeyspace();
  const char mode = AnyMode();
  const std::string group = AnyGroup(mode, keyspace);
  const std::string from = random_.Percent(70) ? group : group + "/" + std::to_string(random_.Below(kRowsOfGroup));
  Destroy({RangeOf(mode, keyspace, from, group + "~")}, kNoKeyspace, random_.Percent(40));
}

// A bound with a timestamp, or two. While nothing of the row may be collected yet: what is left of it is as good as before.
void Host::DestroyPartOfRow() {
  const Row row = AnyRow(AnyMode());
  if (journal_.now().LockOf(row) != nullptr) return;
  std::vector<Put> puts;
  for (int i = 0; i < 6; ++i) puts.push_back(row.mode == 'r' ? RawPut(row) : RecordPut(row));
  Write(puts);
  if (random_.Percent(60)) MakeDurable();
  if (random_.Percent(30)) store_.Compact(row.mode == 'r' ? DEFAULT : WRITE, random_.Percent(50));
  const std::vector<uint64_t> all = journal_.now().Uncollectable(row);
  if (all.size() < 3) return;
  const std::string key = journal_.now().Key(row);
  const uint64_t first = random_.Below(all.size() - 1), last = first + 1 + random_.Below(all.size() - first - 1);
  const std::string end = random_.Percent(70) ? VersionKey(key, all[last]) : journal_.now().Key({row.mode, row.keyspace, row.user_key + '\0'});
  Destroy({{VersionKey(key, all[first]), end}}, kNoKeyspace, random_.Percent(40));
}

void Host::DestroyKeyspace() {
  uint32_t keyspace = kDoomedKeyspaces;
  while (keyspace < kLastDoomedKeyspace && journal_.now().IsDead(store_.RangesOf(keyspace).front())) ++keyspace;
  if (keyspace == kLastDoomedKeyspace) return;
  std::vector<Put> puts;
  for (int i = 0; i < 8; ++i) {
    const std::string name = "row" + std::to_string(i);
    puts.push_back(i % 2 == 0 ? RawPut({'r', keyspace, name}) : RecordPut({'x', keyspace, name}));
  }
  Write(puts);
  if (random_.Percent(50)) MakeDurable();
  if (random_.Percent(30)) store_.Compact(DEFAULT, random_.Percent(50));
  Destroy(store_.RangesOf(keyspace), keyspace, random_.Percent(30));
}

void Host::Recheck() {
  if (!settings_.wal) MakeDurable();
  journal_.Begin(Operation(Operation::kRecheck));
  store_.Recheck();
  shared_->Enter(WORKING);
  journal_.End();
}
