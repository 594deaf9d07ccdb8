// journal.h - what the host does, written down before and after: a kill does not lose what was written to a file.
//
//   an operation            it begins
//   .                       all that began have returned
//   F                       a flush of all families has returned
//   r n bits                after a crash: this outcome, see below
//
// Open is what has begun and is not known to be durable: what has not returned; where the host's writes have no WAL, all since the
// last flush.
#ifndef JOURNAL_H
#define JOURNAL_H

#include <deque>
#include <string>

#include "model.h"
#include "store.h"

// What a crash has left of what was open. The host's own writes that are left are a prefix of those that were open: with a WAL each
// of them was synced, and without one atomic_flush writes all families up to one moment. The library's calls, and the drop of a
// family, are durable on their own once they have returned, whatever writes before them are lost; those that have not returned have
// happened, or not.
struct Outcome {
  size_t writes;       // so many of the open writes are left
  uint64_t unfinished; // bit i: the i-th of the calls that had not returned has happened
};

class Journal {
 public:
  // Reads what is there.
  explicit Journal(const Settings& settings);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void Begin(const Operation& operation);
  void End();
  void Flushed();
  // Another journal lies under the path.
  void Reload();

  // After a crash.
  size_t open_writes() const;
  // That had not returned.
  std::vector<const Operation*> unfinished() const;
  Model After(const Outcome& outcome) const;
  void Resolve(const Outcome& outcome);

  // With all that has begun.
  const Model& now() const { return now_; }
  // A lock that a crash could leave or bring back counts: its host would find it at or below a safe point (H1).
  uint64_t OldestLock(uint32_t keyspace) const;
  // The newest timestamp; a new one.
  uint64_t last_ts() const { return last_ts_; }
  uint64_t Next() { return ++last_ts_; }

 private:
  struct Open {
    Operation operation;
    bool returned = false;
    bool IsWrite() const { return operation.kind == Operation::kWrite; }
  };

  void Load();
  void Read(const std::string& line);
  void Began(const Operation& operation);
  void Ended();
  void Resolved(const Outcome& outcome);
  void Write(const std::string& line) const;

  const Settings settings_;
  // What is durable, and that with all that has begun.
  Model model_, now_;
  int file_ = -1;
  std::deque<Open> open_;
  uint64_t last_ts_ = 0;
};

#endif
