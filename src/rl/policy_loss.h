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

  void add(const PolicyLossSums& other);
  /// Takes over what `other` says of the distance to the sampled log-probabilities.
  void keep_gap_of(const PolicyLossSums& other);
};

/// The loss of rows with log-probabilities `logp` under the current policy (method §4.2,
/// §4.3). `coefficients` are advantage times weight, `sampled` the log-probabilities at
/// sampling (NaN: not known). Writes dLoss/dlogp. All spans have one length. Throws
/// kBadInput when the rule clips a ratio whose denominator is not known.
PolicyLossSums compute_policy_loss(const LossRule& rule, std::span<const float> logp,
                                   std::span<const float> coefficients,
                                   std::span<const float> sampled,
                                   std::span<float> dloss_dlogp);

}  // namespace srpo::rl
