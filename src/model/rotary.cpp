#include "model/rotary.h"

#include <ATen/ATen.h>

namespace srpo::model {

RotaryTable rotary_table(const ModelConfig& config, int64_t positions) {
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const at::Tensor exponents =
      at::arange(0, config.head_dim, 2, options) / config.head_dim;
  const at::Tensor frequencies = at::pow(config.rope_theta, exponents).reciprocal();
  const at::Tensor angles = at::outer(at::arange(0, positions, options), frequencies);
  return {angles.cos().contiguous(), angles.sin().contiguous()};
}

}  // namespace srpo::model
