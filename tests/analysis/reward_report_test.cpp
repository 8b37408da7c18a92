#include "analysis/reward_report.h"

#include <gtest/gtest.h>

#include "analysis/hand_made_trees.h"

namespace srpo::analysis {
namespace {

TEST(RewardReport, AddsUpByUseStepKindAndSource) {
  RewardReport report;
  report.add(test::reset_tree(0, 0));
  report.add(test::reset_tree(1, 1, {1, 1, 1, 1}));
  report.add(test::validation_tree(1, 0, true));
  EXPECT_EQ(report.total.base.value(), 0.5);
  EXPECT_EQ(report.total.suffix.value(), 7.0 / 8);
  EXPECT_EQ(report.total.seed.value(), 0);
  EXPECT_EQ(report.total.surplus.value(), 1);
  EXPECT_EQ(report.total.validation.value(), 1);
  EXPECT_EQ(report.total.correct.share(), 11.0 / 16);
  EXPECT_EQ(report.steps.at(0).suffix.value(), 0.75);
  EXPECT_EQ(report.kinds.at("math").base.count(), 8U);
  EXPECT_EQ(report.sources.at("hand").base.count(), 8U);
  EXPECT_EQ(report.sources.at("held").validation.count(), 1U);
  EXPECT_EQ(report.base_rewards[0], 4U);
  EXPECT_EQ(report.suffix_rewards[11], 7U);
}

TEST(RewardReport, TellsProblemsThatAreAllRightAllWrongOrMixed) {
  RewardReport report;
  records::RolloutTree right;
  records::RolloutTree wrong;
  for (int i = 0; i < 4; ++i) {
    right.fresh.push_back(test::plain_chain(records::Use::kBase, 1, 5));
    wrong.fresh.push_back(test::plain_chain(records::Use::kBase, 0, 5));
  }
  report.add(right);
  report.add(wrong);
  report.add(test::reset_tree(0, 2));
  report.add(test::reset_tree(0, 3));
  EXPECT_EQ(report.total.all_right.share(), 0.25);
  EXPECT_EQ(report.total.all_wrong.share(), 0.25);
  EXPECT_EQ(report.total.all_right.total, 4U);
}

TEST(RewardReport, PutsGradedRewardsIntoTenths) {
  RewardReport report;
  records::RolloutTree tree;
  for (const double reward : {0.05, 0.1, 0.11, 0.95, 1.0})
    tree.fresh.push_back(test::plain_chain(records::Use::kBase, reward, 5));
  report.add(tree);
  EXPECT_EQ(report.base_rewards[1], 2U);
  EXPECT_EQ(report.base_rewards[2], 1U);
  EXPECT_EQ(report.base_rewards[10], 1U);
  EXPECT_EQ(report.base_rewards[11], 1U);
}

TEST(RewardReport, KeepsToSoManySourcesHoweverManyThereAre) {
  RewardReport report;
  for (int i = 0; i < 1000; ++i) {
    records::RolloutTree tree = test::reset_tree(0, 0);
    tree.problem.id = std::to_string(i) + "/1";
    report.add(tree);
  }
  EXPECT_LE(report.sources.size(), 257U);
  EXPECT_EQ(report.sources.at("(others)").base.count(), (1000U - 256U) * 4);
}

TEST(SourceOf, IsWhatTheIdBeginsWith) {
  EXPECT_EQ(source_of("arithmetic/7/train/level3/120"), "arithmetic/7/train/level3");
  EXPECT_EQ(source_of("gsm8k.jsonl:12"), "gsm8k.jsonl");
  EXPECT_EQ(source_of("plain"), "plain");
  EXPECT_EQ(source_of(":1"), ":1");
}

}  // namespace
}  // namespace srpo::analysis
