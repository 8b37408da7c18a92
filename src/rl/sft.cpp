#include "rl/sft.h"

#include <utility>

namespace srpo::rl {

LossRule demonstration_loss_rule() {
  LossRule rule;
  rule.weighting = LossRule::Weighting::kToken;
  rule.temperature = 1;
  return rule;
}

TrainingTree learn_demonstration(std::vector<int32_t> prompt_tokens,
                                 std::vector<int32_t> response_tokens) {
  TrainingTree tree;
  tree.prompt_tokens = std::move(prompt_tokens);
  tree.num_counted = 1;
  tree.active_tokens_counted = response_tokens.size();
  if (response_tokens.empty()) return tree;
  TrainingSequence sequence;
  sequence.tokens = std::move(response_tokens);
  sequence.advantage = 1;
  tree.fresh.push_back(std::move(sequence));
  return tree;
}

}  // namespace srpo::rl
