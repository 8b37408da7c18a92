// Trajectories of one group and their advantages, turned into training sequences.
#pragma once

#include <cstdint>
#include <vector>

#include "records/rollout_tree.h"
#include "rl/training_tree.h"

namespace srpo::rl {

/// Siblings that are compared with one another. Borrows the trajectories.
using Group = std::vector<const records::Trajectory*>;

/// The chains of a tree with this use, in launch order.
Group chains_with(const std::vector<records::Trajectory>& chains, records::Use use);

/// Their rewards, in order.
std::vector<double> rewards_of(const Group& group);

/// What of a sequence its loss rule needs.
struct SequenceNeeds {
  bool mask_prefix = true;        ///< loss only behind the kept prefix
  bool sampled_logprobs = false;  ///< copy them, for a ratio
};

/// Appends to `sequences` those of the group that have a non-zero advantage and a token
/// with loss; counts all of them in `tree.num_counted` and `tree.active_tokens_counted`.
/// One advantage for each trajectory.
void add_group(const Group& group, const std::vector<double>& advantages,
               SequenceNeeds needs, std::vector<TrainingSequence>& sequences,
               TrainingTree& tree);

}  // namespace srpo::rl
