#include "engine/memory_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ATen.h>

#include "core/error.h"
#include "core/free_memory.h"
#include "engine/decoder_kernels.h"
#include "engine/generation_engine.h"
#include "engine/kv_cache.h"
#include "model/hf_folder.h"
#include "model/packed_linear.h"

namespace srpo::engine {
namespace {

constexpr int64_t kFloat = sizeof(float);

int64_t bytes_of_weights(const model::ModelConfig& model, int64_t width) {
  int64_t bytes = 0;
  for (const auto& [name, shape] : model::weight_shapes(model)) {
    if (shape.size() == 1) {
      bytes += shape[0] * kFloat;
    } else {
      constexpr int64_t kPanel = 32;
      bytes += (shape[0] + kPanel - 1) / kPanel * kPanel * shape[1] * width;
    }
  }
  return bytes + model.max_positions * model.head_dim * kFloat;  // sines and cosines
}

int64_t bytes_of_activations(const model::ModelConfig& model,
                             const EngineConfig& config) {
  const int64_t rows = config.max_sequences + config.prefill_tokens_per_step;
  const int64_t heads = model.num_heads * model.head_dim;
  const int64_t qkv = heads + 2 * model.num_kv_heads * model.head_dim;
  const int64_t row = 3 * model.hidden_size + qkv + heads + 3 * model.intermediate_size;
  const int64_t rounded = std::max(model.intermediate_size, model.hidden_size) / 2;
  const int64_t longest = std::min(model.max_positions, config.cache_tokens);
  const int64_t scores = config.threads * kTileQueries * attention_scratch(longest);
  const int64_t logits = config.max_sequences * (model.vocab_size + model.hidden_size);
  const int64_t sampler = 3 * model.vocab_size;
  return (rows * (row + rounded) + scores + logits + sampler) * kFloat;
}

std::string in_gigabytes(int64_t bytes) {
  const auto hundredths = static_cast<int64_t>(std::llround(bytes / 1e7));
  std::string digits = std::to_string(hundredths % 100);
  if (digits.size() < 2) digits.insert(0, "0");
  return std::to_string(hundredths / 100) + "." + digits + " GB";
}

[[noreturn]] void refuse(const std::string& name, const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kFloat).contiguous().reshape({-1});
  const float* values = flat.const_data_ptr<float>();
  const float* end = values + flat.numel();
  const float* bad = std::find_if(values, end, [](float x) { return !std::isfinite(x); });
  int64_t place = bad - values;
  std::string index;
  for (int64_t d = tensor.dim() - 1; d >= 0; --d) {
    index.insert(0, (d == 0 ? "" : ", ") + std::to_string(place % tensor.size(d)));
    place /= tensor.size(d);
  }
  REQUIRE(false, kBadInput,
          "weights: " << name << "[" << index << "] is " << *bad
                      << " (expected a finite number)");
  __builtin_unreachable();
}

}  // namespace

MemoryPlan plan_memory(const model::ModelConfig& model, const EngineConfig& config) {
  const bool narrow =
      model::parse_weight_type(config.weight_dtype) == model::WeightType::kBfloat16;
  const CacheShape shape{model.num_layers, model.num_kv_heads, model.head_dim};
  MemoryPlan plan;
  plan.weights = bytes_of_weights(model, narrow ? 2 : 4);
  plan.cache = config.cache_tokens / KvCache::kBlockTokens * KvCache::block_bytes(shape);
  plan.activations = bytes_of_activations(model, config);
  return plan;
}

int64_t available_memory() {
  return core::free_memory().value_or(std::numeric_limits<int64_t>::max());
}

void require_memory(const MemoryPlan& plan, int64_t available) {
  REQUIRE(plan.total() <= available, kBadConfig,
          "generation needs " << in_gigabytes(plan.total()) << " ("
                              << in_gigabytes(plan.weights) << " weights, "
                              << in_gigabytes(plan.cache) << " cache, "
                              << in_gigabytes(plan.activations)
                              << " activations) and there are " << in_gigabytes(available)
                              << ": lower cache_tokens or max_sequences");
}

void check_finite(const model::TensorMap& weights) {
  for (const auto& [name, tensor] : weights) {
    // A sum is finite only if every term is; it overflows for none that a model has.
    if (std::isfinite(at::sum(tensor, at::kDouble).item<double>())) continue;
    refuse(name, tensor);
  }
}

}  // namespace srpo::engine
