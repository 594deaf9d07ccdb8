// model.h - what was written and destroyed, and so what must be there after a crash.
#ifndef MODEL_H
#define MODEL_H

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "keys.h"

using Range = std::pair<std::string, std::string>;
using Entries = std::map<std::string, std::string>;
struct Contents {
  Entries of[FAMILIES];
};

inline bool Contains(const Range& range, const std::string& key) { return range.first <= key && key < range.second; }
inline bool Overlap(const Range& one, const Range& other) { return one.first < other.second && other.first < one.second; }

// A version of a row, or a step of a transaction.
//   v RawKV value   m RawKV delete mark, also in the extra family
//   P put, D delete, L lock, R rollback: records at ts. A P with a length has its value in the
//     default family, at start.
//   k lock and value of a transaction that is not committed yet, c its commit at ts
struct Put {
  char type;
  Row row;
  uint64_t ts, start;
  uint32_t len;
};

// A write to the store.
struct Change {
  Family family;
  bool deletes;
  std::string key, value;
};

// The library's contexts. If there is a second one, it has only the extra family; otherwise the
// first one has that family, too.
enum ContextNumber { FIRST, SECOND, CONTEXTS };
inline const std::string kLedgerPrefixes[CONTEXTS] = {"\x01rocks_gc/", "\x01rocks_gc2/"};

// A destroy that begins when the keyspace's safe point is above a timestamp.
struct PendingDestroy {
  Range range;
  uint32_t keyspace;
  uint64_t after;
  bool may_be_rechecked; // it may have been carried out before a recheck
};

// What the host does in one call.
struct Operation {
  enum Kind { kWrite = 'w', kSafePoint = 's', kDestroy = 'x', kDestroyAfter = 'a', kTakeBack = 'b', kRecheck = 'c', kDropExtra = 'd' };
  explicit Operation(Kind of, int in = FIRST) : kind(of), context(in) {}

  Kind kind;
  int context; // that destroys or rechecks
  std::vector<Put> puts;
  uint32_t keyspace = 0;
  uint64_t safe_point = 0; // of a pending destroy: the timestamp that it waits for
  bool reusable = false;
  std::vector<Range> ranges;
};

class Model {
 public:
  Model(std::string prefix, bool second_context) : prefix_(std::move(prefix)), second_context_(second_context) {}

  void Apply(const Operation& operation);
  // What is wrong; empty = nothing. exact: everything was compacted, so only what the rules keep
  // may exist.
  std::string Check(const Contents& found, bool exact) const;

  // What puts are in the store.
  std::vector<Change> Changes(const std::vector<Put>& puts) const;
  std::string Key(const Row& row) const { return RowKey(prefix_, row); }
  const std::string& prefix() const { return prefix_; }
  uint64_t last_ts() const { return last_ts_; }
  uint64_t safe_point(uint32_t keyspace) const;
  // The oldest start of a transaction of the keyspace that is on; UINT64_MAX = none is.
  uint64_t OldestLock(uint32_t keyspace) const;
  std::vector<Row> Locked(uint32_t keyspace) const;
  // The newest timestamp in the row, 0 = none.
  uint64_t NewestOf(const Row& row) const;
  // NULL = none.
  const Put* LockOf(const Row& row) const;
  // Whose destroys reach rows of the mode.
  int ContextOf(char mode) const { return mode == 'e' && second_context_ ? SECOND : FIRST; }
  // Destroyed for ever?
  bool IsDead(const Put& put) const;
  bool IsDead(int context, const Range& whole) const;
  bool HasRecordIn(int context, const Range& range) const;
  const std::vector<PendingDestroy>& pending() const { return pending_; }
  bool IsDue(const PendingDestroy& pending) const { return safe_point(pending.keyspace) > pending.after; }
  // Has a bound of it a timestamp?
  bool CutsRow(const Range& range) const;
  // The timestamps of a row that a destroy may cut, newest first: no version of it may be collected
  // yet, and none of its transactions is open.
  std::vector<uint64_t> Uncollectable(const Row& row) const;

 private:
  using Versions = std::map<uint64_t, Put, std::greater<uint64_t>>;
  struct State {
    Versions versions;
    Put lock{0, {}, 0, 0, 0};
  };
  struct Look;

  void Write(const Put& put);
  void Destroy(int context, const Range& range);
  bool IsDead(int context, const std::string& key) const;
  void CheckRaw(const Row& row, const State& state, Look* look) const;
  void CheckTxn(const Row& row, const State& state, Look* look) const;
  void CheckLedger(int context, const Entries& found, Look* look) const;
  // Is this garbage that stays, and may?
  bool IsCut(const Row& row) const;
  bool MayStay(const Row& row, const State& state) const;
  bool MustStay(const Row& row, const State& state, uint64_t ts) const;
  // The pending destroy of a key's range, if its time has come.
  const PendingDestroy* DueOf(const std::string& key) const;
  void SkipDue(Look* look) const;
  static const Put* Head(const Versions& versions, uint64_t safe_point);
  static std::string ValueOf(const Put& put);

  std::string prefix_;
  bool second_context_;
  std::map<Row, State> rows_;
  std::map<uint32_t, uint64_t> safe_points_;
  std::vector<Range> dead_[CONTEXTS];
  std::set<Range> records_[CONTEXTS];
  std::vector<PendingDestroy> pending_; // of the first context
  uint64_t last_ts_ = 0;
};

#endif
