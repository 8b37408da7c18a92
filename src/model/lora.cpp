#include "model/lora.h"

#include <cmath>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/random.h"
#include "model/matrix_product.h"

namespace srpo::model {

namespace {

constexpr const char* kPrefix = "base_model.model.";

/// `base_model.model.X.lora_A.weight` -> X; empty when the name is not of that form.
std::string path_of(const std::string& name, const std::string& part) {
  const std::string prefix = kPrefix;
  const std::string suffix = "." + part + ".weight";
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return "";
  return name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
}

}  // namespace

const std::vector<std::string>& linear_names() {
  static const std::vector<std::string> kNames{
      "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  return kNames;
}

std::string linear_path(int64_t layer, const std::string& linear) {
  const bool of_mlp =
      linear == "gate_proj" || linear == "up_proj" || linear == "down_proj";
  return "model.layers." + std::to_string(layer) + (of_mlp ? ".mlp." : ".self_attn.") +
         linear;
}

std::string adapter_name(const std::string& path, const std::string& part) {
  return kPrefix + path + "." + part + ".weight";
}

std::pair<int64_t, int64_t> linear_shape(const ModelConfig& config,
                                         const std::string& linear) {
  const int64_t query = config.num_heads * config.head_dim;
  const int64_t key = config.num_kv_heads * config.head_dim;
  if (linear == "q_proj") return {query, config.hidden_size};
  if (linear == "k_proj" || linear == "v_proj") return {key, config.hidden_size};
  if (linear == "o_proj") return {config.hidden_size, query};
  if (linear == "down_proj") return {config.hidden_size, config.intermediate_size};
  ENSURE(linear == "gate_proj" || linear == "up_proj", "unknown linear layer " << linear);
  return {config.intermediate_size, config.hidden_size};
}

TensorMap make_adapter(const ModelConfig& config, const LoraConfig& lora, uint64_t seed) {
  TensorMap adapter;
  uint64_t stream = uint64_t{1} << 32;  // apart from the base weights' streams
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    for (const std::string& linear : linear_names()) {
      ++stream;
      if (!lora.adapts(linear)) continue;
      const auto [out, in] = linear_shape(config, linear);
      at::Tensor a = at::empty({lora.rank, in}, at::kFloat);
      core::Rng rng(seed, core::Purpose::kInitialization, stream - 1);
      const double bound = 1.0 / std::sqrt(static_cast<double>(in));
      auto* values = a.mutable_data_ptr<float>();
      for (int64_t i = 0; i < a.numel(); ++i) {
        values[i] = static_cast<float>((2 * rng.uniform() - 1) * bound);
      }
      const std::string path = linear_path(layer, linear);
      adapter[adapter_name(path, "lora_A")] = a;
      adapter[adapter_name(path, "lora_B")] = at::zeros({out, lora.rank}, at::kFloat);
    }
  }
  return adapter;
}

TensorMap merge_adapter(const TensorMap& base, const TensorMap& adapter,
                        const LoraConfig& lora) {
  TensorMap merged = base;
  for (const auto& [name, b] : adapter) {
    if (!path_of(name, "lora_A").empty()) continue;
    const std::string path = path_of(name, "lora_B");
    REQUIRE(!path.empty(), kBadInput,
            "adapter tensor '" << name << "' (expected " << kPrefix
                               << "<layer>.lora_A|lora_B.weight)");
    const auto a = adapter.find(adapter_name(path, "lora_A"));
    REQUIRE(a != adapter.end(), kBadInput,
            "the adapter has '" << name << "' but no lora_A for it");
    const auto weight = merged.find(path + ".weight");
    REQUIRE(weight != merged.end(), kBadInput,
            "the adapter changes '" << path << ".weight', which the model has not");
    const at::Tensor& w = weight->second;
    REQUIRE(b.dim() == 2 && a->second.dim() == 2 && b.size(0) == w.size(0) &&
                a->second.size(1) == w.size(1) && b.size(1) == a->second.size(0),
            kBadInput,
            "adapter of '" << path << "': B " << b.sizes() << " times A "
                           << a->second.sizes() << " does not fit the weight "
                           << w.sizes());
    const at::Tensor a32 = a->second.to(at::kFloat).contiguous();
    const at::Tensor b32 = b.to(at::kFloat).contiguous();
    at::Tensor sum = w.to(at::kFloat).clone().contiguous();
    multiply(sum.size(0), sum.size(1), b32.size(1), lora.scale(),
             {b32.const_data_ptr<float>(), b32.size(1)},
             {a32.const_data_ptr<float>(), a32.size(1)}, 1, sum.mutable_data_ptr<float>(),
             sum.size(1));
    weight->second = sum;
  }
  return merged;
}

std::string adapter_config_json(const LoraConfig& lora, const std::string& base_model) {
  nlohmann::ordered_json json;
  json["peft_type"] = "LORA";
  json["task_type"] = "CAUSAL_LM";
  json["base_model_name_or_path"] = base_model;
  json["r"] = lora.rank;
  json["lora_alpha"] = lora.alpha == std::floor(lora.alpha)
                           ? nlohmann::ordered_json(static_cast<int64_t>(lora.alpha))
                           : nlohmann::ordered_json(lora.alpha);
  json["lora_dropout"] = 0.0;
  json["target_modules"] = lora.targets.empty() ? linear_names() : lora.targets;
  json["bias"] = "none";
  json["fan_in_fan_out"] = false;
  json["inference_mode"] = true;
  json["init_lora_weights"] = true;
  json["modules_to_save"] = nullptr;
  json["use_rslora"] = lora.rank_stabilized;
  json["use_dora"] = false;
  return json.dump(2) + "\n";
}

}  // namespace srpo::model
