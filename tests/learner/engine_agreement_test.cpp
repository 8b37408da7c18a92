// The learner's log-probabilities are those that the generation engine would report for
// the same weights.
#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/random.h"
#include "engine/cpu_decoder.h"
#include "engine/scorer.h"
#include "model/initialization.h"
#include "model/transformer.h"
#include "support/golden_families.h"

namespace srpo::learner {
namespace {

/// The widest gap between the learner's and the engine's log-probabilities of a text.
float widest_gap(const model::ModelConfig& config, const model::TensorMap& weights,
                 const std::vector<int32_t>& tokens) {
  model::TokenForest forest;
  std::vector<int64_t> hidden_indices;
  std::vector<int64_t> targets;
  for (size_t t = 0; t < tokens.size(); ++t) {
    forest.tokens.push_back(tokens[t]);
    forest.positions.push_back(static_cast<int64_t>(t));
    if (t > 0) targets.push_back(tokens[t]);
    if (t > 0) hidden_indices.push_back(static_cast<int64_t>(t) - 1);
  }
  forest.segments.push_back({0, forest.num_tokens(), -1});
  model::Transformer transformer(config, false);
  const model::Parameter embedding =
      model::bind_parameter("model.embed_tokens.weight", weights, {});
  transformer.begin(forest, embedding.value);
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    transformer.forward_layer(layer,
                              model::bind_layer(config, layer, weights, {}, nullptr));
  }
  const model::HeadParameters head{
      model::bind_parameter("model.norm.weight", weights, {}),
      config.tie_embeddings ? embedding
                            : model::bind_parameter("lm_head.weight", weights, {})};
  const auto ours = transformer.score({hidden_indices, targets}, head);
  engine::CpuDecoder decoder(config, weights, model::WeightType::kFloat32, 1);
  const auto theirs = engine::score_tokens(decoder, tokens);
  EXPECT_EQ(theirs.size(), ours.size());
  float widest = 0;
  for (size_t i = 0; i < ours.size(); ++i)
    widest = std::max(widest, std::abs(ours[i] - theirs[i]));
  return widest;
}

TEST(Learner, ScoresAsTheEngineDoes) {
  model::ModelConfig config;
  config.vocab_size = 300;
  config.hidden_size = 96;
  config.intermediate_size = 160;
  config.num_layers = 3;
  config.num_heads = 6;
  config.num_kv_heads = 2;
  config.head_dim = 16;
  config.max_positions = 512;
  model::TensorMap weights = model::make_initial_weights(config, 3);
  for (auto& [name, tensor] : weights) {
    if (tensor.dim() == 2) tensor.mul_(5);
  }
  core::Rng rng(1, core::Purpose::kTest, 0);
  std::vector<int32_t> tokens;
  for (int i = 0; i < 200; ++i) tokens.push_back(static_cast<int32_t>(rng.below(300)));
  EXPECT_LT(widest_gap(config, weights, tokens), 1e-5);
}

TEST(Learner, ScoresEveryFamilyAsTheEngineDoes) {
  for (const std::string& name : golden::families()) {
    const golden::Family family(name);
    EXPECT_LT(widest_gap(family.config, family.weights, family.ids), 2e-5) << name;
  }
}

}  // namespace
}  // namespace srpo::learner
