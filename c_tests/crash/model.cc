// model.cc - see model.h.
#include "model.h"

#include <algorithm>

namespace {

// Of a record's value: its state, and its flags.
constexpr size_t kLedgerState = 1, kLedgerFlags = 2;
enum LedgerState { kStarted, kDone, kCleared, kPending };

bool Begins(const std::string& key, const std::string& prefix) { return key.compare(0, prefix.size(), prefix) == 0; }
std::string LedgerKey(int context, const Range& range) {
  return kLedgerPrefixes[context] + "d" + Memcomparable(range.first) + Memcomparable(range.second);
}

std::string LockValue(const Put& lock) { return "lock of " + std::to_string(lock.start); }
std::string LongValue(const Put& put) { return Payload(put.start, put.len); }
bool IsData(const Put& put) { return put.type == 'P' || put.type == 'D'; }
bool IsRaw(const Row& row) { return row.mode != 'x'; }
Family FamilyOf(const Row& row) { return row.mode == 'e' ? EXTRA : row.mode == 'r' ? DEFAULT : WRITE; }
bool IsLong(const Put& put) { return put.type == 'P' && put.len > 0; }

std::string Name(const Row& row, uint64_t ts) {
  return std::string(1, row.mode) + " keyspace " + std::to_string(row.keyspace) + " row " + row.user_key + " @" + std::to_string(ts);
}

} // namespace

// What was found and not yet accounted for, and the first thing that is wrong.
struct Model::Look {
  Contents left;
  bool exact;
  std::string wrong;

  void Wrong(const std::string& what) {
    if (wrong.empty()) wrong = what;
  }
  // Takes a key away, whose value must be this.
  bool Take(Family family, const std::string& key, const std::string& value, const std::string& name) {
    const auto found = left.of[family].find(key);
    if (found == left.of[family].end()) return false;
    if (found->second != value) Wrong(name + " has another value");
    left.of[family].erase(found);
    return true;
  }
};

std::string Model::ValueOf(const Put& put) {
  if (IsRaw(put.row)) return Payload(put.ts, put.len) + (put.type == 'm' ? '\2' : '\0');
  std::string value = (put.type == 'c' ? 'P' : put.type) + Varint(put.start);
  if (put.type == 'P' && put.len == 0) value += std::string("v") + static_cast<char>(5) + "short";
  return value;
}

std::vector<Change> Model::Changes(const std::vector<Put>& puts) const {
  std::vector<Change> changes;
  for (const Put& put : puts) {
    const std::string key = Key(put.row), version_key = VersionKey(key, put.ts);
    if (IsRaw(put.row)) {
      changes.push_back({FamilyOf(put.row), false, version_key, ValueOf(put)});
      continue;
    }
    if (put.type == 'c') changes.push_back({LOCK, true, key, {}});
    if (put.type == 'k') changes.push_back({LOCK, false, key, LockValue(put)});
    if (put.type == 'k' || IsLong(put)) changes.push_back({DEFAULT, false, VersionKey(key, put.start), LongValue(put)});
    if (put.type != 'k') changes.push_back({WRITE, false, version_key, ValueOf(put)});
  }
  return changes;
}

uint64_t Model::safe_point(uint32_t keyspace) const {
  const auto found = safe_points_.find(keyspace);
  return found == safe_points_.end() ? 0 : found->second;
}

std::vector<Row> Model::Locked(uint32_t keyspace) const {
  std::vector<Row> all;
  for (const auto& [row, state] : rows_) {
    if (row.keyspace == keyspace && state.lock.type != 0) all.push_back(row);
  }
  return all;
}

uint64_t Model::OldestLock(uint32_t keyspace) const {
  uint64_t oldest = UINT64_MAX;
  for (const Row& row : Locked(keyspace)) oldest = std::min(oldest, LockOf(row)->start);
  return oldest;
}

uint64_t Model::NewestOf(const Row& row) const {
  const auto found = rows_.find(row);
  return found == rows_.end() || found->second.versions.empty() ? 0 : found->second.versions.begin()->first;
}

