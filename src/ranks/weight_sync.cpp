#include "ranks/weight_sync.h"

#include <cmath>
#include <cstring>

#include <ATen/ATen.h>

#include "core/error.h"
#include "model/hf_folder.h"
#include "model/lora.h"

namespace srpo::ranks {

WeightUpdate pack_weights(const model::TensorMap& weights, uint32_t version) {
  WeightUpdate update;
  update.version = version;
  for (const auto& [name, tensor] : weights) {
    const at::Tensor plain = tensor.to(at::kFloat).contiguous();
    NamedTensor named;
    named.name = name;
    named.shape = plain.sizes().vec();
    const auto* values = plain.const_data_ptr<float>();
    named.values.assign(values, values + plain.numel());
    update.tensors.push_back(std::move(named));
  }
  return update;
}

model::TensorMap unpack_weights(const WeightUpdate& update) {
  model::TensorMap weights;
  for (const NamedTensor& named : update.tensors) {
    int64_t count = 1;
    for (const int64_t size : named.shape) count *= size;
    REQUIRE(count == static_cast<int64_t>(named.values.size()), kPeerLost,
            "weights " << named.name << " of version " << update.version << " have "
                       << named.values.size() << " values (expected " << count << ")");
    for (const float value : named.values) {
      REQUIRE(std::isfinite(value), kPeerLost,
              "weights " << named.name << " of version " << update.version
                         << " are not finite; they are not installed");
    }
    at::Tensor tensor = at::empty(named.shape, at::kFloat);
    std::memcpy(tensor.mutable_data_ptr(), named.values.data(),
                named.values.size() * sizeof(float));
    weights.emplace(named.name, std::move(tensor));
  }
  return weights;
}

ModelFolder model_folder(const RunConfig& config) {
  if (!config.model.path.empty()) return {config.model.path, true};
  return {config.folder / "model", false};
}

PolicyEngine::PolicyEngine(const RunConfig& config,
                           std::function<std::string(int32_t)> token_bytes)
    : config_(config),
      token_bytes_(std::move(token_bytes)),
      model_config_(model::ModelConfig::load(model_folder(config).path)) {
  if (config.model.has_adapter) {
    base_ = model::load_weights(model_folder(config).path);
  }
}

void PolicyEngine::load(const WeightUpdate& update) {
  model::TensorMap weights = unpack_weights(update);
  if (config_.model.has_adapter) {
    weights = model::merge_adapter(
        base_, weights, {config_.model.adapter_rank, config_.model.adapter_alpha});
    if (engine_) {
      std::erase_if(weights, [this](const auto& entry) {
        return entry.second.is_same(base_.at(entry.first));  // no adapter there
      });
    }
  }
  if (!engine_) {
    engine_ = std::make_unique<engine::GenerationEngine>(model_config_, weights,
                                                         config_.engine, token_bytes_);
  }
  engine_->swap_weights(weights, update.version);
}

}  // namespace srpo::ranks
