#include "rl/policy_loss.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::rl {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

struct OneRow {
  PolicyLossSums sums;
  float gradient;
};

OneRow one_row(const LossRule& rule, float logp, float coefficient, float sampled) {
  float gradient = 99;
  const auto sums = compute_policy_loss(rule, {&logp, 1}, {&coefficient, 1},
                                        {&sampled, 1}, {&gradient, 1});
  return {sums, gradient};
}

TEST(PolicyLoss, WithoutClipIsTheWeightedLogProbability) {
  const OneRow row = one_row({}, -2.0F, 0.25F, kUnknown);
  EXPECT_DOUBLE_EQ(row.sums.loss, 0.5);
  EXPECT_FLOAT_EQ(row.gradient, -0.25F);
  EXPECT_EQ(row.sums.compared_rows, 0);
}

TEST(PolicyLoss, ClipCutsTheGradientOnlyWhereItHelpsTheObjective) {
  LossRule rule;
  rule.clip = 0.2;
  const float up = std::log(1.5F);
  const float down = std::log(0.5F);
  // A positive advantage is cut above 1 + clip, not below 1 - clip; a negative one the
  // other way round.
  EXPECT_FLOAT_EQ(one_row(rule, up, 1, 0).gradient, 0);
  EXPECT_NEAR(one_row(rule, up, 1, 0).sums.loss, -1.2, 1e-6);
  EXPECT_NEAR(one_row(rule, down, 1, 0).gradient, -0.5, 1e-6);
  EXPECT_FLOAT_EQ(one_row(rule, down, -1, 0).gradient, 0);
  EXPECT_NEAR(one_row(rule, down, -1, 0).sums.loss, 0.8, 1e-6);
  EXPECT_NEAR(one_row(rule, up, -1, 0).gradient, 1.5, 1e-6);
  EXPECT_EQ(one_row(rule, up, 1, 0).sums.clipped_rows, 1);
}

TEST(PolicyLoss, DualClipBoundsANegativeAdvantage) {
  LossRule rule;
  rule.clip = 0.2;
  rule.dual_clip = 3;
  const OneRow far = one_row(rule, std::log(5.0F), -2, 0);
  EXPECT_NEAR(far.sums.loss, 6, 1e-6);
  EXPECT_FLOAT_EQ(far.gradient, 0);
  EXPECT_NEAR(one_row(rule, std::log(2.0F), -2, 0).gradient, 4, 1e-5);
}

TEST(PolicyLoss, ClipsHigherAboveThanBelow) {
  LossRule rule;
  rule.clip = 0.2;
  rule.clip_high = 0.4;
  EXPECT_NEAR(one_row(rule, std::log(1.3F), 1, 0).gradient, -1.3, 1e-6);
  EXPECT_FLOAT_EQ(one_row(rule, std::log(1.5F), 1, 0).gradient, 0);
  EXPECT_FLOAT_EQ(one_row(rule, std::log(0.7F), -1, 0).gradient, 0);
}

TEST(PolicyLoss, TakesARatioWithoutAClip) {
  LossRule rule;
  rule.bare_ratio = true;
  EXPECT_NEAR(one_row(rule, std::log(5.0F), 1, 0).gradient, -5, 1e-5);
}

TEST(PolicyLoss, TruncatesTheCorrectionForOldWeights) {
  LossRule rule;
  rule.importance_cap = 2;
  EXPECT_NEAR(one_row(rule, std::log(0.5F), 1, 0).gradient, -0.5, 1e-6);
  EXPECT_NEAR(one_row(rule, std::log(8.0F), 1, 0).gradient, -2, 1e-6);
  EXPECT_EQ(one_row(rule, -1, 1, kUnknown).gradient, -1) << "nothing to correct by";
}

TEST(PolicyLoss, ShapesRowsThatTheModelDidNotSay) {
  LossRule rule;
  rule.bare_ratio = true;
  rule.shape = 0.1;
  const OneRow row = one_row(rule, std::log(0.1F), 1, kUnknown);
  EXPECT_NEAR(row.sums.loss, -0.5, 1e-6);
  EXPECT_NEAR(row.gradient, -0.1 * 0.1 / 0.04, 1e-6);
}

