#include "rl/advantages.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"

namespace srpo::rl {
namespace {

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i], 1e-6) << i;
}

struct Vector {
  std::vector<double> rewards;
  std::vector<double> srpo;
  std::vector<double> grpo;
};

const std::vector<Vector>& conformance_vectors() {
  static const std::vector<Vector> vectors = {
      {{1, 0, 1, 0}, {1, -1, 1, -1}, {.866024, -.866024, .866024, -.866024}},
      {{1, 0, 0, 0},
       {1.732051, -.577350, -.577350, -.577350},
       {1.499997, -.499999, -.499999, -.499999}},
      {{1, 1, 1, 0},
       {.577350, .577350, .577350, -1.732051},
       {.499999, .499999, .499999, -1.499997}},
      {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}},
      {{.5, 2.0 / 3, 0, 1},
       {-.115470, .346410, -1.501111, 1.270171},
       {-.1, .299999, -1.299997, 1.099997}},
      {{0, .5, 0, 0},
       {-.577350, 1.732051, -.577350, -.577350},
       {-.499998, 1.499994, -.499998, -.499998}},
      {{1, 0, 0, 0, 0, 0, 0, 0},
       {2.645751, -.377964, -.377964, -.377964, -.377964, -.377964, -.377964, -.377964},
       {2.474867, -.353552, -.353552, -.353552, -.353552, -.353552, -.353552, -.353552}},
  };
  return vectors;
}

TEST(SrpoAdvantages, ReproduceTheConformanceVectors) {
  for (const Vector& vector : conformance_vectors()) {
    expect_near(srpo_advantages(vector.rewards), vector.srpo);
  }
}

TEST(GrpoAdvantages, ReproduceTheConformanceVectors) {
  for (const Vector& vector : conformance_vectors()) {
    expect_near(grpo_advantages(vector.rewards), vector.grpo);
  }
}

TEST(SrpoAdvantages, HaveMeanZeroAndDeviationOne) {
  core::Rng rng(3, core::Purpose::kTest, 0);
  for (int round = 0; round < 1000; ++round) {
    std::vector<double> rewards(2 + rng.below(15));
    for (double& reward : rewards) reward = rng.uniform();
    double sum = 0;
    double squares = 0;
    for (const double advantage : srpo_advantages(rewards)) {
      sum += advantage;
      squares += advantage * advantage;
    }
    const auto count = static_cast<double>(rewards.size());
    EXPECT_NEAR(sum / count, 0, 1e-9);
    EXPECT_NEAR(squares / count, 1, 1e-9);
  }
}

TEST(SrpoAdvantages, AreExactlyZeroWithoutVariance) {
  // Sums of .1 and .7 round; no trace of that may be left.
  for (const double reward : {0.0, .1, .7, 1.0}) {
    for (const size_t count : {1, 3, 4, 8}) {
      const std::vector<double> rewards(count, reward);
      EXPECT_EQ(srpo_advantages(rewards), std::vector<double>(count, 0.0));
      EXPECT_EQ(grpo_advantages(rewards), std::vector<double>(count, 0.0));
    }
  }
  EXPECT_TRUE(srpo_advantages({}).empty());
  EXPECT_TRUE(grpo_advantages({}).empty());
}

TEST(SrpoAdvantages, AreHeldDownByAFloorUnderTheDeviation) {
  const std::vector<double> rewards = {.90909, .90909, .90909, .91667};
  EXPECT_NEAR(srpo_advantages(rewards)[3], 1.732051, 1e-5);
  EXPECT_NEAR(srpo_advantages(rewards, .05)[3], .75 * .00758 / .05, 1e-5);
  EXPECT_EQ(srpo_advantages({1, 0, 1, 0}, .05), srpo_advantages({1, 0, 1, 0}));
}

}  // namespace
}  // namespace srpo::rl
