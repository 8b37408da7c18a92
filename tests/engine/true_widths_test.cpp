// One layer of models that do not fit here, at their true widths: generation against the
// training network.
#include <cmath>
#include <cstdlib>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "core/random.h"
#include "engine/cpu_decoder.h"
#include "engine/scorer.h"
#include "model/hf_folder.h"
#include "model/transformer.h"

namespace srpo::engine {
namespace {

/// The published config with one layer and few token rows.
model::ModelConfig slice_of(const std::string& name) {
  const std::string path =
      std::string(SRPO_SOURCE_DIR) + "/tests/golden/configs/" + name + ".json";
  model::ModelConfig config = model::ModelConfig::parse(core::read_file(path), path);
  config.num_layers = 1;
  config.vocab_size = 640;
  if (!config.windowed_layers.empty()) config.windowed_layers.resize(1);
  return config;
}

/// Random weights that bfloat16 holds exactly.
model::TensorMap random_weights(const model::ModelConfig& config) {
  model::TensorMap weights;
  uint64_t stream = 0;
  for (const auto& [name, shape] : model::weight_shapes(config)) {
    core::Rng rng(3, core::Purpose::kTest, stream++);
    at::Tensor weight = at::empty(shape, at::kBFloat16);
    auto* data = weight.mutable_data_ptr<at::BFloat16>();
    const bool is_norm = name.find("norm") != std::string::npos;
    const double scale =
        shape.size() == 1 ? 0.2 : 1.7 / std::sqrt(static_cast<double>(shape[1]));
    for (int64_t i = 0; i < weight.numel(); ++i) {
      data[i] = static_cast<float>((is_norm ? 1 : 0) + scale * (2 * rng.uniform() - 1));
    }
    weights[name] = weight;
  }
  return weights;
}

std::vector<float> train_network_logprobs(const model::ModelConfig& config,
                                          const model::TensorMap& halves,
                                          const std::vector<int32_t>& tokens) {
  model::TensorMap weights;
  for (const auto& [name, weight] : halves)
    weights[name] = weight.to(at::kFloat).contiguous();
  model::TokenForest forest;
  std::vector<int64_t> rows;
  std::vector<int64_t> targets;
  for (size_t t = 0; t < tokens.size(); ++t) {
    forest.tokens.push_back(tokens[t]);
    forest.positions.push_back(static_cast<int64_t>(t));
    if (t > 0) targets.push_back(tokens[t]);
    if (t > 0) rows.push_back(static_cast<int64_t>(t) - 1);
  }
  forest.segments.push_back({0, forest.num_tokens(), -1});
  model::Transformer transformer(config, false);
  transformer.begin(forest,
                    weights.at("model.embed_tokens.weight").const_data_ptr<float>());
  transformer.forward_layer(0, model::bind_layer(config, 0, weights, {}, nullptr));
  const model::HeadParameters head{
      model::bind_parameter("model.norm.weight", weights, {}),
      model::bind_parameter("lm_head.weight", weights, {})};
  return transformer.score({rows, targets}, head);
}

class TrueWidths : public testing::TestWithParam<const char*> {};

TEST_P(TrueWidths, OneLayerGeneratesAsItTrains) {
  if (std::getenv("SRPO_LONG_TESTS") == nullptr)
    GTEST_SKIP() << "takes up to 5 GB and 20 s: set SRPO_LONG_TESTS=1";
  const model::ModelConfig config = slice_of(GetParam());
  const model::TensorMap weights = random_weights(config);
  std::vector<int32_t> tokens;
  core::Rng rng(4, core::Purpose::kTest, 99);
  for (int i = 0; i < 24; ++i) tokens.push_back(static_cast<int32_t>(rng.below(640)));
  std::vector<float> generated;
  {
    CpuDecoder decoder(config, weights, model::WeightType::kFloat32, 1);
    generated = score_tokens(decoder, tokens);
  }
  const std::vector<float> trained = train_network_logprobs(config, weights, tokens);
  ASSERT_EQ(generated.size(), trained.size());
  for (size_t i = 0; i < trained.size(); ++i)
    EXPECT_NEAR(generated[i], trained[i], 5e-5) << i;
}

INSTANTIATE_TEST_SUITE_P(Model, TrueWidths,
                         testing::Values("olmo_3_7b", "qwen2.5_14b", "llama_3.1_8b",
                                         "qwen3_32b"));

}  // namespace
}  // namespace srpo::engine
