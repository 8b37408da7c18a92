#include "rl/critique_grpo.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "rl/algorithm_options.h"
#include "rl/second_attempts.h"

namespace srpo::rl {
namespace {

using records::RolloutTree;
using records::Trajectory;

struct CritiqueOptions {
  uint32_t group = 8;
  double failed_below = 1;
  SecondPrompt second_prompt = SecondPrompt::kOriginal;
  LossRule loss;
  CreditRule credit;
};

class CritiqueGrpo : public Algorithm {
 public:
  explicit CritiqueGrpo(const CritiqueOptions& options) : options_(options) {}

  records::DrawPlan draw_plan() const override {
    auto plan = plan_of_second_attempts(options_.group, "critique_revision");
    plan.failed_below = options_.failed_below;
    return plan;
  }
  LossRule loss_rule() const override { return options_.loss; }
  bool needs_reference() const override { return options_.credit.kl > 0; }

  TrainingTree learn(const RolloutTree& tree) const override {
    ENSURE(!tree.validation, "a validation tree is never trained on");
    ENSURE(!tree.fresh.empty() && !tree.suffixes.empty(),
           "tree " << tree.step << "/" << tree.slot << " has no refinements");
    TrainingTree training;
    training.prompt_tokens = tree.prompt_tokens;
    Group group{&best_refinement(tree)};
    for (size_t i = 0; i + 1 < tree.fresh.size(); ++i) group.push_back(&tree.fresh[i]);
    const auto rewards = rewards_of(group, options_.credit);
    const auto advantages = group_advantages(rewards, options_.credit.advantage);
    const bool is_flat = std::all_of(advantages.begin(), advantages.end(),
                                     [](double each) { return each == 0; });
    if (is_flat && !options_.credit.dilution && options_.credit.kl == 0) return training;
    add_second_attempt(*group[0], advantages[0], options_.credit.kl,
                       options_.second_prompt, training);
    for (size_t i = 1; i < group.size(); ++i) {
      TrainingSequence sequence =
          sequence_of(*group[i], PrefixLoss::kMasked, advantages[i]);
      sequence.kl = options_.credit.kl;
      add_sequence(std::move(sequence), training.fresh, training);
    }
    return training;
  }

 private:
  const Trajectory& best_refinement(const RolloutTree& tree) const {
    const auto correct = std::find_if(
        tree.suffixes.begin(), tree.suffixes.end(), [&](const Trajectory& each) {
          return each.verdict.reward >= options_.failed_below;
        });
    return correct == tree.suffixes.end() ? tree.suffixes.front() : *correct;
  }

  CritiqueOptions options_;
};

}  // namespace

std::unique_ptr<Algorithm> make_critique_grpo(const core::ConfigTable& table) {
  CritiqueOptions options;
  options.group = read_count(table, "group", 8, 2, 2047);
  options.failed_below = read_failed_below(table);
  options.second_prompt = read_second_prompt(table, SecondPrompt::kOriginal);
  LossRule loss;
  loss.weighting = LossRule::Weighting::kConstant;
  loss.constant_length = 5120;
  loss.bare_ratio = true;
  options.loss = read_loss_rule(table, loss);
  if (options.second_prompt == SecondPrompt::kOriginal)
    options.loss.shape = table.number("shape", 0.1, 1e-6, 100);
  CreditRule credit;
  credit.advantage.deviation = Deviation::kNone;
  options.credit = read_credit_rule(table, credit);
  options.credit.correct_from = options.failed_below;
  return std::make_unique<CritiqueGrpo>(options);
}

}  // namespace srpo::rl
