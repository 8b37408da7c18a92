#include "ranks/step_report.h"

#include <gtest/gtest.h>

namespace srpo::ranks {
namespace {

records::Trajectory chain(records::Use use, double reward) {
  records::Trajectory trajectory;
  trajectory.use = use;
  trajectory.verdict.reward = reward;
  trajectory.decoded_tokens = 10;
  trajectory.prefilled_tokens = 2;
  return trajectory;
}

TEST(DrawStatistics, ComparesEndingsWithTheirBaseGroup) {
  records::RolloutTree tree;
  tree.fresh = {chain(records::Use::kSeed, 0), chain(records::Use::kBase, 1),
                chain(records::Use::kBase, 0)};
  tree.suffixes = {chain(records::Use::kSuffix, 1), chain(records::Use::kSuffix, 1)};
  tree.prefix_length = 5;
  for (records::Trajectory& suffix : tree.suffixes) suffix.prefix_length = 5;
  tree.localization.emplace();
  tree.localization->reply_tokens = 3;
  DrawStatistics sums;
  sums.add(tree);
  EXPECT_EQ(sums.trajectories, 5u);
  EXPECT_EQ(sums.resets, 1u);
  EXPECT_EQ(sums.decoded_tokens, 53u);
  EXPECT_EQ(sums.reset_prefill_tokens, 4u);
  EXPECT_EQ(sums.mean_base_reward(), 0.5);
  EXPECT_EQ(sums.mean_suffix_reward(), 1.0);
  EXPECT_EQ(sums.mean_reset_gain(), 0.5);
  DrawStatistics twice = sums;
  twice.merge(sums);
  EXPECT_EQ(twice.decoded_tokens, 106u);
  EXPECT_EQ(twice.mean_reset_gain(), 0.5);
}

TEST(DrawStatistics, CountsEveryResetAndComparesOnlyWithABaseGroup) {
  records::RolloutTree tree;  // split 2x4
  tree.fresh = {chain(records::Use::kSeed, 0), chain(records::Use::kSeed, 0)};
  tree.suffixes = {chain(records::Use::kSuffix, 1), chain(records::Use::kSuffix, 0)};
  tree.localization.emplace().reply_tokens = 3;
  tree.further.emplace_back().reply_tokens = 4;
  DrawStatistics sums;
  sums.add(tree);
  EXPECT_EQ(sums.resets, 2u);
  EXPECT_EQ(sums.decoded_tokens, 47u);
  EXPECT_EQ(sums.mean_suffix_reward(), 0.5);
  EXPECT_EQ(sums.mean_reset_gain(), 0);
}

TEST(StageClock, AddsUpTheVisitsOfAStage) {
  StageClock clock;
  clock.enter("a");
  clock.enter("b");
  clock.enter("a");
  clock.enter("");
  ASSERT_EQ(clock.all().size(), 2u);
  EXPECT_EQ(clock.all()[0].first, "a");
  EXPECT_GE(clock.seconds("a"), 0);
  EXPECT_EQ(clock.seconds("c"), 0);
}

}  // namespace
}  // namespace srpo::ranks
