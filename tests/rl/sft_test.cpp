#include "rl/sft.h"

#include <gtest/gtest.h>

namespace srpo::rl {
namespace {

TEST(LearnDemonstration, GivesEveryTokenOfTheResponseEqualWeight) {
  const TrainingTree tree = learn_demonstration({1, 2}, {3, 4, 5});
  EXPECT_EQ(tree.prompt_tokens, (std::vector<int32_t>{1, 2}));
  ASSERT_EQ(tree.fresh.size(), 1U);
  EXPECT_EQ(tree.fresh[0].tokens, (std::vector<int32_t>{3, 4, 5}));
  EXPECT_EQ(tree.fresh[0].active_begin, 0U);
  EXPECT_EQ(tree.fresh[0].advantage, 1);
  EXPECT_TRUE(tree.fresh[0].sampled_logprobs.empty());
  EXPECT_EQ(tree.num_counted, 1U);
  EXPECT_EQ(tree.active_tokens_counted, 3U);
  EXPECT_EQ(demonstration_loss_rule().weighting, LossRule::Weighting::kToken);
  EXPECT_EQ(demonstration_loss_rule().temperature, 1);
  EXPECT_EQ(demonstration_loss_rule().clip, 0);
}

TEST(LearnDemonstration, CountsAnEmptyResponse) {
  const TrainingTree tree = learn_demonstration({1, 2}, {});
  EXPECT_TRUE(tree.fresh.empty());
  EXPECT_EQ(tree.num_counted, 1U);
}

}  // namespace
}  // namespace srpo::rl
