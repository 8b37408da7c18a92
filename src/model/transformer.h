// The decoder for training: forward and backward over a forest of texts, one layer at a
// time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/layer_kernels.h"
#include "model/lora.h"
#include "model/model_config.h"
#include "model/rotary.h"
#include "model/tensor_map.h"
#include "model/token_forest.h"
#include "model/token_logprobs.h"
#include "model/tree_attention.h"

namespace srpo::model {

/// A weight and where its gradient is added; both borrowed. No gradient pointer: it is
/// not computed.
struct Parameter {
  const float* value = nullptr;
  float* gradient = nullptr;
};

/// y = x W^T, and + scale * (x A^T) B^T where an adapter is set.
struct Linear {
  int64_t out = 0;
  int64_t in = 0;
  Parameter weight;  // [out, in]
  int64_t rank = 0;  // 0: no adapter
  float scale = 0;
  Parameter a;  // [rank, in]
  Parameter b;  // [out, rank]
};

struct LayerParameters {
  Parameter attention_norm;
  Parameter mlp_norm;
  Linear query, key, value, output, gate, up, down;
};

/// The way from hidden states to log-probabilities.
struct HeadParameters {
  Parameter norm;
  Parameter weight;  // [vocab, H]
  double temperature = 1;
  int64_t chunk_rows = 2048;
};

/// Which hidden states predict what.
struct HeadRows {
  std::span<const int64_t> hidden_indices;
  std::span<const int64_t> targets;
};

/// Looks up a layer's tensors in `weights` (Hugging Face names, and PEFT names when
/// `lora` is not null) and in `gradients`; a tensor that has no gradient there is frozen.
/// The maps' tensors are fp32 and contiguous, and outlive the result. Throws kBadInput
/// for a missing tensor.
LayerParameters bind_layer(const ModelConfig& config, int64_t layer,
                           const TensorMap& weights, const TensorMap& gradients,
                           const LoraConfig* lora);
Parameter bind_parameter(const std::string& name, const TensorMap& weights,
                         const TensorMap& gradients);

/// Gradients are exact and computed by hand: no autograd graph is made, and memory is
/// reused from pass to pass.
///
///   begin, forward_layer 0 .. n-1, backward_head, backward_layer n-1 .. 0,
///   backward_embedding begin, forward_layer 0 .. n-1, score
///
/// With activation checkpointing only each layer's input is kept, and the layer is
/// computed again in the backward pass, to the same bits. Shapes: T tokens, H hidden
/// size. Runs on the calling thread. Thread-compatible.
class Transformer {
 public:
  Transformer(const ModelConfig& config, bool activation_checkpointing);

  /// Throws kBadInput for a token id outside the vocabulary or a forest that is none.
  void begin(const TokenForest& forest, const float* embedding);
  void forward_layer(int64_t layer, const LayerParameters& parameters);
  /// log p of the targets.
  std::vector<float> score(const HeadRows& rows, const HeadParameters& head);
  /// The same, and the backward pass down to the last layer's output.
  std::vector<float> backward_head(const HeadRows& rows, const HeadParameters& head,
                                   const LogprobGradient& loss);
  void backward_layer(int64_t layer, const LayerParameters& parameters);
  /// Adds to embedding_gradient [vocab, H].
  void backward_embedding(float* embedding_gradient) const;

  /// Between forward layers: their output so far, [T, H].
  std::span<const float> hidden() const;
  /// Memory that is kept from pass to pass.
  int64_t held_bytes() const;

 private:
  /// What the backward pass of a layer needs of its forward pass.
  struct Activations {
    std::vector<float> input;              // [T, H]
    std::vector<float> attention_inverse;  // [T]: 1 / rms of the input
    std::vector<float> projections;  // [T, Q + 2 K]: rotated queries and keys, values
    std::vector<float> attention;    // [T, Q]
    std::vector<float> log_sum_exp;  // [heads, T]
    std::vector<float> middle;       // [T, H]: after attention
    std::vector<float> mlp_inverse;  // [T]
    std::vector<float> gate;         // [T, F]
    std::vector<float> up;           // [T, F]
  };

  /// Gathers the rows' hidden states and normalises them.
  HeadInput normalise_rows(const HeadRows& rows, const HeadParameters& head);
  void run_layer(const LayerParameters& parameters, Activations& kept, float* output);
  void backward_mlp(const LayerParameters& parameters, Activations& kept);
  void backward_attention(const LayerParameters& parameters, Activations& kept);
  void apply(const Linear& linear, const float* x, float* y, int64_t y_stride, bool add);
  /// dx: written, or added to. Weight gradients are added.
  void apply_backward(const Linear& linear, const float* x, const float* dy,
                      int64_t dy_stride, float* dx, bool add);
  void rotate(float* query, float* key, int64_t stride, int direction) const;
  AttentionLayout attention_layout() const;
  int64_t query_width() const { return config_.num_heads * config_.head_dim; }
  int64_t key_width() const { return config_.num_kv_heads * config_.head_dim; }

  ModelConfig config_;
  bool checkpointing_;
  TokenForest forest_;
  RotaryTable rotary_;  // as many positions as were needed so far
  TreeAttention tree_attention_;
  std::vector<Activations>
      kept_;  // one a layer; with checkpointing only `input` is filled
  Activations recomputed_;
  std::vector<float> hidden_;
  std::vector<float> hidden_gradient_;
  std::vector<float> normed_, normed_gradient_;  // [T, H]
  std::vector<float> wide_, wide_gradient_;      // [T, F] and attention's gradients
  std::vector<float> projection_gradient_;       // [T, Q + 2 K]
  std::vector<float> rows_, row_inverse_;        // [R, H], [R]: of the head
  TokenLogprobs token_logprobs_;
  std::vector<float> low_rank_, low_rank_gradient_;  // [T, rank]
};

}  // namespace srpo::model
