// The CPU decoder: a model of any family in fp32 over paged keys and values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/decoder.h"
#include "engine/decoder_kernels.h"
#include "model/model_config.h"
#include "model/packed_linear.h"
#include "model/rotary.h"
#include "model/worker_pool.h"

namespace srpo::engine {

/// Activations are fp32; weights are stored as `weight_type`. One thread calls; `threads`
/// work.
class CpuDecoder : public Decoder {
 public:
  /// Copies the weights. Throws kBadFile for missing, surplus or misshapen ones.
  CpuDecoder(const model::ModelConfig& config, const model::TensorMap& weights,
             model::WeightType weight_type, int threads);

  int64_t vocab_size() const override { return config_.vocab_size; }
  int64_t max_positions() const override { return config_.max_positions; }
  bool ends_text(int32_t token) const override;
  CacheShape cache_shape() const override;
  std::span<const float> forward(std::span<const DecoderItem> items,
                                 KvCache& cache) override;
  void swap_weights(const model::TensorMap& changed) override;

 private:
  struct BiasedLinear {
    model::PackedLinear weight;
    std::vector<float> bias;  ///< empty: none
  };
  struct Layer {
    std::vector<float> attention_norm;
    std::vector<float> mlp_norm;
    std::vector<float> query_norm;  ///< empty: queries and keys are not normalised
    std::vector<float> key_norm;
    BiasedLinear qkv;
    BiasedLinear attention_out;
    BiasedLinear gate_up;
    BiasedLinear down;
  };
  /// One row of the step: a token at a position of an item.
  struct Row {
    int64_t position;
    const DecoderItem* item;
  };
  using Setter = std::function<void(const at::Tensor&)>;

  void make_layers(model::WeightType type);
  void add_setters(int64_t index, Layer& layer);
  void add_linear_setters(int64_t index, Layer& layer);
  void load_embeddings(std::span<const DecoderItem> items);
  void run_layer(const Layer& layer, int64_t index, KvCache& cache);
  void apply(const BiasedLinear& linear, const float* x, float* y);
  /// The input of a branch: hidden_ with what is pending added, normalised or not.
  const float* branch_input(const std::vector<float>& norm);
  /// Adds delta_, the output of a branch, to hidden_: at once, or by the next
  /// normalization.
  void add_branch(const std::vector<float>& norm);
  void normalize(const float* delta, const std::vector<float>& weight);
  void normalize_query_and_key(const Layer& layer, float* qkv);
  void rotate_and_cache(int64_t layer, KvCache& cache);
  void attend(int64_t layer, const KvCache& cache);
  void add_tiles(const DecoderItem& item, int64_t first_row, int64_t layer,
                 const KvCache& cache);
  std::span<const float> compute_logits(std::span<const DecoderItem> items);

  model::ModelConfig config_;
  const DecoderKernels& kernels_;
  model::WorkerPool pool_;
  std::vector<Layer> layers_;
  model::PackedLinear embedding_;  ///< also the head of a tied model
  model::PackedLinear head_;       ///< empty in a tied model
  std::vector<float> final_norm_;
  model::RotaryTables rotary_;
  std::map<std::string, Setter> setters_;
  std::map<std::string, std::vector<int64_t>> shapes_;

  std::vector<Row> rows_;
  std::vector<AttentionTile> tiles_;
  int64_t longest_visible_ = 0;
  const float* pending_ =
      nullptr;  ///< what the next normalization adds to hidden_, or null
  std::vector<float> hidden_;
  std::vector<float> normed_;
  std::vector<float> qkv_;
  std::vector<float> mixed_;
  std::vector<float> delta_;
  std::vector<float> gate_up_;
  std::vector<float> activated_;
  std::vector<float> scratch_;
  std::vector<float> last_hidden_;
  std::vector<float> logits_;
};

}  // namespace srpo::engine
