// journal.cc - see journal.h.
#include "journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "../cpp_check.h"

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
      line << ' ' << operation.context << ' ' << operation.reusable;
      for (const Range& range : operation.ranges) line << ' ' << Hex(range.first) << ' ' << Hex(range.second);
      break;
    case Operation::kDestroyAfter:
    case Operation::kTakeBack:
      line << ' ' << operation.keyspace << ' ' << operation.safe_point;
      for (const Range& range : operation.ranges) line << ' ' << Hex(range.first) << ' ' << Hex(range.second);
      break;
    case Operation::kRecheck:
      line << ' ' << operation.context;
      break;
    case Operation::kDropExtra:
      break;
  }
  return line.str();
}

Operation Parse(const std::string& text) {
  std::istringstream line(text);
  char kind = 0;
  line >> kind;
  Operation operation(static_cast<Operation::Kind>(kind));
  const bool defers = kind == Operation::kDestroyAfter || kind == Operation::kTakeBack;
  if (kind == Operation::kSafePoint || defers) line >> operation.keyspace >> operation.safe_point;
  if (kind == Operation::kDestroy || kind == Operation::kRecheck) line >> operation.context;
  if (kind == Operation::kDestroy) line >> operation.reusable;
  Put put{};
  std::string start, end;
  while (kind == Operation::kWrite &&
         line >> put.type >> put.row.mode >> put.row.keyspace >> put.row.user_key >> put.ts >> put.start >> put.len) {
    operation.puts.push_back(put);
  }
  while ((kind == Operation::kDestroy || defers) && line >> start >> end) operation.ranges.emplace_back(Unhex(start), Unhex(end));
  return operation;
}

} // namespace

Journal::Journal(const Settings& settings)
    : settings_(settings), model_(settings.prefix, settings.second_context), now_(model_) {
  Load();
}

Journal::~Journal() { ::close(file_); }

void Journal::Reload() {
  ::close(file_);
  model_ = now_ = Model(settings_.prefix, settings_.second_context);
  open_.clear();
  last_ts_ = 0;
  Load();
}

void Journal::Load() {
  const std::string path = settings_.journal_path();
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size_t begin = 0;
  // What is behind the last line end was being written.
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) Read(text.substr(begin, end - begin));
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  CHECK(file_ >= 0);
  CHECK(::ftruncate(file_, static_cast<off_t>(begin)) == 0);
}

void Journal::Read(const std::string& line) {
  std::istringstream numbers(line.substr(1));
  Outcome outcome{SIZE_MAX, 0};
  if (line == ".") return Ended();
  if (line[0] == 'r') numbers >> outcome.writes >> outcome.unfinished;
  if (line[0] == 'r' || line == "F") return Resolved(outcome);
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

void Journal::Flushed() {
  Write("F");
  Resolved({SIZE_MAX, 0});
}

void Journal::Resolve(const Outcome& outcome) {
  Write("r " + std::to_string(outcome.writes) + " " + std::to_string(outcome.unfinished));
  Resolved(outcome);
}

size_t Journal::open_writes() const {
  return static_cast<size_t>(std::count_if(open_.begin(), open_.end(), [](const Open& open) { return open.IsWrite(); }));
}

std::vector<const Operation*> Journal::unfinished() const {
  std::vector<const Operation*> all;
  for (const Open& open : open_) {
    if (!open.IsWrite() && !open.returned) all.push_back(&open.operation);
  }
  return all;
}

Model Journal::After(const Outcome& outcome) const {
  Model after = model_;
  size_t writes = 0, unfinished = 0;
  for (const Open& open : open_) {
    const bool happened = open.IsWrite() ? writes++ < outcome.writes : open.returned || (outcome.unfinished >> unfinished++ & 1) != 0;
    if (happened) after.Apply(open.operation);
  }
  return after;
}

uint64_t Journal::OldestLock(uint32_t keyspace) const {
  uint64_t oldest = std::min(model_.OldestLock(keyspace), now_.OldestLock(keyspace));
  for (const Open& open : open_) {
    for (const Put& put : open.operation.puts) {
      if (put.type == 'k' && put.row.keyspace == keyspace) oldest = std::min(oldest, put.start);
    }
  }
  return oldest;
}

void Journal::Began(const Operation& operation) {
  last_ts_ = std::max(last_ts_, operation.safe_point);
  for (const Put& put : operation.puts) last_ts_ = std::max({last_ts_, put.ts, put.start});
  now_.Apply(operation);
  // A safe point counts from when it may have been seen.
  if (operation.kind == Operation::kSafePoint) return model_.Apply(operation);
  open_.push_back({operation});
}

void Journal::Ended() {
  for (Open& open : open_) open.returned = true;
  while (!open_.empty() && (settings_.wal || !open_.front().IsWrite())) {
    model_.Apply(open_.front().operation);
    open_.pop_front();
  }
}

void Journal::Resolved(const Outcome& outcome) {
  model_ = now_ = After(outcome);
  open_.clear();
}
