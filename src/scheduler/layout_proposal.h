// How many ranks of each role a job should have: layouts are tried out in simulation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/simulated_world.h"

namespace srpo::scheduler {

struct LayoutEstimate {
  uint32_t generators = 1;
  uint32_t localizers = 1;
  uint32_t verifiers = 1;
  uint32_t learners = 1;
  double step_seconds = 0;
  double tokens_per_second = 0;
  double generator_idle = 0;  ///< share of its time
  double localizer_idle = 0;
  double verifier_idle = 0;
  double learner_idle = 0;
};

/// One layout under the job's scheduler settings, problems per step and world model.
/// Fields of the result besides the four counts are what the simulation gave.
LayoutEstimate simulate_layout(const SimulationConfig& job, LayoutEstimate layout);

/// Layouts of `num_ranks` ranks, one of them the scheduler's, the fastest first, each
/// once. Starts from shares of the work and moves ranks between roles as long as steps
/// get shorter. Deterministic. Throws kBadInput below five ranks, where roles share
/// ranks.
std::vector<LayoutEstimate> propose_layout(const SimulationConfig& job,
                                           uint32_t num_ranks);

/// Aligned columns, a heading first, `most` layouts at most.
std::vector<std::string> table_of(const std::vector<LayoutEstimate>& layouts,
                                  size_t most = 8);

}  // namespace srpo::scheduler
