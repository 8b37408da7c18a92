#include "model/lora.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "model/safetensors.h"
#include "support/scratch_folder.h"
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

/// A folder as PEFT writes it, with one thing changed.
struct AdapterFolder {
  explicit AdapterFolder(const ModelConfig& config, const LoraConfig& lora)
      : json(nlohmann::json::parse(adapter_config_json(lora, "base"))),
        tensors(make_adapter(config, lora, 9)) {}

  LoadedAdapter load(const ModelConfig& config) const {
    write_safetensors(folder / "adapter_model.safetensors", tensors);
    core::write_file(folder / "adapter_config.json", json.dump());
    return load_adapter(folder.path(), config);
  }

  test::ScratchFolder folder;
  nlohmann::json json;
  TensorMap tensors;
};

TEST(Lora, LoadsWhatPeftWrites) {
  ModelConfig config = tiny_config();
  config.qkv_bias = true;
  AdapterFolder folder(config, {4, 8});
  const LoadedAdapter all = folder.load(config);
  EXPECT_EQ(all.config.scale(), 2);
  EXPECT_EQ(all.tensors.size(), folder.tensors.size());
  for (auto it = folder.tensors.begin(); it != folder.tensors.end();)
    it = it->first.find("q_proj") == std::string::npos ? folder.tensors.erase(it)
                                                       : std::next(it);
  folder.json["target_modules"] = {"q_proj"};
  folder.json["use_rslora"] = true;
  const LoadedAdapter some = folder.load(config);
  EXPECT_EQ(some.config.scale(), 4);
  EXPECT_EQ(some.tensors.size(), 6U);
}

TEST(Lora, UnmergesWhatItMerged) {
  const ModelConfig config = tiny_config();
  const LoraConfig lora{4, 8};
  const TensorMap base = tiny_weights(config);
  TensorMap adapter = make_adapter(config, lora, 1);
  for (auto& [name, tensor] : adapter)
    if (name.find("lora_B") != std::string::npos) tensor.fill_(0.1);
  const TensorMap merged = merge_adapter(base, adapter, lora);
  EXPECT_FALSE(at::allclose(merged.at("model.layers.0.mlp.up_proj.weight"),
                            base.at("model.layers.0.mlp.up_proj.weight"), 1e-2, 1e-3));
  for (const auto& [name, tensor] : unmerge_adapter(merged, adapter, lora))
    EXPECT_TRUE(at::allclose(tensor, base.at(name), 1e-5, 1e-6)) << name;
}

TEST(Lora, RefusesAdaptersThatItWouldApplyWrongly) {
  const ModelConfig config = tiny_config();
  const auto complaint = [&](const std::string& key, const nlohmann::json& value) {
    AdapterFolder folder(config, {4, 8});
    folder.json[key] = value;
    try {
      folder.load(config);
    } catch (const core::Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  using testing::HasSubstr;
  EXPECT_THAT(complaint("use_dora", true), HasSubstr("'use_dora' is true"));
  EXPECT_THAT(complaint("bias", "all"), HasSubstr("bias 'all' is not implemented"));
  EXPECT_THAT(complaint("peft_type", "IA3"), HasSubstr("peft_type 'IA3'"));
  EXPECT_THAT(complaint("rank_pattern", {{"q_proj", 8}}), HasSubstr("'rank_pattern'"));
  EXPECT_THAT(complaint("modules_to_save", {"lm_head"}), HasSubstr("'modules_to_save'"));
  EXPECT_THAT(complaint("r", 5), HasSubstr("shape [4, 40] (expected [5, 40])"));
  AdapterFolder half(config, {4, 8});
  half.tensors.erase(adapter_name("model.layers.1.mlp.up_proj", "lora_A"));
  EXPECT_THROW(half.load(config), core::Error);
  AdapterFolder other(config, {4, 8});
  other.tensors[adapter_name("model.layers.3.mlp.up_proj", "lora_A")] =
      at::zeros({4, 24});
  EXPECT_THROW(other.load(config), core::Error);
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
