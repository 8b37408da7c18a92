#include "rl/policy_loss.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

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
RowLoss ratio_loss(const LossRule& rule, double coefficient, double log_ratio) {
  const double clamped = std::clamp(log_ratio, -kLargestLogRatio, kLargestLogRatio);
  const double ratio = std::exp(clamped);
  const double high = rule.clip_high > 0 ? rule.clip_high : rule.clip;
  const double low = rule.clip > 0 ? rule.clip : rule.clip_high;
  RowLoss row;
  row.loss = -coefficient * ratio;
  if (high > 0) {
    const double clipped_ratio = std::clamp(ratio, 1 - low, 1 + high);
    row.clipped = -coefficient * clipped_ratio > row.loss;
    if (row.clipped) row.loss = -coefficient * clipped_ratio;
  }
  if (rule.dual_clip > 0 && coefficient < 0 && row.loss > -coefficient * rule.dual_clip) {
    row.loss = -coefficient * rule.dual_clip;
    row.clipped = true;
  }
  if (!row.clipped && clamped == log_ratio) row.gradient = -coefficient * ratio;
  return row;
}

/// A p / (p + shape): small where the policy already says it, or would never.
RowLoss shaped_loss(double coefficient, double logp, double shape) {
  const double p = std::exp(logp);
  const double sum = p + shape;
  return {-coefficient * p / sum, -coefficient * p * shape / (sum * sum), false};
}

RowLoss plain_loss(const LossRule& rule, double coefficient, double logp,
                   double sampled) {
  double weight = 1;
  if (rule.importance_cap > 0 && !std::isnan(sampled)) {
    const double log_ratio =
        std::clamp(logp - sampled, -kLargestLogRatio, kLargestLogRatio);
    weight = std::min(std::exp(log_ratio), rule.importance_cap);
  }
  return {-coefficient * weight * logp, -coefficient * weight, false};
}

/// Divergence of one row and its derivative.
std::pair<double, double> divergence(LossRule::Divergence kind, double logp,
                                     double reference) {
  const double d = reference - logp;
  if (kind == LossRule::Divergence::kSquared) return {d * d / 2, -d};
  const double clamped = std::clamp(d, -kLargestLogRatio, kLargestLogRatio);
  const double ratio = std::exp(clamped);
  return {ratio - clamped - 1, clamped == d ? 1 - ratio : 0};
}

/// Mean log-ratio of the rows' sequences, one for each row.
template <class Real>
std::vector<double> sequence_log_ratios(std::span<const Real> logp,
                                        const LossRows& rows) {
  ENSURE(rows.sequences.size() == logp.size(),
         "a ratio of sequences needs the sequence of each row");
  std::vector<double> ratios(logp.size());
  for (size_t begin = 0; begin < logp.size();) {
    size_t end = begin;
    double sum = 0;
    for (; end < logp.size() && rows.sequences[end] == rows.sequences[begin]; ++end)
      sum += static_cast<double>(logp[end]) - rows.sampled[end];
    const double mean = sum / static_cast<double>(end - begin);
    for (; begin < end; ++begin) ratios[begin] = mean;
  }
  return ratios;
}

template <class Real>
PolicyLossSums compute(const LossRule& rule, std::span<const Real> logp,
                       const LossRows& rows, std::span<Real> dloss_dlogp) {
  ENSURE(rows.coefficients.size() == logp.size() && rows.sampled.size() == logp.size() &&
             dloss_dlogp.size() == logp.size() &&
             rows.kl_coefficients.size() == rows.reference.size() &&
             (rows.reference.empty() || rows.reference.size() == logp.size()),
         "spans of different lengths");
  std::vector<double> of_sequence;
  if (rule.sequence_ratio) of_sequence = sequence_log_ratios(logp, rows);
  PolicyLossSums sums;
  for (size_t i = 0; i < logp.size(); ++i) {
    const auto now = static_cast<double>(logp[i]);
    const double sampled = rows.sampled[i];
    const double coefficient = rows.coefficients[i];
    const bool known = !std::isnan(sampled);
    RowLoss row;
    if (!known && rule.shape > 0) {
      row = shaped_loss(coefficient, now, rule.shape);
    } else if (rule.has_ratio() && (known || !rule.unknown_is_on_policy)) {
      REQUIRE(
          known, kBadInput,
          "row " << i << " has no sampled log-probability, which a clipped loss needs");
      row = ratio_loss(rule, coefficient,
                       rule.sequence_ratio ? of_sequence[i] : now - sampled);
    } else {
      row = plain_loss(rule, coefficient, now, sampled);
    }
    if (!rows.reference.empty()) {
      const auto [kl, slope] = divergence(rule.divergence, now, rows.reference[i]);
      row.loss += rows.kl_coefficients[i] * kl;
      row.gradient += rows.kl_coefficients[i] * slope;
      sums.divergence += kl;
      sums.reference_rows += 1;
    }
    dloss_dlogp[i] = static_cast<Real>(row.gradient);
    sums.loss += row.loss;
    sums.logp += now;
    sums.rows += 1;
    sums.clipped_rows += row.clipped ? 1 : 0;
    if (known) {
      const double gap = std::abs(now - sampled);
      sums.logprob_gap += gap;
      sums.max_logprob_gap = std::max(sums.max_logprob_gap, gap);
      sums.compared_rows += 1;
    }
  }
  return sums;
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
  divergence += other.divergence;
  reference_rows += other.reference_rows;
}

void PolicyLossSums::keep_gap_of(const PolicyLossSums& other) {
  logprob_gap = other.logprob_gap;
  max_logprob_gap = other.max_logprob_gap;
  compared_rows = other.compared_rows;
}

PolicyLossSums compute_policy_loss(const LossRule& rule, std::span<const float> logp,
                                   const LossRows& rows, std::span<float> dloss_dlogp) {
  return compute(rule, logp, rows, dloss_dlogp);
}

PolicyLossSums compute_policy_loss(const LossRule& rule, std::span<const double> logp,
                                   const LossRows& rows, std::span<double> dloss_dlogp) {
  return compute(rule, logp, rows, dloss_dlogp);
}

PolicyLossSums compute_policy_loss(const LossRule& rule, std::span<const float> logp,
                                   std::span<const float> coefficients,
                                   std::span<const float> sampled,
                                   std::span<float> dloss_dlogp) {
  return compute(rule, logp, LossRows{coefficients, sampled, {}, {}, {}}, dloss_dlogp);
}

}  // namespace srpo::rl
