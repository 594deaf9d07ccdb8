// journal.cc - see journal.h.
#include "journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "../engine/check.h"

namespace {

std::string Line(const Operation& operation) {
  std::ostringstream line;
  line << static_cast<char>(operation.kind);
  switch (operation.kind) {
    case Operation::kWrite:
      for (const Put& put : operation.puts) {
        line << ' ' << put.type << ' ' << put.row.mode << ' ' << put.row.keyspace << ' ' << put.row.user_key << ' ' << put.ts << ' '
             << put.start << ' ' << put.len;
      }
      break;
    case Operation::kSafePoint:
      line << ' ' << operation.keyspace << ' ' << operation.safe_point;
      break;
    case Operation::kDestroy:
      line << ' ' << operation.reusable;
      for (const Range& range : operation.ranges) line << ' ' << Hex(range.first) << ' ' << Hex(range.second);
      break;
    case Operation::kRecheck:
    case Operation::kFlush:
      break;
  }
  return line.str();
}

Operation Parse(const std::string& text) {
  std::istringstream line(text);
  char kind = 0;
  line >> kind;
  Operation operation(static_cast<Operation::Kind>(kind));
  if (kind == Operation::kSafePoint) line >> operation.keyspace >> operation.safe_point;
  if (kind == Operation::kDestroy) line >> operation.reusable;
  Put put{};
  std::string start, end;
  while (kind == Operation::kWrite &&
         line >> put.type >> put.row.mode >> put.row.keyspace >> put.row.user_key >> put.ts >> put.start >> put.len) {
    operation.puts.push_back(put);
  }
  while (kind == Operation::kDestroy && line >> start >> end) operation.ranges.emplace_back(Unhex(start), Unhex(end));
  return operation;
}

} // namespace

Journal::Journal(const std::string& path, const std::string& prefix, bool wal) : model_(prefix), now_(prefix), wal_(wal) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size_t begin = 0;
  // What is behind the last line end was being written.
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) Read(text.substr(begin, end - begin));
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  CHECK(file_ >= 0);
  CHECK(::ftruncate(file_, static_cast<off_t>(begin)) == 0);
}

Journal::~Journal() { ::close(file_); }

void Journal::Read(const std::string& line) {
  if (line == ".") return Ended();
  if (line.compare(0, 2, "r ") == 0) {
    Resolved(std::stoul(line.substr(2)));
    now_ = model_;
    return;
  }
  Began(Parse(line));
}

void Journal::Write(const std::string& line) const {
  const std::string all = line + "\n";
  CHECK(::write(file_, all.data(), all.size()) == static_cast<ssize_t>(all.size()));
}

void Journal::Begin(const Operation& operation) {
  Write(Line(operation));
  Began(operation);
}

void Journal::End() {
  Write(".");
  Ended();
}

void Journal::Resolve(size_t n) {
  Write("r " + std::to_string(n));
  Resolved(n);
  now_ = model_;
}

void Journal::Began(const Operation& operation) {
  for (const Put& put : operation.puts) last_ts_ = std::max({last_ts_, put.ts, put.start});
  now_.Apply(operation);
  // A safe point counts from when it may have been seen.
  if (operation.kind == Operation::kSafePoint) return model_.Apply(operation);
  open_.push_back(operation);
}

void Journal::Ended() {
  if (open_.empty()) return;
  const Operation::Kind kind = open_.back().kind;
  if (!wal_ && kind == Operation::kWrite) return;
  Resolved(open_.size());
}

void Journal::Resolved(size_t n) {
  for (size_t i = 0; i < n; ++i) model_.Apply(open_.at(i));
  open_.clear();
}
