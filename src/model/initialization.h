// Weights of a model that has learnt nothing.
#pragma once

#include <cstdint>

#include "model/model_config.h"
#include "model/tensor_map.h"

namespace srpo::model {

/// fp32 weights drawn from N(0, 0.02), norms 1, biases 0. The same for the same seed on
/// every machine.
TensorMap make_initial_weights(const ModelConfig& config, uint64_t seed);

}  // namespace srpo::model
