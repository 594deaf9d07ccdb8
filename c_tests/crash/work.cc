// work.cc - what a host does all day.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "host.h"

namespace {

constexpr uint64_t kGroups = 3, kRowsOfGroup = 6;


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
      {20, &Host::WriteRaw},    {20, &Host::WriteTransactions}, {8, &Host::WriteLongRow},     {8, &Host::MakeDurable},
      {15, &Host::CompactSome}, {10, &Host::DestroyGroup},      {8, &Host::DestroyPartOfRow}, {4, &Host::DestroyKeyspace},
      {2, &Host::Recheck},      {1, &Host::DropExtra},          {3, &Host::DestroyLater},     {1, &Host::TakeBack},
  };
  if (random_.Percent(2)) RefuseTwin();
  uint64_t draw = random_.Below(100);
  for (const Choice& choice : choices) {
    if (draw < choice.weight) return (this->*choice.step)();
    draw -= choice.weight;
  }
}

// ---------------------------------------------------------------- rows

Range Host::RangeOf(char mode, uint32_t keyspace, const std::string& start, const std::string& end) const {
  return {RowKey(settings_.prefix, {mode, keyspace, start}), RowKey(settings_.prefix, {mode, keyspace, end})};
}

std::string Host::AnyGroup(char mode, uint32_t keyspace) {
  uint64_t number = random_.Below(kGroups);
  const Model& now = journal_.now();
  while (now.IsDead(now.ContextOf(mode), RangeOf(mode, keyspace, GroupName(number), GroupName(number) + "~"))) number += kGroups;
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
    if (!journal_.now().IsDead(put)) operation.puts.push_back(put);
  }
  if (operation.puts.empty()) return;
  journal_.Begin(operation);
  store_.Write(operation.puts, journal_.now());
  End();
}

void Host::WriteRaw() {
  std::vector<Put> puts;
  for (uint64_t n = 1 + random_.Below(5); n > 0; --n) puts.push_back(RawPut(AnyRow(AnyRawMode())));
  Write(puts);
}

// Some are committed at once, others are on for a while.
void Host::WriteTransactions() {
  if (settings_.one_family) return WriteRaw();
  if (random_.Percent(15)) return CommitAtSafePoint(AnyRow(random_.Percent(70) ? 'x' : AnyRawMode()));
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
  const Row row = AnyRow(random_.Percent(50) ? AnyRawMode() : AnyMode());
  if (journal_.now().LockOf(row) != nullptr) return;
  const bool raw = row.mode != 'x';
  for (uint64_t batches = 2 + random_.Below(3); batches > 0; --batches) {
    std::vector<Put> puts;
    for (int i = 0; i < 10; ++i) puts.push_back(raw ? RawPut(row) : RecordPut(row));
    if (batches == 1) {
      const uint64_t start = journal_.Next();
      puts.push_back(raw ? Put{'m', row, start, start, 10} : Put{'D', row, journal_.Next(), start, 0});
    }
    Write(puts);
    if (random_.Percent(50)) MakeDurable();
  }
  if (random_.Percent(50)) CommitAll(row.keyspace);
  if (random_.Percent(50)) MakeDurable();
  AdvanceSafePoint(row.keyspace, 90);
  store_.Compact(row.mode == 'e' ? EXTRA : raw ? DEFAULT : WRITE, true);
  // The worker is at the row.
  if (random_.Percent(10)) RefuseTwin();
  if (random_.Percent(80)) CommitAtSafePoint(row);
}

void Host::CommitAll(uint32_t keyspace) {
  std::vector<Put> puts;
  for (const Row& row : journal_.now().Locked(keyspace)) {
    const Put* lock = journal_.now().LockOf(row);
    puts.push_back({'c', row, journal_.Next(), lock->start, lock->len});
  }
  Write(puts);
}

