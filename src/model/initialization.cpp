#include "model/initialization.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "core/random.h"
#include "model/hf_folder.h"

namespace srpo::model {

namespace {

constexpr double kStandardDeviation = 0.02;

}  // namespace

TensorMap make_initial_weights(const ModelConfig& config, uint64_t seed) {
  TensorMap weights;
  uint64_t stream = 0;
  for (const auto& [name, shape] : weight_shapes(config)) {
    const uint64_t own_stream = stream++;
    if (shape.size() == 1) {
      weights[name] = name.ends_with(".bias") ? at::zeros(shape, at::kFloat)
                                              : at::ones(shape, at::kFloat);
      continue;
    }
    core::Rng rng(seed, core::Purpose::kInitialization, own_stream);
    at::Tensor tensor = at::empty(shape, at::kFloat);
    auto* values = tensor.mutable_data_ptr<float>();
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      values[i] = static_cast<float>(rng.normal() * kStandardDeviation);
    }
    weights[name] = tensor;
  }
  return weights;
}

}  // namespace srpo::model
