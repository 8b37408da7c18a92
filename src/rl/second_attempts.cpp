#include "rl/second_attempts.h"

#include <utility>

#include "core/error.h"

namespace srpo::rl {

SecondPrompt read_second_prompt(const core::ConfigTable& options,
                                SecondPrompt otherwise) {
  const std::string name = options.choice(
      "second_attempts", otherwise == SecondPrompt::kShown ? "shown" : "original",
      {"shown", "original"});
  return name == "shown" ? SecondPrompt::kShown : SecondPrompt::kOriginal;
}

records::DrawPlan plan_of_second_attempts(uint32_t firsts, const std::string& localizer) {
  records::DrawPlan plan;
  plan.base_group = firsts;
  plan.suffix_group = 1;
  plan.fallback_group = firsts;
  plan.max_draws = firsts;
  plan.seeds = firsts;
  plan.seed_rule = records::SeedRule::kEveryChain;
  plan.revises = true;
  plan.localizer = localizer;
  return plan;
}

void add_second_attempt(const records::Trajectory& attempt, double advantage, double kl,
                        SecondPrompt prompt, TrainingTree& tree) {
  TrainingSequence sequence = sequence_of(attempt, PrefixLoss::kMasked, advantage);
  sequence.kl = kl;
  if (prompt == SecondPrompt::kOriginal) {
    sequence.sampled_logprobs.clear();
    add_sequence(std::move(sequence), tree.fresh, tree);
    return;
  }
  ENSURE(!attempt.prompt_tokens.empty(), attempt.id.to_string()
                                             << " does not say what it was drawn from");
  TrainingBranch branch;
  branch.prompt_tokens = attempt.prompt_tokens;
  add_sequence(std::move(sequence), branch.sequences, tree);
  if (!branch.sequences.empty()) tree.further.push_back(std::move(branch));
}

}  // namespace srpo::rl
