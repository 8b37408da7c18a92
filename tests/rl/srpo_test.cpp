#include "rl/srpo.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "trees.h"

namespace srpo::rl {
namespace {

std::unique_ptr<Algorithm> srpo_with(const std::string& options) {
  return make_srpo(core::ConfigTable::parse(options, "job.yaml"));
}

TEST(Srpo, AsksForTheDrawsOfTheMethod) {
  const auto plan = srpo_with("{}")->draw_plan();
  EXPECT_EQ(plan.base_group, 4U);
  EXPECT_EQ(plan.suffix_group, 4U);
  EXPECT_EQ(plan.fallback_group, 8U);
  EXPECT_EQ(plan.max_draws, 12U);
  EXPECT_EQ(plan.failed_below, 1.0);
  EXPECT_EQ(plan.localizer, "self");
  EXPECT_EQ(make_rrpo(core::ConfigTable::parse("{}", "job.yaml"))->draw_plan().localizer,
            "random");
}

TEST(Srpo, AveragesOverSequencesWithoutARatio) {
  const LossRule rule = srpo_with("{}")->loss_rule();
  EXPECT_EQ(rule.weighting, LossRule::Weighting::kSequence);
  EXPECT_EQ(rule.clip, 0);
  EXPECT_EQ(rule.dual_clip, 0);
  EXPECT_EQ(rule.temperature, 0.7);
}

TEST(Srpo, ComparesBaseAndSuffixGroupsEachWithItself) {
  const auto tree = reset_tree({1, 0, 1, 0}, {0, 0, 0, 1}, 6);
  const TrainingTree training = srpo_with("{}")->learn(tree);

  EXPECT_EQ(training.prompt_tokens, tree.prompt_tokens);
  ASSERT_EQ(training.fresh.size(), 4U);
  ASSERT_EQ(training.suffixes.size(), 4U);
  EXPECT_NEAR(training.fresh[0].advantage, 1, 1e-9);
  EXPECT_NEAR(training.fresh[1].advantage, -1, 1e-9);
  EXPECT_NEAR(training.suffixes[0].advantage, -0.577350, 1e-6);
  EXPECT_NEAR(training.suffixes[3].advantage, 1.732051, 1e-6);

  // The seed (at 1) and the surplus chain (the last) are not among them.
  EXPECT_EQ(training.fresh[1].tokens, tree.fresh[2].tokens);
  EXPECT_EQ(training.fresh[3].tokens, tree.fresh[4].tokens);
  EXPECT_EQ(training.fresh[0].active_begin, 0U);
  EXPECT_EQ(training.fresh[0].sampled_logprobs, tree.fresh[0].logprobs);

  EXPECT_EQ(training.prefix_tokens,
            (std::vector<int32_t>{9000, 9001, 9002, 9003, 9004, 9005}));
  EXPECT_EQ(training.suffixes[0].tokens, tree.suffixes[0].tokens);
  EXPECT_EQ(training.suffixes[0].active_begin, 6U);
  EXPECT_EQ(training.num_counted, 8U);
  EXPECT_EQ(training.active_tokens_counted, 10U + 11 + 12 + 13 + 5 + 6 + 7 + 8);
}

TEST(Srpo, LetsThePrefixCarryLossWithoutTheMask) {
  const auto training =
      srpo_with("mask_prefix: false")->learn(reset_tree({1, 1, 1, 1}, {0, 0, 0, 1}, 6));
  EXPECT_EQ(training.suffixes[0].active_begin, 0U);
  EXPECT_EQ(training.prefix_tokens.size(), 6U);
  EXPECT_EQ(training.active_tokens_counted, 10U + 11 + 12 + 13 + 5 + 6 + 7 + 8 + 4 * 6);
}

TEST(Srpo, TreatsAResetToTheFirstThoughtAsAGroupOfItsOwn) {
  const auto training = srpo_with("{}")->learn(reset_tree({1, 1, 1, 1}, {1, 0, 1, 0}, 0));
  EXPECT_TRUE(training.fresh.empty());
  EXPECT_EQ(training.suffixes.size(), 4U);
  EXPECT_TRUE(training.prefix_tokens.empty());
  EXPECT_EQ(training.suffixes[0].active_begin, 0U);
  EXPECT_EQ(training.num_counted, 8U);
}

TEST(Srpo, ComparesAFallbackAsOneGroupOfEight) {
  const auto training = srpo_with("{}")->learn(fresh_tree({1, 0, 0, 0, 0, 0, 0, 0}));
  ASSERT_EQ(training.fresh.size(), 8U);
  EXPECT_NEAR(training.fresh[0].advantage, 2.645751, 1e-6);
  EXPECT_NEAR(training.fresh[7].advantage, -0.377964, 1e-6);
  EXPECT_TRUE(training.suffixes.empty());
}

TEST(Srpo, CountsSequencesOfZeroAdvantageThoughItLeavesThemOut) {
  const auto training = srpo_with("{}")->learn(reset_tree({1, 1, 1, 1}, {0, 0, 0, 0}, 6));
  EXPECT_TRUE(training.fresh.empty());
  EXPECT_TRUE(training.suffixes.empty());
  EXPECT_TRUE(training.prefix_tokens.empty());
  EXPECT_EQ(training.num_counted, 8U);
  EXPECT_EQ(training.active_tokens_counted, 10U + 11 + 12 + 13 + 5 + 6 + 7 + 8);
}

TEST(Srpo, CountsAnEmptyChainInItsGroupThoughItCannotBeTrained) {
  auto tree = reset_tree({1, 0, 1, 1}, {0, 0, 0, 0}, 6);
  tree.fresh[2].tokens.clear();
  tree.fresh[2].logprobs.clear();
  const auto training = srpo_with("{}")->learn(tree);
  ASSERT_EQ(training.fresh.size(), 3U);
  EXPECT_NEAR(training.fresh[0].advantage, 0.577350, 1e-6);
  EXPECT_EQ(training.num_counted, 8U);
}

TEST(Srpo, ClipsTheRatioToTheSampledLogProbabilities) {
  const auto tree = reset_tree({1, 0, 1, 0}, {1, 0, 0, 0}, 6);
  const auto algorithm = srpo_with("{clip: 0.2, dual_clip: 3}");
  EXPECT_EQ(algorithm->loss_rule().clip, 0.2);
  EXPECT_EQ(algorithm->loss_rule().dual_clip, 3);
  EXPECT_EQ(algorithm->learn(tree).suffixes[1].sampled_logprobs,
            tree.suffixes[1].logprobs);
}

TEST(Srpo, RefusesATreeThatContradictsItself) {
  const auto algorithm = srpo_with("{}");
  auto other_prefix = reset_tree({1, 0, 1, 0}, {1, 0, 0, 0}, 6);
  other_prefix.suffixes[2].tokens[5] = 1;
  EXPECT_THROW(algorithm->learn(other_prefix), core::Error);
  auto no_seed = reset_tree({1, 0, 1, 0}, {1, 0, 0, 0}, 6);
  no_seed.fresh[1].use = records::Use::kSurplus;
  for (auto& ending : no_seed.suffixes) ending.parent.reset();
  EXPECT_THROW(algorithm->learn(no_seed), core::Error);
  auto validation = fresh_tree({1});
  validation.validation = true;
  EXPECT_THROW(algorithm->learn(validation), core::Error);
}

TEST(Srpo, ComparesTheEndingsOfEachFailureOfSplit2x4WithOneAnother) {
  const auto algorithm = srpo_with("split: 2x4");
  const auto plan = algorithm->draw_plan();
  EXPECT_EQ(plan.base_group, 0U);
  EXPECT_EQ(plan.seeds, 2U);
  EXPECT_EQ(plan.suffix_group, 4U);
  EXPECT_EQ(plan.fallback_group, 8U);
  const auto tree = two_resets_tree({1, 0, 0, 0}, 6, {1, 1, 0, 0}, 3);
  const TrainingTree training = algorithm->learn(tree);
  EXPECT_TRUE(training.fresh.empty());
  ASSERT_EQ(training.suffixes.size(), 4U);
  EXPECT_EQ(training.prefix_tokens.size(), 6U);
  EXPECT_NEAR(training.suffixes[0].advantage, 1.732051, 1e-6);
  ASSERT_EQ(training.further.size(), 1U);
  EXPECT_EQ(training.further[0].prefix_tokens.size(), 3U);
  ASSERT_EQ(training.further[0].sequences.size(), 4U);
  EXPECT_NEAR(training.further[0].sequences[0].advantage, 1, 1e-9);
  EXPECT_EQ(training.further[0].sequences[0].active_begin, 3U);
  EXPECT_EQ(training.num_counted, 8U);
}

TEST(Srpo, TellsTheEndingsOfTwoRestartsFromThePromptApart) {
  const auto training =
      srpo_with("split: 2x4")->learn(two_resets_tree({1, 0, 0, 0}, 0, {0, 0, 0, 0}, 0));
  EXPECT_EQ(training.suffixes.size(), 4U);
  EXPECT_TRUE(training.further.empty());
  EXPECT_NEAR(training.suffixes[1].advantage, -0.577350, 1e-6);
}

TEST(Srpo, ComparesAllEndingsOfSplit1x8AsOneGroup) {
  const auto algorithm = srpo_with("split: 1x8");
  EXPECT_EQ(algorithm->draw_plan().base_group, 0U);
  EXPECT_EQ(algorithm->draw_plan().seeds, 1U);
  EXPECT_EQ(algorithm->draw_plan().suffix_group, 8U);
  const auto training = algorithm->learn(reset_tree({}, {1, 0, 0, 0, 0, 0, 0, 0}, 6));
  ASSERT_EQ(training.suffixes.size(), 8U);
  EXPECT_NEAR(training.suffixes[0].advantage, 2.645751, 1e-6);
}

TEST(Srpo, TakesABaseChainAsSeedWhereTheRuleLetsIt) {
  const auto algorithm = srpo_with("seed_rule: any_failed");
  EXPECT_EQ(algorithm->draw_plan().seed_rule, records::SeedRule::kAnyFailed);
  auto tree = reset_tree({1, 0, 1}, {1, 0, 0, 1}, 6);
  tree.fresh[1].use = records::Use::kBase;
  const auto training = algorithm->learn(tree);
  EXPECT_EQ(training.fresh.size(), 4U);
  EXPECT_EQ(training.suffixes.size(), 4U);
}

TEST(Srpo, LeavesGroupsWithoutSignalOutOfTheDivisorWithoutDilution) {
  const auto training =
      srpo_with("dilution: false")->learn(reset_tree({1, 1, 1, 1}, {0, 0, 0, 1}, 6));
  EXPECT_EQ(training.num_counted, 4U);
  EXPECT_EQ(training.active_tokens_counted, 5U + 6 + 7 + 8);
}

TEST(Srpo, RoundsGradedRewardsWhereItIsAskedTo) {
  const auto tree = reset_tree({0.2, 0.9, 0.9, 0.2}, {0, 0, 0, 0}, 6);
  const auto graded = srpo_with("std: none")->learn(tree);
  EXPECT_NEAR(graded.fresh[1].advantage, 0.35, 1e-12);
  const auto binary =
      srpo_with("{rewards: binary, failed_below: 0.5, std: none}")->learn(tree);
  EXPECT_NEAR(binary.fresh[1].advantage, 0.5, 1e-12);
}

TEST(Srpo, KeepsEverySequenceThatIsComparedWithTheReferenceModel) {
  const auto algorithm = srpo_with("kl: 0.01");
  EXPECT_TRUE(algorithm->needs_reference());
  EXPECT_FALSE(srpo_with("{}")->needs_reference());
  const auto training = algorithm->learn(reset_tree({1, 1, 1, 1}, {0, 0, 0, 0}, 6));
  EXPECT_EQ(training.fresh.size() + training.suffixes.size(), 8U);
  EXPECT_EQ(training.fresh[0].kl, 0.01);
  EXPECT_EQ(training.fresh[0].advantage, 0);
}

TEST(Srpo, RefusesBadOptionsInASentence) {
  const auto refusal = [](const std::string& options) -> std::string {
    try {
      srpo_with(options);
    } catch (const core::Error& error) {
      EXPECT_EQ(error.kind(), core::ErrorKind::kBadConfig);
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(refusal("split: 3x4"),
            "job.yaml:1: split = '3x4' (expected one of 1x4, 1x8, 2x4)");
  EXPECT_THAT(refusal("max_draws: 4"), testing::HasSubstr("max_draws = '4'"));
  EXPECT_THAT(refusal("localizer: judge"), testing::HasSubstr("one of self, random"));
  EXPECT_THAT(refusal("dual_clip: 3"), testing::HasSubstr("together with a clip"));
  EXPECT_THAT(refusal("group: 1"), testing::HasSubstr("group = '1'"));
}

TEST(Srpo, ReadsItsOptions) {
  const auto algorithm = srpo_with(
      "{split: 1x4, group: 6, max_draws: 20, failed_below: 0.5, loss_temperature: 1, "
      "localizer: "
      "random}");
  const auto plan = algorithm->draw_plan();
  EXPECT_EQ(plan.base_group, 6U);
  EXPECT_EQ(plan.suffix_group, 6U);
  EXPECT_EQ(plan.fallback_group, 12U);
  EXPECT_EQ(plan.max_draws, 20U);
  EXPECT_EQ(plan.failed_below, 0.5);
  EXPECT_EQ(plan.localizer, "random");
  EXPECT_EQ(algorithm->loss_rule().temperature, 1);
}

}  // namespace
}  // namespace srpo::rl