// Writes exactly at the safe point, in a row with nothing newer: a RawKV version, and a commit of a
// transaction that began before the safe point was set. H1 forbids lower timestamps.
void Host::CommitAtSafePoint(const Row& row) {
  const auto found = reserved_.find(row.keyspace);
  if (found == reserved_.end() || journal_.now().safe_point(row.keyspace) != found->second.ts) return;
  const auto [start, ts] = found->second;
  if (journal_.now().LockOf(row) != nullptr || journal_.now().NewestOf(row) >= start) return;
  if (row.mode != 'x') return Write({{random_.Percent(80) ? 'v' : 'm', row, ts, ts, Length(10, 120)}});
  random_.Percent(80) ? Write({{'P', row, ts, start, random_.Percent(60) ? Length(60, 400) : 0}}) : Write({{'D', row, ts, start, 0}});
}

// ---------------------------------------------------------------- what goes on in the store

void Host::MakeDurable() {
  if (settings_.wal) return store_.Flush(static_cast<int>(random_.Below(LEDGER)));
  if (random_.Percent(40)) return; // so that more can be lost
  store_.FlushAll();
  journal_.Flushed();
}

void Host::AdvanceSafePoint(uint32_t keyspace, uint64_t reserve_percent) {
  const uint64_t lock = std::min(journal_.OldestLock(keyspace), oldest_lock_of_backup_.emplace(keyspace, UINT64_MAX).first->second);
  // Somebody may still commit at it.
  const bool reserves = lock == UINT64_MAX && random_.Percent(reserve_percent);
  const uint64_t start = reserves ? journal_.Next() : 0, ts = reserves ? journal_.Next() : 0;
  // Below what is on (H1). What a crash could lose is never written again, and need not be above.
  const uint64_t limit = std::min(journal_.last_ts(), lock - 1);
  const uint64_t back = reserves || random_.Percent(60) ? 0 : random_.Below(20);
  if (limit <= journal_.now().safe_point(keyspace) + back) return;
  Operation operation(Operation::kSafePoint);
  operation.keyspace = keyspace;
  operation.safe_point = limit - back;
  journal_.Begin(operation);
  store_.AdvanceSafePoint(keyspace, operation.safe_point);
  if (reserves) reserved_[keyspace] = {start, ts};
}

void Host::CompactSome() {
  AdvanceSafePoint(AnyKeyspace());
  const uint64_t draw = random_.Below(100);
  if (draw < 20) return store_.Collect();
  const bool last_level_too = random_.Percent(60);
  for (int family = DEFAULT; family < LEDGER; ++family) {
    if (random_.Percent(70)) store_.Compact(family, last_level_too);
  }
  if (draw < 40) store_.Drain();
}

// ---------------------------------------------------------------- destroying

void Host::Destroy(int context, std::vector<Range> ranges, uint32_t keyspace_or_none, bool reusable) {
  const auto stands = [&](const Range& range) { return journal_.now().HasRecordIn(context, range); };
  Operation operation(Operation::kDestroy, context);
  // Where another record stands, what is written again would be dropped: the library refuses that.
  operation.reusable = reusable && std::none_of(ranges.begin(), ranges.end(), stands);
  operation.ranges = std::move(ranges);
  // What is written into such a range again is newer than what was destroyed.
  reserved_.clear();
  journal_.Begin(operation);
  if (!beside_.joinable() && random_.Percent(5)) beside_ = std::thread(&Host::RefuseTwin, this);
  store_.Destroy(context, operation.ranges, keyspace_or_none, operation.reusable);
  shared_->Enter(WORKING);
  End();
  if (random_.Percent(30)) store_.Drain();
}

void Host::DestroyGroup() {
  const uint32_t keyspace = AnyKeyspace();
  const char mode = settings_.second_context && HasExtra() && random_.Percent(25) ? 'e' : AnyMode();
  const std::string group = AnyGroup(mode, keyspace);
  const std::string from = random_.Percent(70) ? group : group + "/" + std::to_string(random_.Below(kRowsOfGroup));
  Destroy(journal_.now().ContextOf(mode), {RangeOf(mode, keyspace, from, group + "~")}, kNoKeyspace, random_.Percent(40));
}

