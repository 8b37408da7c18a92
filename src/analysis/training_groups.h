// The groups of a rollout tree whose members are compared with one another.
#pragma once

#include <vector>

#include "analysis/run_identity.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// Borrows the trajectories of its tree.
struct TrainingGroup {
  bool is_suffix = false;  ///< endings of one failed chain; else fresh chains
  std::vector<const records::Trajectory*> chains;  ///< in launch order
  std::vector<double> rewards;
  std::vector<double> advantages;  ///< by the run's rule
  bool is_flat = false;            ///< all rewards are equal: it teaches nothing
  uint64_t successes = 0;          ///< chains of reward 1
};

/// The base group and one group for each failed chain that was gone back into; none of a
/// validation tree, and none that is empty.
std::vector<TrainingGroup> training_groups(const records::RolloutTree& tree,
                                           const RunIdentity& identity);

/// Advantages of a group of rewards by a run's rule.
std::vector<double> advantages_by(const RunIdentity& identity,
                                  const std::vector<double>& rewards);

/// Tokens of a chain that carry loss.
uint64_t active_tokens(const records::Trajectory& chain, const RunIdentity& identity);

}  // namespace srpo::analysis
