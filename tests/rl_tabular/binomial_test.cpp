#include "rl/tabular/binomial.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace srpo::rl::tabular {
namespace {

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments_of(uint64_t count, double chance, uint64_t draws) {
  core::Rng rng(21, core::Purpose::kTest, count);
  Moments moments;
  for (uint64_t i = 0; i < draws; ++i) {
    const auto k = static_cast<double>(draw_binomial(count, chance, rng));
    moments.mean += k;
    moments.variance += k * k;
  }
  moments.mean /= static_cast<double>(draws);
  moments.variance =
      moments.variance / static_cast<double>(draws) - moments.mean * moments.mean;
  return moments;
}

TEST(Binomial, HasTheMeanAndTheVarianceForSmallAndLargeCounts) {
  constexpr uint64_t kDraws = 40000;
  for (const auto& [count, chance] :
       std::vector<std::pair<uint64_t, double>>{{5, 0.3},
                                                {40, 0.1},
                                                {40, 0.9},
                                                {100, 0.5},
                                                {1000, 0.75},
                                                {100000, 0.001},
                                                {1000000000, 0.5}}) {
    const double variance = static_cast<double>(count) * chance * (1 - chance);
    const Moments moments = moments_of(count, chance, kDraws);
    EXPECT_NEAR(moments.mean, static_cast<double>(count) * chance,
                5 * std::sqrt(variance / kDraws))
        << count << " " << chance;
    EXPECT_NEAR(moments.variance / variance, 1, 0.05) << count << " " << chance;
  }
}

TEST(Binomial, RejectionGivesEveryCountAsOftenAsItShould) {
  // 40 coins of 1/2: the mean is above 10, so this is the rejection. Chi-square over 13
  // to 27 and both tails has 16 degrees of freedom; 39.3 is its 99.9 % point.
  constexpr int kDraws = 100000;
  std::vector<double> seen(41);
  core::Rng rng(22, core::Purpose::kTest, 0);
  for (int i = 0; i < kDraws; ++i) seen[draw_binomial(40, 0.5, rng)] += 1;
  std::vector<double> expected(41);
  for (int k = 0; k <= 40; ++k) {
    expected[k] = kDraws * std::exp(std::lgamma(41.0) - std::lgamma(k + 1.0) -
                                    std::lgamma(41.0 - k) - 40 * std::log(2.0));
  }
  double chi_square = 0;
  double tail_seen[2] = {};
  double tail_expected[2] = {};
  for (int k = 0; k <= 40; ++k) {
    if (k < 13 || k > 27) {
      tail_seen[k > 27] += seen[k];
      tail_expected[k > 27] += expected[k];
    } else {
      chi_square += std::pow(seen[k] - expected[k], 2) / expected[k];
    }
  }
  for (int side = 0; side < 2; ++side) {
    chi_square +=
        std::pow(tail_seen[side] - tail_expected[side], 2) / tail_expected[side];
  }
  EXPECT_LT(chi_square, 39.3);
}

TEST(Binomial, IsCertainAtTheEnds) {
  core::Rng rng(23, core::Purpose::kTest, 0);
  EXPECT_EQ(draw_binomial(0, 0.5, rng), 0u);
  EXPECT_EQ(draw_binomial(12, 0, rng), 0u);
  EXPECT_EQ(draw_binomial(12, 1, rng), 12u);
}

}  // namespace
}  // namespace srpo::rl::tabular
