#include "verify/math_benchmark.h"

#include <gtest/gtest.h>

namespace srpo::verify {
namespace {

TEST(MathBenchmark, CountsTimesAndErrors) {
  const std::vector<AnswerPair> pairs = {{"1/2", "0.5", true},
                                         {"1/2", "0.6", true},   // a wrong label
                                         {"1/2", "0.5", false},  // another
                                         {"5", "9^{9^{9^9}}", false}};
  const VerificationSpeed speed = measure_verification(pairs, {}, 2);
  EXPECT_EQ(speed.num_pairs, 4U);
  EXPECT_EQ(speed.num_false_wrong, 1U);
  EXPECT_EQ(speed.num_false_correct, 1U);
  EXPECT_EQ(speed.num_over_limit, 1U);
  EXPECT_GT(speed.checks_per_second, 0);
  EXPECT_LE(speed.p50_us, speed.p99_us);
  EXPECT_LE(speed.p99_us, speed.longest_us);
}

}  // namespace
}  // namespace srpo::verify
