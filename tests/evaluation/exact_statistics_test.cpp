#include "evaluation/exact_statistics.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/error.h"
#include "evaluation/task_score.h"

namespace srpo::evaluation {
namespace {

double choose(int n, int k) {
  return std::round(
      std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0)));
}

TEST(PassAtK, IsTheShareOfSubsetsThatHaveARightSample) {
  EXPECT_NEAR(pass_at_k(10, 3, 5), 1 - 21.0 / 252, 1e-12);
  EXPECT_NEAR(pass_at_k(4, 3, 1), 0.75, 1e-12);
  EXPECT_EQ(pass_at_k(4, 0, 4), 0);
  EXPECT_EQ(pass_at_k(4, 1, 4), 1);
  for (int n = 1; n <= 12; ++n) {
    for (int c = 0; c <= n; ++c) {
      for (int k = 1; k <= n; ++k) {
        const double wrong = n - c < k ? 0 : choose(n - c, k) / choose(n, k);
        EXPECT_NEAR(pass_at_k(n, c, k), 1 - wrong, 1e-12);
      }
    }
  }
  EXPECT_THROW(pass_at_k(4, 1, 5), core::Error);
  EXPECT_THROW(pass_at_k(4, 1, 0), core::Error);
}

TEST(StudentT, EqualsScipysQuantiles) {
  EXPECT_NEAR(student_t_975(1), 12.706204736174694, 1e-8);
  EXPECT_NEAR(student_t_975(2), 4.302652729749462, 1e-9);
  EXPECT_NEAR(student_t_975(4), 2.7764451051977934, 1e-9);
  EXPECT_NEAR(student_t_975(9), 2.262157162798205, 1e-9);
  EXPECT_NEAR(student_t_975(30), 2.0422724563012373, 1e-9);
}

TEST(MeanOverSeeds, HasScipysInterval) {
  const SeedMean three = mean_over_seeds({0.6, 0.55, 0.62});
  EXPECT_NEAR(three.mean.value, 0.59, 1e-12);
  EXPECT_NEAR(three.deviation, 0.036055512754639885, 1e-12);
  EXPECT_NEAR(three.mean.low, 0.5004331, 1e-6);
  EXPECT_NEAR(three.mean.high, 0.6795669, 1e-6);
  EXPECT_FALSE(mean_over_seeds({0.5}).has_interval);
}

TEST(McNemarTest, EqualsScipysBinomialTestAndChiSquare) {
  const McNemar test = mcnemar(3, 12);
  EXPECT_NEAR(test.exact_p, 0.03515625, 1e-10);
  EXPECT_NEAR(test.chi_square, 64.0 / 15, 1e-12);
  EXPECT_NEAR(test.chi_square_p, 0.0388671, 1e-6);
  EXPECT_NEAR(mcnemar(10, 12).exact_p, 0.8318119, 1e-6);
  EXPECT_NEAR(mcnemar(6, 0).exact_p, 0.03125, 1e-12);
  EXPECT_EQ(mcnemar(0, 0).exact_p, 1);
  EXPECT_EQ(mcnemar(5, 5).exact_p, 1);
}

TEST(Bootstrap, IntervalOfCoinsIsThatOfTheNormalApproximation) {
  std::vector<double> values(400, 0);
  for (size_t i = 0; i < 100; ++i) values[i] = 1;
  const Estimate estimate = *bootstrap_mean(values, 4000, 5);
  const double reach = 1.96 * std::sqrt(0.25 * 0.75 / 400);
  EXPECT_DOUBLE_EQ(estimate.value, 0.25);
  EXPECT_NEAR(estimate.low, 0.25 - reach, 0.005);
  EXPECT_NEAR(estimate.high, 0.25 + reach, 0.005);
  EXPECT_EQ(*bootstrap_mean(values, 200, 5), *bootstrap_mean(values, 200, 5));
  EXPECT_FALSE(bootstrap_mean({}, 100, 1).has_value());
}

TEST(Majority, CountsAnswersAndPrefersTheEarliestAmongEquals) {
  EXPECT_EQ(majority({"7", "8", "8", "7", "8"}), 1u);
  EXPECT_EQ(majority({"9", "7", "7", "9"}), 0u);
  EXPECT_EQ(majority({"", "", "3"}), 2u);
  EXPECT_FALSE(majority({"", ""}).has_value());
}

TEST(MajorityAtK, JudgesBlocksOfK) {
  const std::vector<std::string> answers = {"7", "8", "7", "8", "8", "7", "7"};
  const std::vector<bool> right = {true, false, true, false, false, true, true};
  EXPECT_DOUBLE_EQ(majority_at_k(answers, right, 3), 0.5);  // 787 right, 887 wrong
  EXPECT_DOUBLE_EQ(majority_at_k(answers, right, 1), 4.0 / 7);
}

}  // namespace
}  // namespace srpo::evaluation
