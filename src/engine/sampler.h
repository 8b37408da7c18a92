// From logits to a token: temperature, top-k, top-p, and a draw that depends on nothing
// but its key.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "records/generation_request.h"

namespace srpo::engine {

struct SampledToken {
  int32_t token = 0;
  float logprob = 0;  ///< log-softmax(logits / temperature)[token] over the whole
                      ///< vocabulary; temperature 1 for greedy
};

/// Keeps buffers between calls. One thread only.
class Sampler {
 public:
  /// Top-k and then top-p (the fewest most likely tokens whose mass reaches it; of equal
  /// ones the lowest ids), then the inverse of the cumulative distribution in id order at
  /// `draw` in [0, 1). Temperature 0: the greatest logit, ties to the lowest id. Throws
  /// kBadInput when the logits are not finite.
  SampledToken sample(std::span<const float> logits, const records::Sampling& sampling,
                      double draw);

  /// log-softmax(logits)[token].
  float logprob(std::span<const float> logits, int32_t token);

 private:
  void set_probabilities(std::span<const float> logits, double temperature);
  float logprob_of(std::span<const float> logits, int32_t token,
                   double temperature) const;
  void keep_likely(const records::Sampling& sampling);
  int32_t pick(double draw) const;
  int32_t pick_of_kept(double draw) const;

  std::vector<float> weights_;  ///< exp((logit - greatest) / temperature)
  std::vector<double> sums_;    ///< of chunks of weights_
  double total_ = 0;
  float greatest_ = 0;
  std::vector<int32_t> kept_;  ///< ids in ascending order after truncation
};

/// Throws kBadInput unless temperature >= 0, 0 < top_p <= 1 and top_k >= 0.
void check_sampling(const records::Sampling& sampling);

}  // namespace srpo::engine
