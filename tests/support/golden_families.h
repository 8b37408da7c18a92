// The tiny decoders of tests/golden/families, and what transformers computed with them.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "model/hf_folder.h"

namespace srpo::golden {

/// Every case of the folder's make.py.
inline const std::vector<std::string>& families() {
  static const std::vector<std::string> kNames{
      "llama3_scaled", "llama_linear_biased", "olmo2", "olmo3",
      "qwen2",         "qwen2_yarn_windows",  "qwen3"};
  return kNames;
}

/// `weight_values` of make.py: uniform in -1 .. 1, from the name and the place alone.
inline std::vector<float> weight_values(const std::string& name, int64_t count) {
  uint64_t seed = 0xCBF29CE484222325U;
  for (const char byte : name)
    seed = (seed ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t z = seed + static_cast<uint64_t>(i + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    z ^= z >> 31;
    values.push_back(static_cast<float>(static_cast<double>(z >> 40) / 8388608.0 - 1));
  }
  return values;
}

/// The weights that make.py fills a model with.
inline model::TensorMap family_weights(const model::ModelConfig& config) {
  model::TensorMap weights;
  for (const auto& [name, shape] : model::weight_shapes(config)) {
    at::Tensor weight = at::empty(shape, at::kFloat);
    auto* data = weight.mutable_data_ptr<float>();
    const std::vector<float> values = weight_values(name, weight.numel());
    const bool is_norm = name.find("norm") != std::string::npos;
    const bool is_table = shape.size() == 1 || name.find("embed") != std::string::npos ||
                          name.find("lm_head") != std::string::npos;
    const float scale =
        is_norm || is_table ? 0.4F : 2.0F / std::sqrt(static_cast<float>(shape[1]));
    for (size_t i = 0; i < values.size(); ++i)
      data[i] = is_norm ? 1 + scale * values[i] : scale * values[i];
    weights[name] = weight;
  }
  return weights;
}

struct Family {
  explicit Family(const std::string& name)
      : json(nlohmann::json::parse(core::read_file(
            std::string(SRPO_SOURCE_DIR) + "/tests/golden/families/" + name + ".json"))),
        config(model::ModelConfig::parse(json["config"].dump(), name + "/config.json")),
        weights(family_weights(config)),
        ids(json["ids"].get<std::vector<int32_t>>()) {}

  std::vector<float> logits(const std::string& key, size_t row) const {
    return json.at(key).at(row).get<std::vector<float>>();
  }

  nlohmann::json json;
  model::ModelConfig config;
  model::TensorMap weights;
  std::vector<int32_t> ids;
};

}  // namespace srpo::golden
