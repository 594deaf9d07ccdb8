// candidates.cc - see candidates.h.
#include "candidates.h"

Outcome Fitting(const Journal& journal, const Contents& found, std::string* wrong) {
  const uint64_t choices = uint64_t{1} << journal.unfinished().size();
  Outcome outcome{journal.open_writes(), choices - 1};
  *wrong = journal.After(outcome).Check(found, false);
  if (wrong->empty()) return outcome;
  *wrong += "; without the writes that may be lost: " + journal.After({0, outcome.unfinished}).Check(found, false);
  for (size_t lost = 0; lost <= journal.open_writes(); ++lost) {
    for (uint64_t not_done = 0; not_done < choices; ++not_done) {
      outcome = {journal.open_writes() - lost, choices - 1 - not_done};
      if (!journal.After(outcome).Check(found, false).empty()) continue;
      wrong->clear();
      return outcome;
    }
  }
  return outcome;
}
