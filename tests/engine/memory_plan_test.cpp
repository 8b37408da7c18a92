#include "engine/memory_plan.h"

#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/generation_engine.h"
#include "engine/kv_cache.h"
#include "tiny_model.h"

namespace srpo::engine {
namespace {

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const core::Error& error) {
    return error.what();
  }
  return "";
}

TEST(MemoryPlan, CountsWeightsCacheAndActivations) {
  const auto model = model::ModelConfig::load(golden_folder());
  EngineConfig config;
  const MemoryPlan plan = plan_memory(model, config);
  const KvCache cache({model.num_layers, model.num_kv_heads, model.head_dim}, 1);
  EXPECT_EQ(plan.cache, config.cache_tokens / 16 * cache.block_floats() * 4);
  config.weight_dtype = "bfloat16";
  EXPECT_LT(plan_memory(model, config).weights, plan.weights * 6 / 10);
  config.max_sequences *= 2;
  EXPECT_GT(plan_memory(model, config).activations, plan.activations);
}

TEST(MemoryPlan, RefusesWhatDoesNotFitBeforeAnythingIsAllocated) {
  const auto model = model::ModelConfig::load(golden_folder());
  EngineConfig config;
  config.cache_tokens = int64_t{1} << 42;
  const auto weights = model::load_weights(golden_folder());
  const std::string text = refusal(
      [&] { GenerationEngine(model, weights, config, [](int32_t) { return ""; }); });
  EXPECT_NE(text.find("cache"), std::string::npos) << text;
  EXPECT_NE(text.find("lower cache_tokens"), std::string::npos) << text;
  EXPECT_NO_THROW(require_memory({1, 2, 3}, 6));
  EXPECT_THROW(require_memory({1, 2, 3}, 5), core::Error);
}

TEST(FiniteWeights, NamesTheFirstThatIsNot) {
  auto weights = model::load_weights(golden_folder());
  EXPECT_NO_THROW(check_finite(weights));
  const std::string name = "model.layers.1.mlp.down_proj.weight";
  weights[name] = weights.at(name).clone();
  weights[name][2][5] = std::numeric_limits<float>::quiet_NaN();
  const std::string text = refusal([&] { check_finite(weights); });
  EXPECT_NE(text.find(name + "[2, 5] is nan"), std::string::npos) << text;
  weights[name][2][5] = -std::numeric_limits<float>::infinity();
  EXPECT_NE(refusal([&] { check_finite(weights); }).find("[2, 5] is -inf"),
            std::string::npos);
  const auto model = model::ModelConfig::load(golden_folder());
  EXPECT_THROW(GenerationEngine(model, weights, {}, [](int32_t) { return ""; }),
               core::Error);
}

}  // namespace
}  // namespace srpo::engine
