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

TEST(Moments, MergeAsIfAddedInOne) {
  Moments all;
  Moments first;
  Moments second;
  for (int i = 0; i < 10; ++i) {
    all.add(i * i);
    (i < 3 ? first : second).add(i * i);
  }
  first.merge(second);
  first.merge(Moments());
  EXPECT_NEAR(*first.mean(), 28.5, 1e-12);
  EXPECT_NEAR(*first.deviation(), *all.deviation(), 1e-12);
  EXPECT_NEAR(first.interval()->low, all.interval()->low, 1e-12);
  EXPECT_EQ(Moments().mean(), std::nullopt);
  EXPECT_EQ(Moments().interval(), std::nullopt);
}

TEST(Moments, GiveTheIntervalOfAMean) {
  Moments moments;
  for (const double value : {1.0, 2.0, 3.0, 4.0}) moments.add(value);
  // Standard error sqrt(5/3 / 4).
  EXPECT_NEAR(moments.interval()->high, 2.5 + 1.959964 * 0.6454972, 1e-6);
}

TEST(Correlation, IsPearsons) {
  Correlation correlation;
  const double x[] = {1, 2, 3, 4, 5};
  const double y[] = {2, 1, 4, 3, 5};
  for (int i = 0; i < 5; ++i) correlation.add(x[i], y[i]);
  EXPECT_NEAR(*correlation.value(), 0.8, 1e-12);
  Correlation flat;
  flat.add(1, 1);
  flat.add(2, 1);
  EXPECT_EQ(flat.value(), std::nullopt);
}

TEST(Histogram, PutsTheUpperEndIntoTheLastBin) {
  Histogram histogram(0, 1, 20);
  for (const double value : {0.0, 0.05, 0.5, 0.15, 1.0, 7.0, -3.0}) histogram.add(value);
  EXPECT_EQ(histogram.count(0), 2U);
  EXPECT_EQ(histogram.count(1), 1U);
  EXPECT_EQ(histogram.count(3), 1U);  // 0.15 is not below its own edge by rounding
  EXPECT_EQ(histogram.count(10), 1U);
  EXPECT_EQ(histogram.count(19), 2U);
  EXPECT_EQ(histogram.total(), 7U);
  EXPECT_EQ(histogram.edge(20), 1);
  EXPECT_EQ(histogram.bin_of(std::nan("")), 0U);
}

TEST(Mcnemar, IsTheExactTwoSidedBinomialTest) {
  EXPECT_EQ(mcnemar_p(0, 0), 1);
  EXPECT_EQ(mcnemar_p(5, 5), 1);
  EXPECT_NEAR(mcnemar_p(0, 5), 0.0625, 1e-12);
  EXPECT_NEAR(mcnemar_p(10, 2), 0.03857421875, 1e-10);
  EXPECT_GT(mcnemar_p(1000, 1001), 0.9);
  EXPECT_GE(mcnemar_p(0, 5000), 0);
}

}  // namespace
}  // namespace srpo::analysis
