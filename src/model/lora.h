// Low-rank adapters: y = x W^T + alpha / rank * (x A^T) B^T on every linear layer of the
// decoder.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "model/model_config.h"
#include "model/tensor_map.h"

namespace srpo::model {

struct LoraConfig {
  int64_t rank = 64;
  double alpha = 64;
  bool rank_stabilized = false;           ///< alpha / sqrt(rank) in place of alpha / rank
  std::vector<std::string> targets = {};  ///< linear names; empty: all of them

  float scale() const {
    const auto r = static_cast<double>(rank);
    return static_cast<float>(alpha / (rank_stabilized ? std::sqrt(r) : r));
  }
  bool adapts(const std::string& linear) const {
    return targets.empty() ||
           std::find(targets.begin(), targets.end(), linear) != targets.end();
  }
};

/// `q_proj` ... `down_proj`, in the order of a layer.
const std::vector<std::string>& linear_names();

/// `model.layers.N.self_attn.q_proj` for a layer and a linear name.
std::string linear_path(int64_t layer, const std::string& linear);

/// `base_model.model.<path>.lora_A.weight`; `part` is "lora_A" or "lora_B".
std::string adapter_name(const std::string& path, const std::string& part);

/// Rows and columns of the weight of a linear layer: [out, in].
std::pair<int64_t, int64_t> linear_shape(const ModelConfig& config,
                                         const std::string& linear);

/// A [rank, in] uniform in +-1/sqrt(in) as kaiming_uniform(sqrt 5) draws it, B [out,
/// rank] zero: the adapter changes nothing yet. The same for the same seed on every
/// machine.
TensorMap make_adapter(const ModelConfig& config, const LoraConfig& lora, uint64_t seed);

/// Base weights with alpha / rank * B A added, in fp32 whatever the base's type: rounding
/// the sum to bf16 would lose most of a young adapter. What has no adapter is shared with
/// `base`.
/// Throws kBadInput when the adapter names a weight that the base has not, lacks a half
/// of a pair, or has the wrong shape.
TensorMap merge_adapter(const TensorMap& base, const TensorMap& adapter,
                        const LoraConfig& lora);

/// adapter_config.json, loadable by PEFT.
std::string adapter_config_json(const LoraConfig& lora, const std::string& base_model);

}  // namespace srpo::model
