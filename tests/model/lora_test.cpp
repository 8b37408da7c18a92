#include "model/lora.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "training_checks.h"

namespace srpo::model {
namespace {

TEST(Lora, AFreshAdapterChangesNothing) {
  const ModelConfig config = tiny_config();
  const LoraConfig lora{4, 8};
  const TensorMap base = tiny_weights(config);
  const TensorMap adapter = make_adapter(config, lora, 1);
  EXPECT_EQ(adapter.size(), static_cast<size_t>(config.num_layers * 7 * 2));
  EXPECT_EQ(
      adapter.at("base_model.model.model.layers.2.mlp.down_proj.lora_A.weight").sizes(),
      at::IntArrayRef({4, 40}));
  EXPECT_EQ(adapter.at("base_model.model.model.layers.0.self_attn.k_proj.lora_B.weight")
                .sizes(),
            at::IntArrayRef({12, 4}));
  for (const auto& [name, tensor] : merge_adapter(base, adapter, lora)) {
    EXPECT_TRUE(tensor.equal(base.at(name))) << name;
  }
}

TEST(Lora, MergesScaledProducts) {
  const ModelConfig config = tiny_config();
  const LoraConfig lora{4, 8};
  const TensorMap base = tiny_weights(config);
  TensorMap adapter = make_adapter(config, lora, 1);
  const std::string path = "model.layers.1.mlp.up_proj";
  adapter.at(adapter_name(path, "lora_B")).fill_(0.5);
  const TensorMap merged = merge_adapter(base, adapter, lora);
  const at::Tensor expected = base.at(path + ".weight") +
                              2 * at::matmul(adapter.at(adapter_name(path, "lora_B")),
                                             adapter.at(adapter_name(path, "lora_A")));
  EXPECT_TRUE(at::allclose(merged.at(path + ".weight"), expected, 1e-5, 1e-6));
  EXPECT_TRUE(merged.at("model.norm.weight").equal(base.at("model.norm.weight")));
}

TEST(Lora, KeepsSmallChangesOfABaseInLowPrecision) {
  const ModelConfig config = tiny_config();
  const LoraConfig lora{4, 8};
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  TensorMap base = tiny_weights(config);
  base.at(name) = base.at(name).to(at::kBFloat16);
  TensorMap adapter = make_adapter(config, lora, 1);
  adapter.at(adapter_name("model.layers.1.mlp.up_proj", "lora_B")).fill_(1e-6);
  const at::Tensor before = base.at(name).to(at::kFloat);
  const at::Tensor merged = merge_adapter(base, adapter, lora).at(name);
  EXPECT_EQ(merged.scalar_type(), at::kFloat);
  EXPECT_FALSE(merged.equal(before));
}

TEST(Lora, RefusesAnAdapterOfAnotherModel) {
  const ModelConfig config = tiny_config();
  const LoraConfig lora{4, 8};
  const TensorMap base = tiny_weights(config);
  const TensorMap adapter = make_adapter(config, lora, 1);
  TensorMap bad = adapter;
  bad.erase(adapter_name("model.layers.1.mlp.up_proj", "lora_A"));
  EXPECT_THROW(merge_adapter(base, bad, lora), core::Error);
  bad = adapter;
  bad["lora_embedding_A"] = at::zeros({1});
  EXPECT_THROW(merge_adapter(base, bad, lora), core::Error);
  bad = adapter;
  bad[adapter_name("model.layers.0.mlp.up_proj", "lora_B")] = at::zeros({3, 4});
  EXPECT_THROW(merge_adapter(base, bad, lora), core::Error);
}

TEST(Lora, WritesAConfigForPeft) {
  const auto json = nlohmann::json::parse(adapter_config_json({64, 64}, "models/base"));
  EXPECT_EQ(json["peft_type"], "LORA");
  EXPECT_EQ(json["r"], 64);
  EXPECT_EQ(json["lora_alpha"], 64);
  EXPECT_EQ(json["target_modules"].size(), 7U);
  EXPECT_EQ(json["base_model_name_or_path"], "models/base");
}

}  // namespace
}  // namespace srpo::model
