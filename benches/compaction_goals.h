// compaction_goals.h - what compaction.cc compares its medians with.
#ifndef BENCHES_COMPACTION_GOALS_H
#define BENCHES_COMPACTION_GOALS_H
#include "bench.h"
#include "compaction_data.h"

// Seconds, by the name of the mode.
using Medians = std::map<std::string, double>;

class Goals {
 public:
  void Add(const Case& which, const Medians& medians) {
    const double automatic = medians.at("C++: auto");
    if (which.garbage == 0) {
      Note("nothing to collect by the properties: auto against no filter", 1.02, automatic / medians.at("no filter"));
      Note("nothing to collect, no properties: auto against by hand, keep all", 1.08,
           medians.at("C++: auto, no properties") / medians.at("by hand: keep all"));
      return;
    }
    if (which.garbage * 100 <= which.versions * 80) {
      Note("75 to 80 % garbage: remove against by hand, remove", 1.03, medians.at("C++: remove") / medians.at("by hand: remove"));
    }
    const double best = std::min({medians.at("by hand: remove"), medians.at("by hand: version"), medians.at("by hand: row's end")});
    Note("garbage: auto against the best by hand", 1.05, automatic / best);
    const auto timestamps = medians.find("user-defined timestamps");
    if (timestamps == medians.end()) return;
    const bool long_rows = which.versions >= 100;
    const double limit = long_rows ? (which.versions >= 1000 ? 0.2 : 0.65) : which.versions >= 20 ? 1.1 : 1.0;
    // Tombstones cost short rows more where two compactions follow each other.
    const double more = which.place.over_older_data && !long_rows ? (which.versions >= 20 ? 0.2 : 0.1) : 0;
    Note("garbage, " + std::to_string(which.versions) + " versions, " + which.place.name + ": auto against user-defined timestamps", limit + more,
         automatic / timestamps->second);
  }

  void Print() const {
    std::printf("\n| goal | limit | median | worst | cases that meet it |\n|---|---|---|---|---|\n");
    for (const auto& [name, goal] : goals_) {
      const auto met = std::count_if(goal.ratios.begin(), goal.ratios.end(), [&limit = goal.limit](double ratio) { return ratio <= limit; });
      std::printf("| %s | <= %.2f | %.2f | %.2f | %zu of %zu |\n", name.c_str(), goal.limit, Percentile(goal.ratios, 50), Percentile(goal.ratios, 100),
                  static_cast<size_t>(met), goal.ratios.size());
    }
  }

 private:
  struct Goal {
    double limit = 0;
    std::vector<double> ratios;
  };

  void Note(const std::string& name, double limit, double ratio) {
    Goal& goal = goals_[name];
    goal.limit = limit;
    goal.ratios.push_back(ratio);
  }

  std::map<std::string, Goal> goals_;
};

#endif