const Put* Model::LockOf(const Row& row) const {
  const auto found = rows_.find(row);
  return found == rows_.end() || found->second.lock.type == 0 ? nullptr : &found->second.lock;
}

bool Model::IsDead(int context, const std::string& key) const {
  return std::any_of(dead_[context].begin(), dead_[context].end(), [&](const Range& range) { return Contains(range, key); });
}

bool Model::IsDead(const Put& put) const {
  const int context = ContextOf(put.row.mode);
  const std::string key = Key(put.row);
  return IsDead(context, key) || IsDead(context, VersionKey(key, put.ts));
}

bool Model::IsDead(int context, const Range& whole) const {
  const auto holds = [&](const Range& range) { return range.first <= whole.first && whole.second <= range.second; };
  return std::any_of(dead_[context].begin(), dead_[context].end(), holds);
}

bool Model::HasRecordIn(int context, const Range& range) const {
  const auto& records = records_[context];
  return std::any_of(records.begin(), records.end(), [&](const Range& record) { return Overlap(record, range); });
}

bool Model::CutsRow(const Range& range) const {
  constexpr size_t kGroup = 9; // of memcomparable bytes
  const auto has_ts = [&](const std::string& bound) { return (bound.size() - prefix_.size()) % kGroup != 0; };
  return has_ts(range.first) || has_ts(range.second);
}

std::vector<uint64_t> Model::Uncollectable(const Row& row) const {
  std::vector<uint64_t> all;
  const auto found = rows_.find(row);
  if (found == rows_.end() || found->second.lock.type != 0) return all;
  // The extra family may have a row of the same key, which is cut with it.
  const auto extra = rows_.find({'e', row.keyspace, row.user_key});
  const bool cuts_extra = row.mode == 'r' && !second_context_ && extra != rows_.end() && !extra->second.versions.empty();
  if (cuts_extra && extra->second.versions.rbegin()->first <= safe_point(row.keyspace)) return all;
  for (const auto& [ts, put] : found->second.versions) {
    if (put.start <= safe_point(row.keyspace)) return {};
    all.push_back(ts);
  }
  return all;
}

void Model::Apply(const Operation& operation) {
  switch (operation.kind) {
    case Operation::kWrite:
      for (const Put& put : operation.puts) Write(put);
      break;
    case Operation::kSafePoint: {
      uint64_t& known = safe_points_[operation.keyspace];
      known = std::max(known, operation.safe_point);
      break;
    }
    case Operation::kDestroy:
      for (const Range& range : operation.ranges) {
        Destroy(operation.context, range);
        if (operation.reusable) continue;
        dead_[operation.context].push_back(range);
        records_[operation.context].insert(range);
      }
      break;
    case Operation::kDestroyAfter:
      for (const Range& range : operation.ranges) {
        dead_[FIRST].push_back(range);
        pending_.push_back({range, operation.keyspace, operation.safe_point, false});
      }
      break;
    case Operation::kTakeBack:
      for (const Range& range : operation.ranges) {
        dead_[FIRST].erase(std::remove(dead_[FIRST].begin(), dead_[FIRST].end(), range), dead_[FIRST].end());
        const auto is = [&range](const PendingDestroy& pending) { return pending.range == range; };
        pending_.erase(std::remove_if(pending_.begin(), pending_.end(), is), pending_.end());
      }
      break;
    case Operation::kRecheck:
      records_[operation.context].clear();
      for (PendingDestroy& pending : pending_) pending.may_be_rechecked |= operation.context == FIRST && IsDue(pending);
      break;
    case Operation::kDropExtra:
      // What is dead stays dead (H3), but the second context's ledger is gone, too.
      for (auto row = rows_.begin(); row != rows_.end();) row = row->first.mode == 'e' ? rows_.erase(row) : std::next(row);
      records_[SECOND].clear();
      break;
  }
}

void Model::Write(const Put& put) {
  State& state = rows_[put.row];
  last_ts_ = std::max({last_ts_, put.ts, put.start});
  if (put.type == 'k') {
    state.lock = put;
  } else if (put.type == 'c') {
    state.versions[put.ts] = {'P', put.row, put.ts, put.start, put.len};
    state.lock.type = 0;
  } else {
    state.versions[put.ts] = put;
  }
}

