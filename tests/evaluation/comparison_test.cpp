#include "evaluation/comparison.h"

#include <gtest/gtest.h>

#include "made_samples.h"

namespace srpo::evaluation {
namespace {

TEST(Comparison, PairsItemsByProblemAndTestsTheirFirstSamples) {
  std::vector<Sample> first;
  std::vector<Sample> second;
  for (uint32_t item = 0; item < 20; ++item) {
    first.push_back(made_sample({"t", item, 0, 0}, item < 5 ? "R" : "W"));
    second.push_back(made_sample({"t", item, 0, 0}, item >= 2 && item < 14 ? "R" : "W"));
  }
  second.push_back(made_sample({"other", 0, 0, 0}, "R"));
  const auto tasks = compare_samples(first, second, 500, 1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].items, 20u);
  EXPECT_DOUBLE_EQ(tasks[0].first, 0.25);
  EXPECT_DOUBLE_EQ(tasks[0].second, 0.6);
  EXPECT_NEAR(tasks[0].difference.value, 0.35, 1e-12);
  EXPECT_EQ(tasks[0].test.only_first, 2u);
  EXPECT_EQ(tasks[0].test.only_second, 9u);
  EXPECT_GT(tasks[0].difference.low, 0);
}

TEST(Comparison, TakesTheMeanOfSeveralSamplesAndTheLastAttemptOfEach) {
  const std::vector<Sample> first = {made_sample({"t", 0, 0, 1}, "R"),
                                     made_sample({"t", 0, 0, 0}, "W")};
  const std::vector<Sample> second = {made_sample({"t", 0, 0, 0}, "WR")};
  const auto tasks = compare_samples(first, second, 100, 1);
  EXPECT_DOUBLE_EQ(tasks[0].first, 0.5);
  EXPECT_DOUBLE_EQ(tasks[0].second, 1);
  EXPECT_EQ(tasks[0].test.only_second, 1u);  // the first sample of `first` is wrong
}

}  // namespace
}  // namespace srpo::evaluation
