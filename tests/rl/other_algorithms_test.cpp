// The algorithms beside SRPO and GRPO: what they draw, and what they learn from it.
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "rl/algorithm.h"
#include "trees.h"

namespace srpo::rl {
namespace {

std::unique_ptr<Algorithm> algorithm(const std::string& options) {
  return make_algorithm(core::ConfigTable::parse(options, "job.yaml"));
}

std::vector<double> advantages_of(const std::vector<TrainingSequence>& sequences) {
  std::vector<double> advantages;
  for (const TrainingSequence& each : sequences) advantages.push_back(each.advantage);
  return advantages;
}

testing::Matcher<std::vector<double>> near(const std::vector<double>& expected) {
  std::vector<testing::Matcher<double>> each;
  for (const double value : expected) each.push_back(testing::DoubleNear(value, 1e-6));
  return testing::ElementsAreArray(each);
}

TEST(Dapo, ClipsHigherAboveThanBelow) {
  const LossRule rule = algorithm("name: dapo")->loss_rule();
  EXPECT_EQ(rule.clip, 0.2);
  EXPECT_EQ(rule.clip_high, 0.28);
  EXPECT_EQ(rule.weighting, LossRule::Weighting::kToken);
}

TEST(Dapo, TakesRewardFromLongResponses) {
  const auto dapo =
      algorithm("{name: dapo, overlong_limit: 12, overlong_buffer: 2, std: none}");
  // Chains of 10, 11, 12 and 13 tokens: penalties 0, 1/2, 1, 1.
  const auto training = dapo->learn(fresh_tree({1, 1, 1, 1}));
  EXPECT_THAT(advantages_of(training.fresh), near({0.625, 0.125, -0.375, -0.375}));
  EXPECT_THROW(algorithm("{name: dapo, overlong_buffer: 2}"), core::Error);
}

TEST(DrGrpo, DividesByNeitherDeviationNorLength) {
  const auto dr_grpo = algorithm("{name: dr_grpo, constant_length: 100}");
  const LossRule rule = dr_grpo->loss_rule();
  EXPECT_EQ(rule.weighting, LossRule::Weighting::kConstant);
  EXPECT_EQ(rule.constant_length, 100U);
  EXPECT_THAT(advantages_of(dr_grpo->learn(fresh_tree({1, 0, 0, 0})).fresh),
              near({0.75, -0.25, -0.25, -0.25}));
}

TEST(Gspo, TakesOneRatioASequence) {
  const LossRule rule = algorithm("name: gspo")->loss_rule();
  EXPECT_TRUE(rule.sequence_ratio);
  EXPECT_TRUE(rule.has_ratio());
  EXPECT_EQ(rule.clip, 3e-4);
  EXPECT_EQ(rule.clip_high, 4e-4);
  EXPECT_EQ(rule.weighting, LossRule::Weighting::kSequence);
}

TEST(ReinforcePlusPlus, ComparesOverTheWholeBatch) {
  const std::vector<records::RolloutTree> trees = {fresh_tree({1, 1}),
                                                   fresh_tree({0, 0})};
  const auto batch = algorithm("{name: reinforce_pp, std: population}")->learn_all(trees);
  ASSERT_EQ(batch.size(), 2U);
  EXPECT_THAT(advantages_of(batch[0].fresh), near({1, 1}));
  EXPECT_THAT(advantages_of(batch[1].fresh), near({-1, -1}));
  const auto group = algorithm("{name: reinforce_pp, baseline: group}")->learn_all(trees);
  EXPECT_TRUE(group[0].fresh.empty());
  EXPECT_EQ(group[0].num_counted, 2U);
}

TEST(ReinforcePlusPlus, RefusesAnOptionThatWouldSayNothing) {
  EXPECT_THROW(algorithm("{name: reinforce_pp, dilution: false}"), core::Error);
}

TEST(Score, AsksForASecondAttemptAtEachChain) {
  const auto plan = algorithm("name: score")->draw_plan();
  EXPECT_EQ(plan.base_group, 4U);
  EXPECT_EQ(plan.suffix_group, 1U);
  EXPECT_EQ(plan.seeds, 4U);
  EXPECT_EQ(plan.seed_rule, records::SeedRule::kEveryChain);
  EXPECT_TRUE(plan.revises);
  EXPECT_EQ(plan.localizer, "score_revision");
}

// Method §12.
TEST(Score, ReproducesTheConformanceVectors) {
  const auto score = algorithm("{name: score, kl: 0}");
  const auto training = score->learn(pairs_tree({{0, 1}, {1, 0}, {1, 1}, {0, 0}}));
  EXPECT_THAT(advantages_of(training.fresh), near({1, 1}));
  ASSERT_EQ(training.further.size(), 3U);
  EXPECT_THAT(advantages_of(training.further[0].sequences), near({11}));
  EXPECT_THAT(advantages_of(training.further[1].sequences), near({-10}));
  EXPECT_THAT(advantages_of(training.further[2].sequences), near({1}));
  EXPECT_EQ(training.num_counted, 8U);
}

TEST(Score, RewardsOnlySecondAttemptsInItsFirstStage) {
  const auto score = algorithm("{name: score, stage_one_steps: 12}");
  auto tree = pairs_tree({{1, 1}, {1, 0}});
  tree.step = 11;
  const auto first = score->learn(tree);
  EXPECT_THAT(advantages_of(first.fresh), near({0, 0}));
  EXPECT_EQ(first.fresh[0].kl, 0.1);
  EXPECT_EQ(first.further[0].sequences[0].kl, 0.01);
  EXPECT_EQ(first.further[0].sequences[0].advantage, 1);
  tree.step = 12;
  EXPECT_EQ(score->learn(tree).fresh[0].kl, 0.01);
  EXPECT_TRUE(score->needs_reference());
}

// Hazard 13.
TEST(Score, TrainsSecondAttemptsBehindThePromptTheyWereDrawnFrom) {
  const auto tree = pairs_tree({{0, 1}, {1, 0}});
  const auto shown = algorithm("{name: score, kl: 0}")->learn(tree);
  EXPECT_EQ(shown.further[0].prompt_tokens, tree.suffixes[0].prompt_tokens);
  EXPECT_EQ(shown.further[0].sequences[0].sampled_logprobs, tree.suffixes[0].logprobs);

  const auto published = algorithm("{name: score, kl: 0, second_attempts: original}");
  EXPECT_TRUE(published->loss_rule().unknown_is_on_policy);
  const auto original = published->learn(tree);
  EXPECT_TRUE(original.further.empty());
  EXPECT_EQ(original.fresh.size(), 3U);
  EXPECT_TRUE(original.fresh[0].sampled_logprobs.empty());
}

TEST(CritiqueGrpo, PutsTheBestRefinementInTheGroup) {
  const auto critique = algorithm("name: critique_grpo");
  const auto tree = pairs_tree({{0, 0}, {0, 0}, {0, 1}, {1, 1}});
  const auto training = critique->learn(tree);
  // The third refinement and the first three chains, less their mean of 1/4.
  ASSERT_EQ(training.fresh.size(), 4U);
  EXPECT_EQ(training.fresh[0].tokens, tree.suffixes[2].tokens);
  EXPECT_TRUE(training.fresh[0].sampled_logprobs.empty()) << "off-policy";
  EXPECT_THAT(advantages_of(training.fresh), near({0.75, -0.25, -0.25, -0.25}));
  const LossRule rule = critique->loss_rule();
  EXPECT_EQ(rule.shape, 0.1);
  EXPECT_TRUE(rule.bare_ratio);
  EXPECT_EQ(rule.clip, 0);
  EXPECT_EQ(rule.weighting, LossRule::Weighting::kConstant);
  EXPECT_EQ(rule.constant_length, 5120U);
}

TEST(CritiqueGrpo, TakesTheFirstRefinementWhereNoneIsRight) {
  const auto tree = pairs_tree({{1, 0}, {0, 0}});
  const auto training = algorithm("name: critique_grpo")->learn(tree);
  EXPECT_EQ(training.fresh[0].tokens, tree.suffixes[0].tokens);
}

/// Two segments of four tokens, with four leaves each.
records::RolloutTree segment_tree(const std::vector<double>& leaves) {
  records::RolloutTree tree;
  tree.prompt_tokens = {1, 2};
  for (int node = 0; node < 2; ++node) {
    tree.fresh.push_back(chain_of(records::Use::kSeed, 0, 4, 100 * (node + 1)));
    tree.fresh.back().id.index = static_cast<uint16_t>(node);
  }
  for (size_t i = 0; i < leaves.size(); ++i) {
    const records::Trajectory& segment = tree.fresh[i / 4];
    auto leaf =
        chain_of(records::Use::kSuffix, leaves[i], 3, 1000 * (static_cast<int>(i) + 1));
    leaf.tokens.insert(leaf.tokens.begin(), segment.tokens.begin(), segment.tokens.end());
    leaf.logprobs.insert(leaf.logprobs.begin(), 4, -0.5F);
    leaf.prefix_length = 4;
    leaf.id.kind = records::DrawKind::kSuffix;
    leaf.id.index = static_cast<uint16_t>(i);
    leaf.parent = segment.id;
    tree.suffixes.push_back(leaf);
  }
  return tree;
}

// Method §12.
TEST(SpoTree, ReproducesTheConformanceVectors) {
  const auto training =
      algorithm("name: spo_tree")->learn(segment_tree({1, 0, 0, 0, 1, 1, 0, 0}));
  ASSERT_EQ(training.further.size(), 2U);
  // The segment comes first, and weighs as much as its four leaves' copies of it would.
  EXPECT_THAT(advantages_of(training.further[0].sequences),
              near({-0.125 * 4, 0.75, -0.25, -0.25, -0.25}));
  EXPECT_THAT(advantages_of(training.further[1].sequences),
              near({0.125 * 4, 0.5, 0.5, -0.5, -0.5}));
  EXPECT_EQ(training.further[0].sequences[0].active_begin, 0U);
  EXPECT_EQ(training.further[0].sequences[1].active_begin, 4U);
  EXPECT_EQ(training.num_counted, 8U);
  EXPECT_EQ(training.active_tokens_counted, 8U * 7);
}

// Hazard 14.
TEST(SpoTree, TakesASegmentThatEndsItsTextAsALeaf) {
  auto tree = segment_tree({1, 0, 0, 0});
  tree.fresh[1].use = records::Use::kBase;
  tree.fresh[1].verdict.reward = 1;
  const auto training = algorithm("name: spo_tree")->learn(tree);
  EXPECT_THAT(advantages_of(training.fresh), near({0.375}));
  ASSERT_EQ(training.further.size(), 1U);
  EXPECT_THAT(advantages_of(training.further[0].sequences),
              near({-0.375 * 4, 0.75, -0.25, -0.25, -0.25}));
  EXPECT_EQ(training.num_counted, 5U);
}

// Hazard 14.
TEST(SpoTree, MasksTokensThatWereSureAndDividesEachPathByTheRest) {
  auto tree = segment_tree({1, 0, 0, 0, 1, 1, 0, 0});
  for (records::Trajectory& leaf : tree.suffixes) leaf.logprobs[5] = -0.01F;
  const auto masking = algorithm("{name: spo_tree, probability_mask: 0.9}");
  EXPECT_EQ(masking->loss_rule().weighting, LossRule::Weighting::kSequence);
  const auto training = masking->learn(tree);
  const TrainingSequence& segment = training.further[0].sequences[0];
  const TrainingSequence& leaf = training.further[0].sequences[1];
  EXPECT_EQ(leaf.num_active(), 2U);
  EXPECT_FALSE(leaf.is_active(5));
  // Of a path of 4 + 2 tokens each one weighs advantage / (8 * 6).
  EXPECT_NEAR(leaf.advantage / (8 * 2), 0.75 / (8 * 6), 1e-12);
  EXPECT_NEAR(segment.advantage / (8 * 4), 4 * -0.125 / (8 * 6), 1e-12);
  EXPECT_THROW(algorithm("{name: spo_tree, probability_mask: 0.9, weighting: token}"),
               core::Error);
}

TEST(Options, OffPolicyCorrectionAndARatioExcludeEachOther) {
  EXPECT_EQ(algorithm("{name: srpo, off_policy: truncated}")->loss_rule().importance_cap,
            2);
  EXPECT_THROW(algorithm("{name: grpo, off_policy: truncated}"), core::Error);
  EXPECT_NO_THROW(algorithm("{name: grpo, clip: 0, off_policy: truncated}"));
}

TEST(Options, EveryAlgorithmRefusesAValidationTree) {
  records::RolloutTree tree = fresh_tree({1});
  tree.validation = true;
  for (const std::string& name : algorithm_names())
    EXPECT_THROW(algorithm("name: " + name)->learn(tree), core::Error) << name;
}

}  // namespace
}  // namespace srpo::rl
