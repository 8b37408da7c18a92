#include "rl/grpo.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "rl/grpo_srpo_loss.h"
#include "rl/localizer.h"
#include "trees.h"

namespace srpo::rl {
namespace {

core::ConfigTable options_of(const char* text) {
  return core::ConfigTable::parse(text, "job.yaml");
}

TEST(Grpo, DrawsEightFreshChainsAndNeverResets) {
  for (const auto& algorithm :
       {make_grpo(options_of("{}")), make_grpo_srpo_loss(options_of("{}"))}) {
    const auto plan = algorithm->draw_plan();
    EXPECT_EQ(plan.base_group, 8U);
    EXPECT_EQ(plan.suffix_group, 0U);
    EXPECT_EQ(plan.max_draws, 8U);
    EXPECT_NE(make_localizer(plan.localizer, {}), nullptr);
  }
}

TEST(Grpo, UsesTheSampleDeviationTokenWeightingAndAClip) {
  const auto algorithm = make_grpo(options_of("{}"));
  const LossRule rule = algorithm->loss_rule();
  EXPECT_EQ(rule.weighting, LossRule::Weighting::kToken);
  EXPECT_EQ(rule.clip, 0.2);
  EXPECT_EQ(rule.dual_clip, 3);
  EXPECT_EQ(rule.temperature, 0.7);

  const auto tree = fresh_tree({1, 0, 0, 0, 0, 0, 0, 0});
  const TrainingTree training = algorithm->learn(tree);
  ASSERT_EQ(training.fresh.size(), 8U);
  EXPECT_NEAR(training.fresh[0].advantage, 2.474867, 1e-6);
  EXPECT_EQ(training.fresh[0].sampled_logprobs, tree.fresh[0].logprobs);
  EXPECT_EQ(training.num_counted, 8U);
  EXPECT_EQ(training.active_tokens_counted, 8U * 10 + 28);
}

TEST(Grpo, HasNoDualClipWithoutAClip) {
  EXPECT_EQ(make_grpo(options_of("clip: 0"))->loss_rule().dual_clip, 0);
}

TEST(Grpo, LearnsNothingFromEqualRewards) {
  const TrainingTree training =
      make_grpo(options_of("{}"))->learn(fresh_tree({1, 1, 1, 1}));
  EXPECT_TRUE(training.fresh.empty());
  EXPECT_EQ(training.num_counted, 4U);
}

TEST(GrpoSrpoLoss, UsesThePopulationDeviationAndSequenceWeighting) {
  const auto algorithm = make_grpo_srpo_loss(options_of("{}"));
  EXPECT_EQ(algorithm->loss_rule().weighting, LossRule::Weighting::kSequence);
  EXPECT_EQ(algorithm->loss_rule().clip, 0);
  const TrainingTree training = algorithm->learn(fresh_tree({1, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_NEAR(training.fresh[0].advantage, 2.645751, 1e-6);
}

TEST(Grpo, RefusesADualClipWithoutAClip) {
  EXPECT_THROW(make_grpo(options_of("{clip: 0, dual_clip: 3}")), core::Error);
}

}  // namespace
}  // namespace srpo::rl
