// Where everything that was begun has gone.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace srpo::scheduler {

/// Assigned = accepted + dropped (by reason) + in flight, at every moment. One counts
/// problems, another sequences.
struct Ledger {
  uint64_t assigned = 0;
  uint64_t accepted = 0;
  uint64_t in_flight = 0;
  std::map<std::string, uint64_t> dropped_by_reason;

  uint64_t dropped() const {
    uint64_t sum = 0;
    for (const auto& [reason, count] : dropped_by_reason) sum += count;
    return sum;
  }
  bool closes() const { return assigned == accepted + dropped() + in_flight; }

  void assign(uint64_t count = 1) {
    assigned += count;
    in_flight += count;
  }
  void accept(uint64_t count = 1) {
    accepted += count;
    in_flight -= count;
  }
  void drop(const std::string& reason, uint64_t count = 1) {
    if (count == 0) return;
    dropped_by_reason[reason] += count;
    in_flight -= count;
  }
};

/// What happened besides.
struct Happenings {
  uint64_t retries = 0;       ///< sequences asked for again after a failure or a loss
  uint64_t hedges = 0;        ///< sequences asked for twice because they took long
  uint64_t hedges_won = 0;    ///< the second worker was the first to answer
  uint64_t late_answers = 0;  ///< ignored: another was accepted, or nobody waits for it
  uint64_t quarantined = 0;
};

}  // namespace srpo::scheduler
