// journal.h - the host's operations, written to a file before and after each. A kill does not lose
// what was written to a file.
//
//   an operation            the operation begins
//   .                       all operations that began have returned
//   F                       a flush of all families has returned
//   r n bits                after a crash: this outcome, see below
//
// An operation is open when it has begun and is not known to be durable: it has not returned, or,
// without a WAL, no flush has returned since.
#ifndef JOURNAL_H
#define JOURNAL_H

#include <deque>
#include <string>

#include "model.h"
#include "store.h"

// Which open operations a crash has left in effect. Of the host's own writes it leaves a prefix:
// with a WAL each of them was synced, and without one atomic_flush writes all families up to one
// moment. A call of the library, and the drop of a family, is durable on its own once it has
// returned, also if earlier writes are lost. One that has not returned may or may not have
// happened.
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
  // A lock counts if the crash could leave it or bring it back: its host would find it at or below
  // a safe point (H1).
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
