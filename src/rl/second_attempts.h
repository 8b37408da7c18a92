// Second attempts at a problem, drawn in sight of the first: what score and critique_grpo
// have in common.
#pragma once

#include <string>

#include "rl/algorithm.h"
#include "rl/credited_group.h"

namespace srpo::rl {

/// Behind which prompt a second attempt is trained.
enum class SecondPrompt {
  kShown,     ///< the one that it was drawn from: on-policy, and it learns to correct
  kOriginal,  ///< the problem's own, as published: off-policy, so its log-probabilities
              ///< at sampling say nothing
};

/// `second_attempts`: shown or original.
SecondPrompt read_second_prompt(const core::ConfigTable& options, SecondPrompt otherwise);

/// `firsts` chains, and one second attempt for each, in sight of it.
records::DrawPlan plan_of_second_attempts(uint32_t firsts, const std::string& localizer);

/// Counts and appends it behind its prompt.
void add_second_attempt(const records::Trajectory& attempt, double advantage, double kl,
                        SecondPrompt prompt, TrainingTree& tree);

}  // namespace srpo::rl
