// phases.h - what a host is at, in memory that it shares with the process that kills it.
#ifndef PHASES_H
#define PHASES_H

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstring>

// The phases of a destroy, as the library's log names them, and what else a host does.
enum Phase { OPENING, VERIFYING, WORKING, RECORD, FILES, KEYS, COMPACT, DONE, PHASES };
inline constexpr const char* kPhaseNames[PHASES] = {"opening", "verifying", "working", "record", "files", "keys", "compact", "done"};

// Where a host was when it crashed.
enum Place { P_OPENING, P_ATTACH, P_VERIFYING, P_WORKING, P_RECORD, P_FILES, P_KEYS, P_COMPACT, P_RESUMED, P_WORKER, P_DUE, P_DEBT, PLACES };
inline constexpr const char* kPlaceNames[PLACES] = {"opening", "attach", "verifying", "working", "record",
                                                    "files",   "keys",   "compact",   "resumed", "worker",  "due",   "debt"};

struct Shared {
  std::atomic<int> phase;
  std::atomic<bool> attaching;
  // The worker carries out a pending destroy; it pays debts.
  std::atomic<bool> in_due, in_debt;
  // How often each phase began.
  std::atomic<uint32_t> begun[PHASES];
  // Writes of the worker's thread; how many of them there were when last no row was pending.
  std::atomic<uint32_t> worker_writes, finished_worker_writes;

  void Enter(Phase to) {
    phase = to;
    ++begun[to];
  }
  bool InDestroy() const { return phase >= RECORD && phase < DONE; }
  bool InWorkersPass() const { return worker_writes != finished_worker_writes; }
  Place Where() const {
    if (InDestroy()) return attaching ? P_RESUMED : static_cast<Place>(P_RECORD + (phase - RECORD));
    if (in_due) return P_DUE;
    if (in_debt) return P_DEBT;
    if (InWorkersPass()) return P_WORKER;
    if (attaching) return P_ATTACH;
    return phase == OPENING ? P_OPENING : phase == VERIFYING ? P_VERIFYING : P_WORKING;
  }
  void Reset() {
    phase = OPENING;
    attaching = in_due = in_debt = false;
    for (auto& count : begun) count = 0;
    worker_writes = finished_worker_writes = 0;
  }
  // A line of the library's log. Does a phase of a destroy begin?
  bool Hear(const char* message, bool by_worker) {
    if (std::strncmp(message, "destroy ", 8) != 0) return false;
    const char* name = std::strrchr(message, ' ') + 1;
    if (by_worker) {
      const bool is_debt = std::strcmp(name, "debt") == 0, ends = std::strcmp(name, "done") == 0 || std::strcmp(name, "cleared") == 0;
      in_debt = is_debt || (in_debt && !ends);
      in_due = !is_debt && !ends;
      return true;
    }
    if (std::strcmp(name, "cleared") == 0) name = kPhaseNames[DONE];
    for (int i = RECORD; i <= DONE; ++i) {
      if (std::strcmp(name, kPhaseNames[i]) == 0) Enter(static_cast<Phase>(i));
    }
    return true;
  }
};

inline Shared* MakeShared() {
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) Shared();
}

#endif
