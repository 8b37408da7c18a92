// From logits to a token: penalties, temperature, truncation, and a draw that depends on
// nothing but its key.
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
  float truncated_logprob =
      0;  ///< under the distribution it was drawn from; 0 for greedy
};

/// What a chain consists of so far: penalties depend on it.
struct SeenTokens {
  std::span<const int32_t> prompt;
  std::span<const int32_t> response;
};

/// Keeps buffers between calls. One thread only.
class Sampler {
 public:
  /// Changes the logits as `sampling` says, cuts the distribution by min-p, top-k and
  /// top-p in this order (top-p: the fewest most likely tokens whose mass reaches it; of
  /// equal ones the lowest ids), then takes the inverse of the cumulative distribution in
  /// id order at `draw` in [0, 1). Temperature 0: the greatest logit, ties to the lowest
  /// id. Throws kBadInput when the logits are not finite.
  SampledToken sample(std::span<const float> logits, const records::Sampling& sampling,
                      double draw, const SeenTokens& seen = {});

  /// log-softmax(logits)[token].
  float logprob(std::span<const float> logits, int32_t token);

 private:
  void set_probabilities(std::span<const float> logits, double temperature);
  float logprob_of(std::span<const float> logits, int32_t token,
                   double temperature) const;
  void change_logits(std::span<const float> logits, const records::Sampling& sampling,
                     const SeenTokens& seen);
  SampledToken draw_token(const records::Sampling& sampling, double draw) const;
  void keep_likely(const records::Sampling& sampling);
  void gather_candidates(int32_t most, double top_p);
  void gather_from(float cutoff);
  void keep_mass(double wanted);
  /// Order of ids by falling weight, equal ones by rising id.
  auto likelier() const {
    return [this](int32_t a, int32_t b) {
      const float wa = weights_[static_cast<size_t>(a)];
      const float wb = weights_[static_cast<size_t>(b)];
      return wa != wb ? wa > wb : a < b;
    };
  }
  int32_t pick(double draw) const;
  int32_t pick_of_kept(double wanted) const;

  std::span<const float> logits_;  ///< those that are drawn from
  std::vector<float> weights_;     ///< exp((logit - greatest) / temperature)
  std::vector<double> sums_;       ///< of chunks of weights_
  double total_ = 0;
  float greatest_ = 0;
  std::vector<double> buckets_;  ///< mass by leading bits of the weight
  std::vector<int32_t> edge_;    ///< ids in the bucket where the wanted mass is reached
  std::vector<int32_t> kept_;    ///< ids in ascending order after truncation
  std::vector<float> changed_;   ///< logits after bias and penalties
  std::vector<int32_t> times_;   ///< by id: in the response; -1: in the prompt alone
};

/// Throws kBadInput by a sentence unless temperature >= 0, 0 < top_p <= 1, top_k >= 0, 0
/// <= min_p <= 1, repetition_penalty > 0, the other penalties are finite, and the biases
/// are finite, of tokens below `vocab_size` and at most one a token.
void check_sampling(const records::Sampling& sampling, int64_t vocab_size);

}  // namespace srpo::engine
