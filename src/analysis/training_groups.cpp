#include "analysis/training_groups.h"

#include <algorithm>
#include <cmath>

#include "analysis/statistics.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

void complete(TrainingGroup& group, const RunIdentity& identity) {
  for (const Trajectory* chain : group.chains) {
    group.rewards.push_back(chain->verdict.reward);
    group.successes += chain->verdict.reward >= 1 ? 1 : 0;
  }
  group.is_flat = is_flat(group.rewards);
  group.advantages = advantages_by(identity, group.rewards);
}

/// Endings of the same failed chain; those of which no parent is recorded belong
/// together.
TrainingGroup& group_of(std::vector<TrainingGroup>& groups, const Trajectory& ending) {
  const auto same = [&](const TrainingGroup& group) {
    return group.chains.front()->parent == ending.parent;
  };
  const auto found = std::find_if(groups.begin(), groups.end(), same);
  if (found != groups.end()) return *found;
  groups.emplace_back().is_suffix = true;
  return groups.back();
}

}  // namespace

std::vector<double> advantages_by(const RunIdentity& identity,
                                  const std::vector<double>& rewards) {
  std::vector<double> advantages(rewards.size(), 0);
  if (rewards.empty() || is_flat(rewards)) return advantages;
  const double center = *mean(rewards);
  double divisor = population_deviation(rewards);
  if (identity.rule == AdvantageRule::kSample) {
    const auto n = static_cast<double>(rewards.size());
    divisor = divisor * std::sqrt(n / (n - 1)) + 1e-6;
  } else {
    divisor = std::max(divisor, identity.std_floor);
  }
  for (size_t i = 0; i < rewards.size(); ++i)
    advantages[i] = (rewards[i] - center) / divisor;
  return advantages;
}

std::vector<TrainingGroup> training_groups(const RolloutTree& tree,
                                           const RunIdentity& identity) {
  std::vector<TrainingGroup> groups;
  if (tree.validation) return groups;
  TrainingGroup base;
  for (const Trajectory& chain : tree.fresh) {
    if (chain.use == Use::kBase) base.chains.push_back(&chain);
  }
  for (const Trajectory& ending : tree.suffixes) {
    if (ending.use == Use::kSuffix) group_of(groups, ending).chains.push_back(&ending);
  }
  if (!base.chains.empty()) groups.insert(groups.begin(), std::move(base));
  for (TrainingGroup& group : groups) complete(group, identity);
  return groups;
}

uint64_t active_tokens(const Trajectory& chain, const RunIdentity& identity) {
  const size_t kept = identity.mask_prefix ? chain.prefix_length : 0;
  return chain.tokens.size() - std::min(kept, chain.tokens.size());
}

}  // namespace srpo::analysis
