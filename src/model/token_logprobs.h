// Log-probabilities of given tokens, and their gradients, without ever holding the logits
// of all rows.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace srpo::model {

/// Rows of normalised hidden states and the tokens they should predict.
struct HeadInput {
  const float* hidden = nullptr;  ///< [rows, hidden_size]
  const float* weight = nullptr;  ///< [vocab_size, hidden_size]
  std::span<const int64_t> targets;
  int64_t hidden_size = 0;
  int64_t vocab_size = 0;
  double temperature = 1;     ///< logits are divided by it before log-softmax
  int64_t chunk_rows = 2048;  ///< rows whose logits are held at a time

  int64_t num_rows() const { return static_cast<int64_t>(targets.size()); }
};

struct HeadGradients {
  float* hidden = nullptr;  ///< [rows, hidden_size], written
  float* weight = nullptr;  ///< [vocab_size, hidden_size], added to; null: not computed
};

/// Given log-probabilities of rows first .. first+n-1, writes dLoss/dlogp of each.
using LogprobGradient = std::function<void(int64_t first, std::span<const float> logprobs,
                                           std::span<float> gradients)>;

/// Reuses its memory from call to call. Thread-compatible.
class TokenLogprobs {
 public:
  /// log p(target) of each row. Throws kBadInput for a target outside the vocabulary.
  std::vector<float> forward(const HeadInput& input);

  /// The same, and the gradients of the loss that `loss` describes, chunk by chunk.
  std::vector<float> forward_backward(const HeadInput& input, const LogprobGradient& loss,
                                      const HeadGradients& gradients);

  /// Memory that is kept from call to call.
  int64_t held_bytes() const {
    return static_cast<int64_t>((logits_.capacity() + sums_.capacity()) * sizeof(float));
  }

 private:
  /// logits of a chunk -> exp(logit / temperature - largest); returns log p of the
  /// targets.
  void exponentials(const HeadInput& input, int64_t first, int64_t rows, float* logprobs);

  std::vector<float> logits_;
  std::vector<float> sums_;
};

}  // namespace srpo::model
