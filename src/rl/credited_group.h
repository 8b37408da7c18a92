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

/// Where a sequence's loss begins (method §4.2).
enum class PrefixLoss { kMasked, kCounted };

/// Appends to `sequences` those of the group that have a non-zero advantage and a token
/// with loss; counts all of them in `tree.num_counted` and `tree.active_tokens_counted`.
/// One advantage for each trajectory. Sampled log-probabilities go along: for a ratio,
/// and to measure how far the learner's are from the engine's.
void add_group(const Group& group, const std::vector<double>& advantages,
               PrefixLoss prefix, std::vector<TrainingSequence>& sequences,
               TrainingTree& tree);

}  // namespace srpo::rl
