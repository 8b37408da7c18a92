#include "rl/grpo.h"

#include "core/error.h"
#include "rl/advantages.h"
#include "rl/credited_group.h"

namespace srpo::rl {
namespace {

enum class Deviation { kSample, kPopulation };

class Grpo : public Algorithm {
 public:
  Grpo(uint32_t group, Deviation deviation, const LossRule& loss)
      : group_(group), deviation_(deviation), loss_(loss) {}

  records::DrawPlan draw_plan() const override {
    records::DrawPlan plan;
    plan.base_group = group_;
    plan.suffix_group = 0;
    plan.fallback_group = group_;
    plan.max_draws = group_;
    plan.localizer = "random";  // never asked: one that needs no model
    return plan;
  }

  LossRule loss_rule() const override { return loss_; }

  TrainingTree learn(const records::RolloutTree& tree) const override {
    ENSURE(!tree.validation, "a validation tree is never trained on");
    const Group group = chains_with(tree.fresh, records::Use::kBase);
    const std::vector<double> rewards = rewards_of(group);
    TrainingTree training;
    training.prompt_tokens = tree.prompt_tokens;
    add_group(group,
              deviation_ == Deviation::kSample ? grpo_advantages(rewards)
                                               : srpo_advantages(rewards),
              PrefixLoss::kMasked, training.fresh, training);
    return training;
  }

 private:
  uint32_t group_;
  Deviation deviation_;
  LossRule loss_;
};

uint32_t read_group(const core::ConfigTable& options) {
  return static_cast<uint32_t>(options.integer("group", 8, 2, 4095));
}

double read_temperature(const core::ConfigTable& options) {
  return options.number("loss_temperature", 0.7, 0.01, 100);
}

}  // namespace

std::unique_ptr<Algorithm> make_grpo(const core::ConfigTable& options) {
  LossRule loss;
  loss.weighting = LossRule::Weighting::kToken;
  loss.temperature = read_temperature(options);
  loss.clip = options.number("clip", 0.2, 0, 1);
  loss.dual_clip = options.number("dual_clip", loss.clip > 0 ? 3.0 : 0.0, 0, 1000);
  REQUIRE(loss.dual_clip == 0 || (loss.clip > 0 && loss.dual_clip > 1), kBadConfig,
          options.place("dual_clip")
              << " = " << loss.dual_clip
              << " (expected 0, or more than 1 together with a clip)");
  return std::make_unique<Grpo>(read_group(options), Deviation::kSample, loss);
}

std::unique_ptr<Algorithm> make_grpo_srpo_loss(const core::ConfigTable& options) {
  LossRule loss;
  loss.weighting = LossRule::Weighting::kSequence;
  loss.temperature = read_temperature(options);
  return std::make_unique<Grpo>(read_group(options), Deviation::kPopulation, loss);
}

}  // namespace srpo::rl