void Model::Destroy(int context, const Range& range) {
  for (auto& [row, state] : rows_) {
    if (ContextOf(row.mode) != context) continue;
    const std::string key = Key(row);
    const Range whole(key, VersionKey(key, 0) + '\0');
    if (!Overlap(range, whole)) continue;
    if (Contains(range, key)) state.lock.type = 0;
    for (auto version = state.versions.begin(); version != state.versions.end();) {
      version = Contains(range, VersionKey(key, version->first)) ? state.versions.erase(version) : std::next(version);
    }
  }
}

const Put* Model::Head(const Versions& versions, uint64_t safe_point) {
  for (const auto& [ts, put] : versions) {
    if (ts <= safe_point && IsData(put)) return &put;
  }
  return nullptr;
}

bool Model::MustStay(const Row& row, const State& state, uint64_t ts) const {
  const uint64_t safe_point = this->safe_point(row.keyspace);
  if (IsRaw(row)) {
    const Put& newest = state.versions.begin()->second;
    return ts >= safe_point || (ts == newest.ts && newest.type != 'm');
  }
  const Put* head = Head(state.versions, safe_point);
  return ts > safe_point || (head != nullptr && head->ts == ts && head->type == 'P');
}

// A row that a standing record cuts is not the worker's.
bool Model::IsCut(const Row& row) const {
  const std::string key = Key(row);
  const Range whole(key, VersionKey(key, 0) + '\0');
  const auto& records = records_[ContextOf(row.mode)];
  return std::any_of(records.begin(), records.end(), [&](const Range& range) {
    return Overlap(range, whole) && (range.first > whole.first || range.second < whole.second);
  });
}

bool Model::MayStay(const Row& row, const State& state) const {
  // Which worker serves the extra family? The second context's, if there is one.
  const bool served = row.mode != 'e' || second_context_;
  return IsCut(row) || (!served && state.versions.begin()->second.type == 'm');
}

void Model::CheckRaw(const Row& row, const State& state, Look* look) const {
  const std::string key = Key(row);
  bool mark_is_gone = false;
  for (const auto& [ts, put] : state.versions) {
    const bool newest = ts == state.versions.begin()->first;
    const std::string name = Name(row, ts);
    const bool found = look->Take(FamilyOf(row), VersionKey(key, ts), ValueOf(put), name);
    const bool must_stay = MustStay(row, state, ts);
    if (must_stay && !found) look->Wrong(name + " is lost");
    if (!must_stay && found && look->exact && !MayStay(row, state)) look->Wrong(name + " is garbage and still there");
    mark_is_gone |= newest && !found;
    if (!newest && found && mark_is_gone) look->Wrong(name + " is alive again: its delete mark is gone");
  }
}

void Model::CheckTxn(const Row& row, const State& state, Look* look) const {
  const std::string key = Key(row);
  const Put* head = Head(state.versions, safe_point(row.keyspace));
  bool mark_is_gone = false;
  for (const auto& [ts, put] : state.versions) {
    const std::string name = Name(row, ts);
    const bool found = look->Take(WRITE, VersionKey(key, ts), ValueOf(put), name);
    const bool must_stay = MustStay(row, state, ts);
    if (must_stay && !found) look->Wrong(name + " is lost");
    if (!must_stay && found && look->exact && !MayStay(row, state)) look->Wrong(name + " is garbage and still there");
    if (IsLong(put)) {
      const bool has_value = look->Take(DEFAULT, VersionKey(key, put.start), LongValue(put), name + "'s value");
      if (found && !has_value) look->Wrong(name + " is there without its value");
      if (!found && has_value) look->Wrong(name + "'s value is there without its record");
    }
    if (&put == head) mark_is_gone = put.type == 'D' && !found;
    if (&put != head && mark_is_gone && found && IsData(put)) look->Wrong(name + " is alive again: the delete is gone");
  }
  const Put& lock = state.lock;
  if (lock.type == 0) return;
  const std::string name = Name(row, lock.start);
  if (!look->Take(LOCK, key, LockValue(lock), name)) look->Wrong(name + ": the lock is lost");
  if (!look->Take(DEFAULT, VersionKey(key, lock.start), LongValue(lock), name)) look->Wrong(name + ": the lock's value is lost");
}

