// Token log-probabilities to a loss and its gradient.
#pragma once

#include <cstdint>
#include <span>

#include "rl/training_tree.h"

namespace srpo::rl {

/// Sums over loss rows; those of several batches or ranks add up.
struct PolicyLossSums {
  double loss = 0;
  double logp = 0;
  int64_t rows = 0;
  double logprob_gap = 0;  ///< |logp - sampled logp|, over the rows where that is known
  double max_logprob_gap = 0;  ///< the largest one
  int64_t compared_rows = 0;   ///< rows whose sampled log-probability is known
  int64_t clipped_rows = 0;    ///< rows whose gradient the clip cut off
  double divergence = 0;  ///< from the reference model, over the rows where that is known
  int64_t reference_rows = 0;

  void add(const PolicyLossSums& other);
  /// Takes over what `other` says of the distance to the sampled log-probabilities.
  void keep_gap_of(const PolicyLossSums& other);
};

/// What the loss rows of a batch are given besides their log-probabilities. All spans
/// have one length but those that may be empty.
struct LossRows {
  std::span<const float> coefficients;  ///< advantage times weight
  std::span<const float> sampled;       ///< log-probabilities at sampling; NaN: not known
  std::span<const int32_t> sequences;   ///< rows of one sequence have one number and
                                        ///< stand together; empty: rule needs none
  std::span<const float> kl_coefficients;  ///< may be empty: no divergence
  std::span<const float> reference;        ///< log-probabilities of the reference model;
                                           ///< empty without kl_coefficients
};

/// The loss of rows with log-probabilities `logp` under the current policy (method §4.2,
/// §4.3, §5). Writes dLoss/dlogp. With sequence_ratio all rows of a sequence must be
/// among them. Throws kBadInput when the rule takes a ratio whose denominator is not
/// known, unless it says what to do then (`shape`).
PolicyLossSums compute_policy_loss(const LossRule& rule, std::span<const float> logp,
                                   const LossRows& rows, std::span<float> dloss_dlogp);

/// The same in double precision: what gradients are held against.
PolicyLossSums compute_policy_loss(const LossRule& rule, std::span<const double> logp,
                                   const LossRows& rows, std::span<double> dloss_dlogp);

/// Without sequences and divergence.
PolicyLossSums compute_policy_loss(const LossRule& rule, std::span<const float> logp,
                                   std::span<const float> coefficients,
                                   std::span<const float> sampled,
                                   std::span<float> dloss_dlogp);

}  // namespace srpo::rl
