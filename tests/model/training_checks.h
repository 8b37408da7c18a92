// A small decoder, a forest to run it on, and one whole training pass over plain tensor
// maps.
#pragma once

#include <map>
#include <vector>

#include <ATen/ATen.h>

#include "core/random.h"
#include "model/initialization.h"
#include "model/transformer.h"

namespace srpo::model {

inline ModelConfig tiny_config() {
  ModelConfig config;
  config.vocab_size = 37;
  config.hidden_size = 24;
  config.intermediate_size = 40;
  config.num_layers = 3;
  config.num_heads = 4;
  config.num_kv_heads = 2;
  config.head_dim = 6;
  config.max_positions = 512;
  return config;
}

/// Weights large enough that every path of the gradient shows.
inline TensorMap tiny_weights(const ModelConfig& config, uint64_t seed = 1) {
  TensorMap weights = make_initial_weights(config, seed);
  core::Rng rng(seed, core::Purpose::kTest, 0);
  for (auto& [name, tensor] : weights) {
    if (tensor.dim() == 2) tensor.mul_(10);
    auto* values = tensor.mutable_data_ptr<float>();
    for (int64_t i = 0; tensor.dim() == 1 && i < tensor.numel(); ++i) {
      values[i] += static_cast<float>(0.2 * rng.normal());
    }
  }
  return weights;
}

/// prompt -> (a, b), prompt -> prefix -> (c, d), and a text of its own; c is longer than
/// one block of queries.
inline TokenForest tiny_forest(const ModelConfig& config) {
  TokenForest forest;
  core::Rng rng(5, core::Purpose::kTest, 1);
  const auto add = [&](int64_t length, int64_t parent) {
    const int64_t begin = forest.num_tokens();
    int64_t depth = 0;
    if (parent >= 0) {
      const Segment& before = forest.segments[static_cast<size_t>(parent)];
      depth = forest.positions[static_cast<size_t>(before.end - 1)] + 1;
    }
    for (int64_t i = 0; i < length; ++i) {
      forest.tokens.push_back(
          static_cast<int64_t>(rng.below(static_cast<uint64_t>(config.vocab_size))));
      forest.positions.push_back(depth + i);
    }
    forest.segments.push_back({begin, begin + length, parent});
  };
  add(9, -1);
  add(7, 0);
  add(1, 0);
  add(20, 0);
  add(150, 3);
  add(5, 3);
  add(17, -1);
  return forest;
}

struct TinyRows {
  std::vector<int64_t> hidden_indices;
  std::vector<int64_t> targets;
  std::vector<float> coefficients;
};

/// Rows on most tokens, some of them twice.
inline TinyRows tiny_rows(const ModelConfig& config, const TokenForest& forest) {
  TinyRows rows;
  core::Rng rng(6, core::Purpose::kTest, 2);
  for (int64_t t = 0; t < forest.num_tokens(); ++t) {
    for (uint64_t repeat = rng.below(3); repeat > 0; --repeat) {
      rows.hidden_indices.push_back(t);
      rows.targets.push_back(
          static_cast<int64_t>(rng.below(static_cast<uint64_t>(config.vocab_size))));
      rows.coefficients.push_back(static_cast<float>(rng.normal() / 50));
    }
  }
  return rows;
}

struct PassResult {
  std::vector<float> logprobs;
  TensorMap gradients;
};

struct PassOptions {
  bool checkpointing = false;
  int64_t chunk_rows = 2048;
  double temperature = 0.7;
  const LoraConfig* lora = nullptr;
};

/// Loss -sum(coefficient * logp); gradients of every weight named in `trained`.
inline PassResult run_pass(const ModelConfig& config, const TensorMap& weights,
                           const TensorMap& trained, const TokenForest& forest,
                           const TinyRows& rows, const PassOptions& options) {
  PassResult result;
  for (const auto& [name, tensor] : trained)
    result.gradients[name] = at::zeros_like(tensor);
  Transformer transformer(config, options.checkpointing);
  const std::string embedding_name = "model.embed_tokens.weight";
  const Parameter embedding = bind_parameter(embedding_name, weights, result.gradients);
  HeadParameters head;
  head.norm = bind_parameter("model.norm.weight", weights, result.gradients);
  head.weight = config.tie_embeddings
                    ? embedding
                    : bind_parameter("lm_head.weight", weights, result.gradients);
  head.temperature = options.temperature;
  head.chunk_rows = options.chunk_rows;
  std::vector<LayerParameters> layers;
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    layers.push_back(bind_layer(config, layer, weights, result.gradients, options.lora));
  }
  transformer.begin(forest, embedding.value);
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    transformer.forward_layer(layer, layers[static_cast<size_t>(layer)]);
  }
  const auto loss = [&](int64_t first, std::span<const float> logp,
                        std::span<float> slopes) {
    for (size_t i = 0; i < logp.size(); ++i) {
      slopes[i] = -rows.coefficients[static_cast<size_t>(first) + i];
    }
  };
  result.logprobs =
      transformer.backward_head({rows.hidden_indices, rows.targets}, head, loss);
  for (int64_t layer = config.num_layers - 1; layer >= 0; --layer) {
    transformer.backward_layer(layer, layers[static_cast<size_t>(layer)]);
  }
  if (embedding.gradient != nullptr) transformer.backward_embedding(embedding.gradient);
  return result;
}

}  // namespace srpo::model
