// Rotary positions: the angles' cosines and sines.
#pragma once

#include <ATen/core/Tensor.h>

#include "model/model_config.h"

namespace srpo::model {

/// float32 [positions, head_dim / 2] each. Rotation on halves: [a, b] -> [a cos - b sin,
/// b cos + a sin].
struct RotaryTable {
  at::Tensor cos;
  at::Tensor sin;
};

/// For positions 0 .. positions-1: angle = position * theta^(-2i / head_dim), in fp32 as
/// Hugging Face computes it.
RotaryTable rotary_table(const ModelConfig& config, int64_t positions);

}  // namespace srpo::model
