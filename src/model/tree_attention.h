// Causal attention over a forest of segments: each token sees its own segment up to
// itself, and all of its ancestors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/token_forest.h"

namespace srpo::model {

/// Sizes and places of one layer's attention. Query head h uses key head h / (num_heads /
/// num_kv_heads). Row t of the queries is [num_heads, head_dim] floats at query + t *
/// stride; keys and values alike.
struct AttentionLayout {
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t stride = 0;         ///< of queries, keys, values and their gradients
  int64_t output_stride = 0;  ///< of outputs and their gradients
};

struct AttentionInput {
  const float* query = nullptr;
  const float* key = nullptr;
  const float* value = nullptr;
};

struct AttentionGradients {
  float* query = nullptr;  ///< written
  float* key = nullptr;    ///< written
  float* value = nullptr;  ///< written
};

/// Exact attention with scale head_dim^-1/2, one block of queries at a time. Owns scratch
/// memory that is reused. Thread-compatible.
class TreeAttention {
 public:
  /// Writes output [tokens, num_heads * head_dim] and, for the backward pass, log-sum-exp
  /// [num_heads, tokens].
  void forward(std::span<const Segment> segments, const AttentionLayout& layout,
               const AttentionInput& input, float* output, float* log_sum_exp);

  void backward(std::span<const Segment> segments, const AttentionLayout& layout,
                const AttentionInput& input, const float* output,
                const float* log_sum_exp, const float* output_gradient,
                const AttentionGradients& gradients);

  /// Scratch memory that is kept from call to call.
  int64_t held_bytes() const {
    return static_cast<int64_t>((scores_.capacity() + score_gradients_.capacity()) *
                                sizeof(float));
  }

 private:
  struct Block;
  std::vector<float> scores_;
  std::vector<float> score_gradients_;
};

}  // namespace srpo::model
