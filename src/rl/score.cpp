#include "rl/score.h"

#include <utility>

#include "core/error.h"
#include "rl/algorithm_options.h"
#include "rl/second_attempts.h"

namespace srpo::rl {
namespace {

using records::RolloutTree;
using records::Trajectory;

struct ScoreOptions {
  uint32_t pairs = 4;
  double bonus = 10;
  uint32_t stage_one_steps = 0;
  double kl = 0.01;
  double kl_first_stage_one = 0.1;
  SecondPrompt second_prompt = SecondPrompt::kShown;
  LossRule loss;
};

class Score : public Algorithm {
 public:
  explicit Score(const ScoreOptions& options) : options_(options) {}

  records::DrawPlan draw_plan() const override {
    return plan_of_second_attempts(options_.pairs, "score_revision");
  }
  LossRule loss_rule() const override { return options_.loss; }
  bool needs_reference() const override {
    return options_.kl > 0 ||
           (options_.stage_one_steps > 0 && options_.kl_first_stage_one > 0);
  }

  TrainingTree learn(const RolloutTree& tree) const override {
    ENSURE(!tree.validation, "a validation tree is never trained on");
    TrainingTree training;
    training.prompt_tokens = tree.prompt_tokens;
    const bool first_stage = tree.step < options_.stage_one_steps;
    for (const Trajectory& second : tree.suffixes) {
      const Trajectory* first = tree.seed_of(second);
      ENSURE(first != nullptr, second.id.to_string() << " has no first attempt");
      const double r1 = first->verdict.reward;
      const double r2 = second.verdict.reward;
      TrainingSequence attempt =
          sequence_of(*first, PrefixLoss::kMasked, first_stage ? 0 : r1);
      attempt.kl = first_stage ? options_.kl_first_stage_one : options_.kl;
      add_sequence(std::move(attempt), training.fresh, training);
      const double shaped = first_stage ? r2 : r2 + options_.bonus * (r2 - r1);
      add_second_attempt(second, shaped, options_.kl, options_.second_prompt, training);
    }
    return training;
  }

 private:
  ScoreOptions options_;
};

}  // namespace

std::unique_ptr<Algorithm> make_score(const core::ConfigTable& table) {
  ScoreOptions options;
  options.pairs = read_count(table, "pairs", 4, 1, 2047);
  options.bonus = table.number("bonus", 10.0, 0, 1000);
  options.stage_one_steps = read_count(table, "stage_one_steps", 0, 0, 1 << 23);
  options.kl = table.number("kl", 0.01, 0, 100);
  options.kl_first_stage_one = table.number("kl_first_stage_one", 0.1, 0, 100);
  options.second_prompt = read_second_prompt(table, SecondPrompt::kShown);
  LossRule defaults;
  defaults.weighting = LossRule::Weighting::kToken;
  defaults.clip = 0.2;
  defaults.divergence = LossRule::Divergence::kSquared;
  options.loss = read_loss_rule(table, defaults);
  options.loss.unknown_is_on_policy = options.second_prompt == SecondPrompt::kOriginal;
  return std::make_unique<Score>(options);
}

}  // namespace srpo::rl
