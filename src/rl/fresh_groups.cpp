#include "rl/fresh_groups.h"

#include <algorithm>

#include "core/error.h"
#include "rl/algorithm_options.h"

namespace srpo::rl {

double LengthPenalty::of(size_t tokens) const {
  if (buffer == 0) return 0;
  const double over = static_cast<double>(tokens) - (static_cast<double>(limit) - buffer);
  return penalty * std::clamp(over / buffer, 0.0, 1.0);
}

records::DrawPlan plan_without_resets(uint32_t group) {
  records::DrawPlan plan;
  plan.base_group = group;
  plan.suffix_group = 0;
  plan.fallback_group = group;
  plan.max_draws = group;
  plan.localizer = "random";  // never asked: one that needs no model
  return plan;
}

records::DrawPlan FreshGroups::draw_plan() const {
  return plan_without_resets(options_.group);
}

std::vector<double> FreshGroups::rewards(const Group& group) const {
  std::vector<double> rewards = rewards_of(group, options_.credit);
  for (size_t i = 0; i < group.size(); ++i)
    rewards[i] -= options_.length.of(group[i]->tokens.size());
  return rewards;
}

TrainingTree FreshGroups::learn(const records::RolloutTree& tree) const {
  ENSURE(!tree.validation, "a validation tree is never trained on");
  const Group group = chains_with(tree.fresh, records::Use::kBase);
  TrainingTree training;
  training.prompt_tokens = tree.prompt_tokens;
  add_compared(group, rewards(group), options_.credit, training.fresh, training);
  return training;
}

FreshGroupOptions read_fresh_groups(const core::ConfigTable& options,
                                    const FreshGroupOptions& otherwise) {
  FreshGroupOptions read = otherwise;
  read.group = read_count(options, "group", otherwise.group, 2, 4095);
  read.loss = read_loss_rule(options, otherwise.loss);
  read.credit = read_credit_rule(options, otherwise.credit);
  if (read.credit.binary_rewards) read.credit.correct_from = read_failed_below(options);
  return read;
}

}  // namespace srpo::rl