// Destroys a range with one or two bounds with a timestamp. Until the destroy has returned, safe
// points stay below the versions of the row, and the host writes nothing into it (H10).
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
  const std::string next = journal_.now().Key({row.mode, row.keyspace, row.user_key + '\0'});
  const std::string end = random_.Percent(70) ? VersionKey(key, all[last]) : next;
  Destroy(FIRST, {{VersionKey(key, all[first]), end}}, kNoKeyspace, random_.Percent(40));
}

void Host::DestroyKeyspace() {
  uint32_t keyspace = kDoomedKeyspaces;
  while (keyspace < kLastDoomedKeyspace && journal_.now().IsDead(FIRST, store_.RangesOf(keyspace).front())) ++keyspace;
  if (keyspace == kLastDoomedKeyspace) return;
  std::vector<Put> puts;
  for (int i = 0; i < 8; ++i) {
    const std::string name = "row" + std::to_string(i);
    const bool raw = settings_.one_family || i % 2 == 0;
    puts.push_back(raw ? RawPut({AnyRawMode(), keyspace, name}) : RecordPut({'x', keyspace, name}));
  }
  Write(puts);
  if (random_.Percent(50)) MakeDurable();
  if (random_.Percent(30)) store_.Compact(DEFAULT, random_.Percent(50));
  Destroy(FIRST, store_.RangesOf(keyspace), keyspace, random_.Percent(30));
}

// The host no longer uses the group, and readers may until the safe point has passed.
void Host::DestroyLater() {
  const uint32_t keyspace = AnyKeyspace();
  const char mode = AnyMode();
  const std::string group = AnyGroup(mode, keyspace);
  Operation operation(Operation::kDestroyAfter);
  operation.ranges = {RangeOf(mode, keyspace, group, group + "~")};
  operation.keyspace = keyspace;
  operation.safe_point = random_.Percent(50) ? journal_.last_ts() : journal_.now().safe_point(keyspace);
  for (const Row& row : journal_.now().Locked(keyspace)) {
    if (Contains(operation.ranges[0], journal_.now().Key(row))) return;
  }
  // A group that was destroyed and may be used again may have a debt.
  store_.Drain();
  journal_.Begin(operation);
  store_.DestroyAfter(operation.ranges[0], operation.safe_point);
  End();
  if (random_.Percent(50)) AdvanceSafePoint(keyspace);
  if (random_.Percent(30)) store_.Drain();
}

// Only a destroy that cannot have begun.
void Host::TakeBack() {
  for (const PendingDestroy& pending : journal_.now().pending()) {
    if (journal_.now().IsDue(pending)) continue;
    Operation operation(Operation::kTakeBack);
    operation.ranges = {pending.range};
    journal_.Begin(operation);
    store_.TakeBack(operation.ranges[0]);
    return End();
  }
}

void Host::Recheck() {
  const int context = settings_.second_context && HasExtra() && random_.Percent(30) ? SECOND : FIRST;
  journal_.Begin(Operation(Operation::kRecheck, context));
  store_.Recheck(context);
  shared_->Enter(WORKING);
  End();
}

// While nothing, a destroy or the worker goes on.
void Host::DropExtra() {
  if (!HasExtra()) return;
  journal_.Begin(Operation(Operation::kDropExtra));
  beside_ = std::thread([this, after = static_cast<useconds_t>(random_.Below(4000))] {
    ::usleep(after);
    store_.DropExtra();
  });
  const uint64_t draw = random_.Below(3);
  if (draw == 0) return DestroyGroup();
  if (draw == 1) store_.Compact(WRITE, true);
  End();
}

// Once in a life: two that come at the same time would find each other.
void Host::RefuseTwin() {
  if (!refused_twin_.exchange(true)) store_.RefuseTwin();
}

// All that began has returned.
void Host::End() {
  if (beside_.joinable()) beside_.join();
  journal_.End();
}
