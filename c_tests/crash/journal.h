// journal.h - what the host does, written down before and after: a kill does not lose what was written to a file.
//
//   an operation            it begins
//   .                       it has returned
//   r n                     after a crash: of those that were open, the first n have happened
//
// Open is what has begun and is not known to be durable: the last operation; where the host's writes have no WAL, all writes since
// the last flush.
#ifndef JOURNAL_H
#define JOURNAL_H

#include <deque>
#include <string>

#include "model.h"

class Journal {
 public:
  // Reads what is there.
  Journal(const std::string& path, const std::string& prefix, bool wal);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void Begin(const Operation& operation);
  void End();
  // After a crash: the first n open operations have happened.
  void Resolve(size_t n);

  // What is durable.
  const Model& model() const { return model_; }
  // With all that has begun.
  const Model& now() const { return now_; }
  const std::deque<Operation>& open() const { return open_; }
  // A new timestamp.
  uint64_t Next() { return ++last_ts_; }

 private:
  void Read(const std::string& line);
  void Began(const Operation& operation);
  void Ended();
  void Resolved(size_t n);
  void Write(const std::string& line) const;

  Model model_, now_;
  const bool wal_;
  int file_ = -1;
  std::deque<Operation> open_;
  uint64_t last_ts_ = 0;
};

#endif
