// How much memory generation will take, known before anything is allocated.
#pragma once

#include <cstdint>
#include <string>

#include "model/model_config.h"
#include "model/tensor_map.h"

namespace srpo::engine {

struct EngineConfig;

/// Bytes, when the cache is full and the batch at its largest.
struct MemoryPlan {
  int64_t weights = 0;
  int64_t cache = 0;
  int64_t activations = 0;  ///< with logits and what the sampler keeps

  int64_t total() const { return weights + cache + activations; }
};

MemoryPlan plan_memory(const model::ModelConfig& model, const EngineConfig& config);

/// Bytes that this process may still take: what the machine has left, or less where a
/// control group limits it.
int64_t available_memory();

/// Throws kBadConfig, with the parts and what to lower, if more is planned than
/// `available`.
void require_memory(const MemoryPlan& plan, int64_t available = available_memory());

/// Throws kBadInput naming the first weight that is not a finite number, as
/// `model.norm.weight[3] is nan`.
void check_finite(const model::TensorMap& weights);

}  // namespace srpo::engine
