#include "analysis/statistics.h"

#include <cmath>

#include <gtest/gtest.h>

namespace srpo::analysis {
namespace {

TEST(WilsonInterval, MatchesPublishedValues) {
  // R: binom::binom.wilson(x, n)
  const Interval half = wilson_interval(5, 10);
  EXPECT_NEAR(half.low, 0.2365931, 1e-6);
  EXPECT_NEAR(half.high, 0.7634069, 1e-6);
  const Interval rare = wilson_interval(1, 29);
  EXPECT_NEAR(rare.low, 0.0061, 5e-5);
  EXPECT_NEAR(rare.high, 0.1718, 5e-5);
}

TEST(WilsonInterval, StaysWithinZeroAndOne) {
  EXPECT_EQ(wilson_interval(0, 10).low, 0);
  EXPECT_NEAR(wilson_interval(0, 10).high, 0.2775328, 1e-6);
  EXPECT_NEAR(wilson_interval(10, 10).low, 0.7224672, 1e-6);
  EXPECT_EQ(wilson_interval(10, 10).high, 1);
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

TEST(GroupAdvantages, FollowTheMethodsValues) {
  const double root3 = std::sqrt(3.0);
  const std::vector<double> one_of_four = group_advantages({0, 1, 0, 0});
  EXPECT_NEAR(one_of_four[1], root3, 1e-12);
  EXPECT_NEAR(one_of_four[0], -1 / root3, 1e-12);
  const std::vector<double> two_of_four = group_advantages({1, 1, 0, 0});
  EXPECT_NEAR(two_of_four[0], 1, 1e-12);
  EXPECT_NEAR(two_of_four[3], -1, 1e-12);
}

TEST(GroupAdvantages, AreZeroWithoutVariance) {
  EXPECT_EQ(group_advantages({1, 1, 1, 1}), std::vector<double>(4, 0));
  EXPECT_EQ(group_advantages({0.5, 0.5 + 1e-9}), std::vector<double>(2, 0));
  EXPECT_TRUE(group_advantages({}).empty());
  EXPECT_EQ(group_advantages({1}), std::vector<double>{0});
}

TEST(MeanAndProportion, HaveNoValueWithoutData) {
  EXPECT_EQ(Mean().value(), std::nullopt);
  EXPECT_EQ(Proportion().share(), std::nullopt);
  EXPECT_EQ(mean({}), std::nullopt);
  EXPECT_EQ(population_deviation({}), 0);
  Mean a;
  a.add(1);
  Mean b;
  b.add(4);
  a.merge(b);
  EXPECT_EQ(a.value(), 2.5);
}

}  // namespace
}  // namespace srpo::analysis
