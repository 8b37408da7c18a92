// What a model folder holds, and what memory generation with it takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "model/model_config.h"
#include "model/packed_linear.h"

namespace srpo::engine {

/// What generation on this machine's processor keeps in memory, in bytes.
struct ModelMemory {
  int64_t weights = 0;  ///< stored as the weight type; norms and biases in float32
  int64_t cache_of_token = 0;
  int64_t cache = 0;        ///< context * batch tokens, in whole blocks
  int64_t activations = 0;  ///< of the largest step, and rotary tables

  int64_t total() const { return weights + cache + activations; }
};

/// `batch` sequences of `context` tokens each.
ModelMemory model_memory(const model::ModelConfig& config, model::WeightType type,
                         int64_t context, int64_t batch);

/// Lines for a reader: family, sizes, parameters, the weight files (and what is wrong
/// with them), memory for `batch` sequences of `context` tokens, and what of it does not
/// fit into `available` bytes. `context` 0: as long as the model goes. Throws kBadFile
/// for a folder whose config.json cannot be used, kBadInput for a context longer than the
/// model's.
std::string describe_model(const std::filesystem::path& folder, int64_t context,
                           int64_t batch, int64_t available);

}  // namespace srpo::engine
