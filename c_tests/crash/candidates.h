// candidates.h - what a crash has left: whatever fits what is found.
#ifndef CANDIDATES_H
#define CANDIDATES_H

#include <string>

#include "journal.h"

// The outcome that explains what the store holds, with as many of the host's writes as possible. If
// none does: what contradicts the outcome in which everything happened, and the one that lacks the
// most.
Outcome Fitting(const Journal& journal, const Contents& found, std::string* wrong);

#endif
