// candidates.h - what a crash has left: whatever fits what is found.
#ifndef CANDIDATES_H
#define CANDIDATES_H

#include <string>

#include "journal.h"

// The outcome that fits what is found, with as many of the host's writes as can be. None does: what is wrong with the one in which
// everything has happened, and with the one that lacks the most.
Outcome Fitting(const Journal& journal, const Contents& found, std::string* wrong);

#endif
