#include "rl/credited_group.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"

namespace srpo::rl {

Group chains_with(const std::vector<records::Trajectory>& chains, records::Use use) {
  Group group;
  for (const records::Trajectory& chain : chains) {
    if (chain.use == use) group.push_back(&chain);
  }
  return group;
}

std::vector<double> rewards_of(const Group& group) {
  std::vector<double> rewards;
  for (const records::Trajectory* chain : group) rewards.push_back(chain->verdict.reward);
  return rewards;
}

std::vector<double> rewards_of(const Group& group, const CreditRule& rule) {
  std::vector<double> rewards = rewards_of(group);
  if (!rule.binary_rewards) return rewards;
  for (double& reward : rewards) reward = reward >= rule.correct_from ? 1 : 0;
  return rewards;
}

TrainingSequence sequence_of(const records::Trajectory& chain, PrefixLoss prefix,
                             double advantage) {
  ENSURE(chain.prefix_length <= chain.tokens.size(),
         chain.id.to_string() << " keeps " << chain.prefix_length << " tokens of "
                              << chain.tokens.size());
  ENSURE(chain.logprobs.size() == chain.tokens.size(),
         chain.id.to_string() << " has " << chain.logprobs.size()
                              << " log-probabilities for " << chain.tokens.size()
                              << " tokens");
  REQUIRE(std::isfinite(advantage), kBadInput,
          chain.id.to_string() << " has advantage " << advantage
                               << " (expected a finite one; its reward is "
                               << chain.verdict.reward << ")");
  TrainingSequence sequence;
  sequence.tokens = chain.tokens;
  sequence.sampled_logprobs = chain.logprobs;
  sequence.active_begin = prefix == PrefixLoss::kMasked ? chain.prefix_length : 0;
  sequence.advantage = advantage;
  return sequence;
}

void add_sequence(TrainingSequence sequence, std::vector<TrainingSequence>& sequences,
                  TrainingTree& tree) {
  const uint64_t num_active = sequence.num_active();
  ++tree.num_counted;
  tree.active_tokens_counted += num_active;
  if ((sequence.advantage != 0 || sequence.kl != 0) && num_active > 0)
    sequences.push_back(std::move(sequence));
}

void add_group(const Group& group, const std::vector<double>& advantages,
               PrefixLoss prefix, std::vector<TrainingSequence>& sequences,
               TrainingTree& tree) {
  ENSURE(advantages.size() == group.size(),
         advantages.size() << " advantages for " << group.size() << " trajectories");
  for (size_t i = 0; i < group.size(); ++i)
    add_sequence(sequence_of(*group[i], prefix, advantages[i]), sequences, tree);
}

void add_compared(const Group& group, const CreditRule& rule,
                  std::vector<TrainingSequence>& sequences, TrainingTree& tree) {
  add_compared(group, rewards_of(group, rule), rule, sequences, tree);
}

void add_compared(const Group& group, const std::vector<double>& rewards,
                  const CreditRule& rule, std::vector<TrainingSequence>& sequences,
                  TrainingTree& tree) {
  const std::vector<double> advantages = group_advantages(rewards, rule.advantage);
  const bool is_flat = std::all_of(advantages.begin(), advantages.end(),
                                   [](double each) { return each == 0; });
  if (is_flat && !rule.dilution && rule.kl == 0) return;
  for (size_t i = 0; i < group.size(); ++i) {
    TrainingSequence sequence = sequence_of(*group[i], rule.prefix, advantages[i]);
    sequence.kl = rule.kl;
    add_sequence(std::move(sequence), sequences, tree);
  }
}

}  // namespace srpo::rl
