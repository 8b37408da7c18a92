// The naive twin: plain LibTorch, autograd, all logits, every sequence as a whole.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/model_config.h"
#include "model/tensor_map.h"
#include "rl/training_tree.h"

namespace srpo::learner {

/// What one would write first, and what the learner is held against: sequences padded to
/// the longest of a micro-batch, `scaled_dot_product_attention`, logits of every token,
/// log-softmax, `backward()`. For the loss without a ratio (LossRule::clip = 0). Slow,
/// and needs much memory. Thread-compatible.
class EagerDecoder {
 public:
  /// Copies the weights in `type`, fp32 or fp64.
  EagerDecoder(const model::ModelConfig& config, const model::TensorMap& weights,
               at::ScalarType type);

  /// Gradients of all weights, summed over micro-batches of so many sequences. Sequences
  /// of like length are taken together, so that little is padded.
  model::TensorMap gradients(const std::vector<rl::TrainingTree>& trees,
                             const rl::LossRule& rule, int64_t sequences_at_a_time);

  /// Tokens computed by the last call, padding not counted.
  int64_t tokens() const { return tokens_; }

 private:
  struct Row;
  at::Tensor hidden_states(const at::Tensor& tokens) const;
  at::Tensor run_layer(int64_t layer, const at::Tensor& hidden) const;
  at::Tensor norm(const at::Tensor& x, const std::string& name) const;
  at::Tensor rotate(const at::Tensor& x) const;
  void accumulate(std::span<const Row> rows, double temperature);

  model::ModelConfig config_;
  at::ScalarType type_;
  model::TensorMap weights_;
  int64_t tokens_ = 0;
};

}  // namespace srpo::learner
