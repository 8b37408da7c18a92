#include "scheduler/batch_assembly.h"

#include <algorithm>
#include <span>
#include <vector>

namespace srpo::scheduler {
namespace {

using records::Trajectory;

/// Of the chains of one group: those that `is_member` admits.
template <class Member>
bool rewards_differ(std::span<const Trajectory> chains, Member is_member) {
  const Trajectory* first = nullptr;
  return std::any_of(chains.begin(), chains.end(), [&](const Trajectory& chain) {
    if (!is_member(chain)) return false;
    if (first == nullptr) first = &chain;
    return chain.verdict.reward != first->verdict.reward;
  });
}

/// Chains of all kinds, but for segments, are compared with one another.
bool all_rewards_differ(const records::RolloutTree& tree) {
  std::vector<double> rewards;
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    for (const Trajectory& chain : *chains) {
      if (chain.use != records::Use::kSeed) rewards.push_back(chain.verdict.reward);
    }
  }
  return std::any_of(rewards.begin(), rewards.end(),
                     [&](double reward) { return reward != rewards.front(); });
}

}  // namespace

bool has_signal(const records::RolloutTree& tree, const records::DrawPlan& plan) {
  if (rewards_differ(std::span(tree.fresh), [](const Trajectory& chain) {
        return chain.use == records::Use::kBase;
      })) {
    return true;
  }
  if (plan.seed_rule == records::SeedRule::kEveryChain) return all_rewards_differ(tree);
  const size_t group = std::max<size_t>(1, plan.suffix_group);
  for (size_t begin = 0; begin < tree.suffixes.size(); begin += group) {
    const auto endings =
        std::span(tree.suffixes)
            .subspan(begin, std::min(group, tree.suffixes.size() - begin));
    if (rewards_differ(endings, [](const Trajectory&) { return true; })) return true;
  }
  return false;
}

}  // namespace srpo::scheduler
