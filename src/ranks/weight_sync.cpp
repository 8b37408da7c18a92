#include "ranks/weight_sync.h"

#include <cmath>

#include <ATen/ATen.h>

#include "core/error.h"
#include "model/hf_folder.h"
#include "model/lora.h"

namespace srpo::ranks {

namespace {

/// The tensor's own memory; the tensor lives as long as it is referred to.
core::Buffer bytes_of(const at::Tensor& tensor) {
  const auto owner = std::make_shared<const at::Tensor>(tensor);
  const auto* begin = static_cast<const std::byte*>(owner->const_data_ptr());
  return core::Buffer::wrap(owner, {begin, owner->nbytes()});
}

/// A view of memory that nobody may write to, which lives as long as the tensor.
at::Tensor view_of(const actors::TensorValue& value) {
  // from_blob() takes no const; whoever uses these weights copies before it changes them.
  auto* begin = const_cast<std::byte*>(value.data.data());
  if (value.data.size() == 0) return at::empty(value.shape, at::kFloat);
  return at::from_blob(
      begin, value.shape, [keep = value.data](void*) {}, at::kFloat);
}

}  // namespace

WeightUpdate pack_weights(const model::TensorMap& weights, uint32_t version) {
  WeightUpdate update;
  update.version = version;
  for (const auto& [name, tensor] : weights) {
    const at::Tensor plain = tensor.to(at::kFloat).contiguous();
    update.tensors.push_back(
        {name, {actors::TensorType::kFloat32, plain.sizes().vec(), bytes_of(plain)}});
  }
  return update;
}

model::TensorMap unpack_weights(const WeightUpdate& update) {
  model::TensorMap weights;
  for (const auto& [name, value] : update.tensors) {
    const std::string what =
        "weights " + name + " of version " + std::to_string(update.version);
    value.check(what);
    REQUIRE(value.type == actors::TensorType::kFloat32, kPeerLost,
            what << " have type " << static_cast<int>(value.type)
                 << " (expected 32-bit floats)");
    for (const float each : value.data.as<float>()) {
      REQUIRE(std::isfinite(each), kPeerLost,
              what << " are not finite; they are not installed");
    }
    weights.emplace(name, view_of(value));
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
    weights = model::merge_adapter(base_, weights, config_.learner.adapter());
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