TEST(PolicyLoss, TakesOneRatioForAllRowsOfASequence) {
  LossRule rule;
  rule.clip = 0.1;
  rule.sequence_ratio = true;
  // Means of log-ratios: log(1.05) for the first sequence, log(1.5) for the second.
  const float logp[] = {std::log(1.05F) + 0.3F, std::log(1.05F) - 0.3F, std::log(1.5F)};
  const float coefficients[] = {1, 1, 1};
  const float sampled[] = {0, 0, 0};
  const int32_t sequences[] = {0, 0, 1};
  float gradient[3];
  const auto sums = compute_policy_loss(
      rule, logp, LossRows{coefficients, sampled, sequences, {}, {}}, gradient);
  EXPECT_NEAR(gradient[0], -1.05, 1e-5);
  EXPECT_NEAR(gradient[1], -1.05, 1e-5);
  EXPECT_EQ(gradient[2], 0);
  EXPECT_EQ(sums.clipped_rows, 1);
}

TEST(PolicyLoss, AddsTheDivergenceFromTheReferenceModel) {
  LossRule rule;
  const float logp = -1;
  const float coefficient = 0;
  const float sampled = -1;
  const float kl = 0.5;
  const float reference = -1 + std::log(2.0F);
  float gradient = 0;
  const LossRows rows{{&coefficient, 1}, {&sampled, 1}, {}, {&kl, 1}, {&reference, 1}};
  auto sums =
      compute_policy_loss(rule, std::span(&logp, 1), rows, std::span(&gradient, 1));
  EXPECT_NEAR(sums.loss, 0.5 * (2 - std::log(2.0) - 1), 1e-6);
  EXPECT_NEAR(gradient, 0.5 * (1 - 2), 1e-6);
  EXPECT_EQ(sums.reference_rows, 1);
  rule.divergence = LossRule::Divergence::kSquared;
  sums = compute_policy_loss(rule, std::span(&logp, 1), rows, std::span(&gradient, 1));
  EXPECT_NEAR(sums.loss, 0.25 * std::log(2.0) * std::log(2.0), 1e-6);
  EXPECT_NEAR(gradient, -0.5 * std::log(2.0), 1e-6);
}

TEST(PolicyLoss, ClampsTheLogRatio) {
  LossRule rule;
  rule.clip = 0.2;
  const OneRow row = one_row(rule, 30, -1, 0);
  EXPECT_NEAR(row.sums.loss, std::exp(20.0), 1);
  EXPECT_FLOAT_EQ(row.gradient, 0);
}

TEST(PolicyLoss, GradientAgreesWithFiniteDifferences) {
  LossRule rule;
  rule.clip = 0.2;
  rule.dual_clip = 3;
  for (const float coefficient : {-0.7F, 0.3F}) {
    for (const float logp : {-2.0F, -1.1F, -0.9F, -0.5F, 0.4F}) {
      const double step = 1e-3;
      const double above = one_row(rule, logp + 1e-3F, coefficient, -1).sums.loss;
      const double below = one_row(rule, logp - 1e-3F, coefficient, -1).sums.loss;
      EXPECT_NEAR(one_row(rule, logp, coefficient, -1).gradient,
                  (above - below) / (2 * step), 1e-3);
    }
  }
}

TEST(PolicyLoss, MeasuresTheGapToTheSampledLogProbability) {
  const std::vector<float> logp{-1, -2, -3};
  const std::vector<float> coefficients{1, 1, 1};
  const std::vector<float> sampled{-1.5F, kUnknown, -2.75F};
  std::vector<float> gradient(3);
  const auto sums = compute_policy_loss({}, logp, coefficients, sampled, gradient);
  EXPECT_EQ(sums.compared_rows, 2);
  EXPECT_NEAR(sums.logprob_gap, 0.75, 1e-6);
  EXPECT_NEAR(sums.max_logprob_gap, 0.5, 1e-6);
  EXPECT_NEAR(sums.logp, -6, 1e-6);
}

TEST(PolicyLoss, RefusesARatioWithoutDenominator) {
  LossRule rule;
  rule.clip = 0.2;
  EXPECT_THROW(one_row(rule, -1, 1, kUnknown), core::Error);
}

}  // namespace
}  // namespace srpo::rl
