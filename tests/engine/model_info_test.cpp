#include "engine/model_info.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "engine/memory_plan.h"
#include "model/hf_folder.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"
#include "tiny_model.h"

namespace srpo::engine {
namespace {

using model::ModelConfig;
using model::WeightType;
using testing::HasSubstr;

std::string config_text(const std::string& name) {
  return core::read_file(std::string(SRPO_SOURCE_DIR) + "/tests/golden/configs/" + name +
                         ".json");
}

ModelConfig published(const std::string& name) {
  return ModelConfig::parse(config_text(name), name + "/config.json");
}

/// Parameter counts as the models' makers publish them.
const std::map<std::string, int64_t>& parameter_counts() {
  static const std::map<std::string, int64_t> kCounts{
      {"llama_3.1_8b", 8'030'261'248}, {"llama_3.2_1b", 1'235'814'400},
      {"qwen2.5_14b", 14'770'033'664}, {"qwen2.5_7b", 7'615'616'512},
      {"qwen2.5_0.5b", 494'032'768},   {"qwen3_32b", 32'762'123'264},
      {"qwen3_0.6b", 596'049'920},     {"olmo_3_7b", 7'298'011'136}};
  return kCounts;
}

TEST(ModelInfo, CountsTheParametersOfPublishedModels) {
  for (const auto& [name, count] : parameter_counts())
    EXPECT_EQ(published(name).num_parameters(), count) << name;
}

TEST(ModelInfo, BuildsPublishedModelsOnTheMetaDevice) {
  for (const auto& [name, count] : parameter_counts()) {
    const ModelConfig config = published(name);
    model::TensorMap weights;
    int64_t bytes = 0;
    for (const auto& [tensor, shape] : model::weight_shapes(config)) {
      weights[tensor] =
          at::empty(shape, at::TensorOptions().dtype(at::kBFloat16).device(at::kMeta));
      bytes += static_cast<int64_t>(weights[tensor].nbytes());
    }
    model::check_weights(config, weights, name);
    EXPECT_EQ(bytes, 2 * count) << name;
    // Stored for generation: no less, and hardly more.
    const ModelMemory plan = model_memory(config, WeightType::kBfloat16, 1024, 1);
    EXPECT_GE(plan.weights, bytes) << name;
    EXPECT_LT(plan.weights, bytes + bytes / 1000) << name;
  }
}

TEST(ModelInfo, PlansTheCacheOfPublishedModels) {
  const auto per_token = [](const std::string& name) {
    return model_memory(published(name), WeightType::kBfloat16, 16, 1).cache_of_token;
  };
  // In float32: twice the 512 KiB and 192 KiB of a bfloat16 cache.
  EXPECT_EQ(per_token("olmo_3_7b"), 1024 * 1024);
  EXPECT_EQ(per_token("qwen2.5_14b"), 384 * 1024);
  EXPECT_EQ(per_token("llama_3.1_8b"), 256 * 1024);
  EXPECT_EQ(per_token("qwen3_32b"), 512 * 1024);
  const ModelMemory plan =
      model_memory(published("qwen2.5_14b"), WeightType::kFloat32, 1000, 4);
  EXPECT_EQ(plan.cache, int64_t{4} * 1008 * 384 * 1024);
}

TEST(ModelInfo, PlansWhatTheDecoderKeeps) {
  const ModelConfig config = ModelConfig::load(golden_folder());
  const CpuDecoder decoder = tiny_decoder();
  const KvCache cache(decoder.cache_shape(), 8);
  EXPECT_EQ(model_memory(config, WeightType::kFloat32, 128, 1).cache,
            8 * cache.block_floats() * 4);
}

TEST(ModelInfo, ReadsTheWindowsAndStretchingOfOlmo3) {
  const ModelConfig config = published("olmo_3_7b");
  EXPECT_EQ(
      std::count(config.windowed_layers.begin(), config.windowed_layers.end(), true), 24);
  EXPECT_EQ(config.window_of(30), 4096);
  EXPECT_TRUE(config.is_scaled(31));
  EXPECT_FALSE(config.is_scaled(30));
  EXPECT_EQ(config.max_positions, 65536);
}

TEST(ModelInfo, SaysWhatAFolderHolds) {
  const std::string text = describe_model(golden_folder(), 0, 2, int64_t{1} << 30);
  EXPECT_THAT(text, HasSubstr("llama (LlamaForCausalLM)"));
  EXPECT_THAT(text, HasSubstr("parameters      44,820"));
  EXPECT_THAT(text, HasSubstr("weight files    1, 0.00 GB, all Float, complete"));
  EXPECT_THAT(text, HasSubstr("2 sequences of 128 tokens"));
  EXPECT_THAT(text, HasSubstr(": fits"));
  test::expect_error(core::ErrorKind::kBadInput, "expected at most 128",
                     [] { describe_model(golden_folder(), 129, 1, int64_t{1} << 30); });
}

TEST(ModelInfo, SaysWhatWouldNotFit) {
  const test::ScratchFolder folder;
  core::write_file(folder / "config.json", config_text("olmo_3_7b"));
  const std::string text =
      describe_model(folder.path(), 4096, 8, int64_t{24} * 1000 * 1000 * 1000);
  EXPECT_THAT(text, HasSubstr("olmo3 (Olmo3ForCausalLM)"));
  EXPECT_THAT(text, HasSubstr("7,298,011,136"));
  EXPECT_THAT(text, HasSubstr("32 (24 see 4096 tokens, 8 all)"));
  EXPECT_THAT(text, HasSubstr("yarn x 8 of 8192 on layers that see all"));
  EXPECT_THAT(text, HasSubstr("not usable: " + folder.path().string() +
                              ": neither model.safetensors nor"));
  EXPECT_THAT(text, HasSubstr("29.19 GB weights + 34.36 GB cache"));
  EXPECT_THAT(text, HasSubstr("DOES NOT FIT"));
  EXPECT_THAT(text, HasSubstr("the weights alone do not fit"));
  EXPECT_THAT(text, HasSubstr("14.60 GB weights"));
  EXPECT_THAT(text, HasSubstr("cached tokens would fit"));
  EXPECT_GT(available_memory(), 0);
}

}  // namespace
}  // namespace srpo::engine
