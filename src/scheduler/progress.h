// What a checkpoint stands for, and what the scheduler must remember beside it.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "scheduler/curriculum.h"

namespace srpo::scheduler {

/// How far a run has come.
struct Progress {
  uint32_t demonstration_batches = 0;  ///< of the warm start
  uint32_t steps = 0;                  ///< of the algorithm: the policy version

  bool operator==(const Progress&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("demonstration_batches", self.demonstration_batches);
    visit("steps", self.steps);
  }
};

/// Saved with a checkpoint; with it a resumed scheduler decides as one that was never
/// stopped.
struct SchedulerState {
  Curriculum curriculum;
  uint32_t first_window = 0;  ///< async mode: steps before it are settled
  /// (step, slot) of problems that are settled (trained on, skipped or dropped) in steps
  /// from first_window on; async mode.
  std::vector<std::pair<uint32_t, uint32_t>> settled;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("curriculum", self.curriculum);
    visit("first_window", self.first_window);
    visit("settled", self.settled);
  }
};

}  // namespace srpo::scheduler
