#include "rl/policy_loss.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace srpo::rl {

namespace {

constexpr double kLargestLogRatio = 20;

struct RowLoss {
  double loss = 0;
  double gradient = 0;
  bool clipped = false;
};

/// PPO's clipped surrogate; `coefficient` has the sign of the advantage.
RowLoss clipped_loss(const LossRule& rule, double coefficient, double log_ratio) {
  const double clamped = std::clamp(log_ratio, -kLargestLogRatio, kLargestLogRatio);
  const double ratio = std::exp(clamped);
  const double clipped_ratio = std::clamp(ratio, 1 - rule.clip, 1 + rule.clip);
  RowLoss row;
  row.loss = -coefficient * ratio;
  row.clipped = -coefficient * clipped_ratio > row.loss;
  if (row.clipped) row.loss = -coefficient * clipped_ratio;
  if (rule.dual_clip > 0 && coefficient < 0 && row.loss > -coefficient * rule.dual_clip) {
    row.loss = -coefficient * rule.dual_clip;
    row.clipped = true;
  }
  if (!row.clipped && clamped == log_ratio) row.gradient = -coefficient * ratio;
  return row;
}

}  // namespace

void PolicyLossSums::add(const PolicyLossSums& other) {
  loss += other.loss;
  logp += other.logp;
  rows += other.rows;
  logprob_gap += other.logprob_gap;
  max_logprob_gap = std::max(max_logprob_gap, other.max_logprob_gap);
  compared_rows += other.compared_rows;
  clipped_rows += other.clipped_rows;
}

void PolicyLossSums::keep_gap_of(const PolicyLossSums& other) {
  logprob_gap = other.logprob_gap;
  max_logprob_gap = other.max_logprob_gap;
  compared_rows = other.compared_rows;
}

PolicyLossSums compute_policy_loss(const LossRule& rule, std::span<const float> logp,
                                   std::span<const float> coefficients,
                                   std::span<const float> sampled,
                                   std::span<float> dloss_dlogp) {
  ENSURE(coefficients.size() == logp.size() && sampled.size() == logp.size() &&
             dloss_dlogp.size() == logp.size(),
         "spans of different lengths");
  PolicyLossSums sums;
  for (size_t i = 0; i < logp.size(); ++i) {
    const double now = logp[i];
    const double coefficient = coefficients[i];
    const bool known = !std::isnan(sampled[i]);
    RowLoss row{-coefficient * now, -coefficient, false};
    if (rule.clip > 0) {
      REQUIRE(
          known, kBadInput,
          "row " << i << " has no sampled log-probability, which a clipped loss needs");
      row = clipped_loss(rule, coefficient, now - sampled[i]);
    }
    dloss_dlogp[i] = static_cast<float>(row.gradient);
    sums.loss += row.loss;
    sums.logp += now;
    sums.rows += 1;
    sums.clipped_rows += row.clipped ? 1 : 0;
    if (known) {
      const double gap = std::abs(now - sampled[i]);
      sums.logprob_gap += gap;
      sums.max_logprob_gap = std::max(sums.max_logprob_gap, gap);
      sums.compared_rows += 1;
    }
  }
  return sums;
}

}  // namespace srpo::rl
