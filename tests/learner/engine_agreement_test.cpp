// The learner's log-probabilities are those that the generation engine would report for
// the same weights.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/random.h"
#include "engine/llama_decoder.h"
#include "engine/scorer.h"
#include "model/initialization.h"
#include "model/transformer.h"

namespace srpo::learner {
namespace {

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
  transformer.begin(forest,
                    weights.at("model.embed_tokens.weight").const_data_ptr<float>());
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    transformer.forward_layer(layer,
                              model::bind_layer(config, layer, weights, {}, nullptr));
  }
  const model::HeadParameters head{
      model::bind_parameter("model.norm.weight", weights, {}),
      model::bind_parameter("lm_head.weight", weights, {})};
  const auto ours = transformer.score({hidden_indices, targets}, head);

  engine::LlamaDecoder decoder(config, weights, model::WeightType::kFloat32, 1);
  const auto theirs = engine::score_tokens(decoder, tokens);
  ASSERT_EQ(theirs.size(), ours.size());
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], 1e-5) << i;
}

}  // namespace
}  // namespace srpo::learner
