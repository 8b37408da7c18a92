// Trajectories of one group and their advantages, turned into training sequences.
#pragma once

#include <cstdint>
#include <vector>

#include "records/rollout_tree.h"
#include "rl/advantages.h"
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

/// How the chains of one group get their credit.
struct CreditRule {
  AdvantageRule advantage;
  PrefixLoss prefix = PrefixLoss::kMasked;
  bool dilution = true;  ///< groups of equal rewards count in the divisors of the loss
  bool binary_rewards = false;  ///< 1 from `correct_from` on, else 0
  double correct_from = 1;
  double kl = 0;  ///< weight of a sequence's mean divergence from the reference model
};

/// The rewards by this rule, in order.
std::vector<double> rewards_of(const Group& group, const CreditRule& rule);

/// A chain as it is trained: its tokens with the log-probabilities at sampling (for a
/// ratio, and to measure how far the learner's are from the engine's).
TrainingSequence sequence_of(const records::Trajectory& chain, PrefixLoss prefix,
                             double advantage);

/// Counts the sequence in the divisors, and appends it when it carries loss.
void add_sequence(TrainingSequence sequence, std::vector<TrainingSequence>& sequences,
                  TrainingTree& tree);

/// Appends to `sequences` those of the group that have a non-zero advantage and a token
/// with loss; counts all of them in `tree.num_counted` and `tree.active_tokens_counted`.
/// One advantage for each trajectory.
void add_group(const Group& group, const std::vector<double>& advantages,
               PrefixLoss prefix, std::vector<TrainingSequence>& sequences,
               TrainingTree& tree);

/// The same with advantages of `rewards` among themselves. With a divergence all of the
/// group are appended.
void add_compared(const Group& group, const std::vector<double>& rewards,
                  const CreditRule& rule, std::vector<TrainingSequence>& sequences,
                  TrainingTree& tree);

/// The same with the group's own rewards.
void add_compared(const Group& group, const CreditRule& rule,
                  std::vector<TrainingSequence>& sequences, TrainingTree& tree);

}  // namespace srpo::rl
