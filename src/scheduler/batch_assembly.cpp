#include "scheduler/batch_assembly.h"

#include <algorithm>
#include <span>

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

}  // namespace

bool has_signal(const records::RolloutTree& tree, const records::DrawPlan& plan) {
  if (rewards_differ(std::span(tree.fresh), [](const Trajectory& chain) {
        return chain.use == records::Use::kBase;
      })) {
    return true;
  }
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