void Model::CheckLedger(int context, const Entries& found, Look* look) const {
  std::set<std::string> expected;
  std::map<std::string, const PendingDestroy*> pending;
  for (const Range& range : records_[context]) expected.insert(LedgerKey(context, range));
  for (const PendingDestroy& one : pending_) {
    if (context == FIRST) pending[LedgerKey(context, one.range)] = &one;
  }
  for (const auto& [key, value] : found) {
    if (value.size() <= kLedgerFlags) look->Wrong("the ledger's record " + Hex(key) + " is cut");
    const int state = value[kLedgerState];
    const auto waits = pending.find(key);
    // A debt of a range that is reusable or rechecked.
    const bool only_debt = state == kCleared && value[kLedgerFlags] == 1;
    if (waits != pending.end() && !IsDue(*waits->second)) {
      if (state != kPending) look->Wrong("the pending destroy " + Hex(key) + " has begun too early");
    } else if (waits != pending.end()) {
      if (look->exact && state != kDone) look->Wrong("the pending destroy " + Hex(key) + " is not done");
    } else if (state != kDone && (look->exact || state != kCleared)) {
      look->Wrong("the ledger's record " + Hex(key) + " has state " + std::to_string(state));
    } else if (!only_debt && expected.count(key) == 0) {
      look->Wrong("the ledger's record " + Hex(key) + " should be gone");
    }
    expected.erase(key);
    if (waits != pending.end()) pending.erase(waits);
  }
  if (!expected.empty()) look->Wrong("a record of the ledger is lost");
  for (const auto& [key, one] : pending) {
    if (!one->may_be_rechecked) look->Wrong("the record of the pending destroy " + Hex(key) + " is lost");
  }
}

const PendingDestroy* Model::DueOf(const std::string& key) const {
  const auto holds = [&](const PendingDestroy& pending) { return IsDue(pending) && Contains(pending.range, key); };
  const auto found = std::find_if(pending_.begin(), pending_.end(), holds);
  return found == pending_.end() ? nullptr : &*found;
}

// The worker may be deleting the keys of a destroy that is due. Once all is done none is left.
void Model::SkipDue(Look* look) const {
  for (int family = 0; family < LEDGER && !look->exact; ++family) {
    if (family == EXTRA && second_context_) continue;
    Entries& entries = look->left.of[family];
    for (auto entry = entries.begin(); entry != entries.end();) entry = DueOf(entry->first) != nullptr ? entries.erase(entry) : std::next(entry);
  }
}

std::string Model::Check(const Contents& found, bool exact) const {
  Look look{found, exact, {}};
  for (int context = FIRST; context < CONTEXTS; ++context) {
    const std::string& prefix = kLedgerPrefixes[context];
    Entries records;
    for (Entries& entries : look.left.of) {
      for (auto entry = entries.lower_bound(prefix); entry != entries.end() && Begins(entry->first, prefix); entry = entries.erase(entry)) {
        // The ledger also holds the types of keyspaces, and the mark of a context that was killed
        // while attached.
        if (Begins(entry->first, prefix + "d")) records.insert(*entry);
      }
    }
    CheckLedger(context, records, &look);
  }
  SkipDue(&look);
  for (const auto& [row, state] : rows_) {
    if (ContextOf(row.mode) == FIRST && DueOf(Key(row)) != nullptr) continue;
    IsRaw(row) ? CheckRaw(row, state, &look) : CheckTxn(row, state, &look);
  }
  for (int family = 0; family < FAMILIES; ++family) {
    const int context = ContextOf(family == EXTRA ? 'e' : 'r');
    for (const auto& [key, value] : look.left.of[family]) {
      const char* why = IsDead(context, key) ? "it was destroyed" : "it was never written, or destroyed";
      look.Wrong("family " + std::to_string(family) + ": " + Hex(key) + " is there, though " + why);
    }
  }
  return look.wrong;
}
