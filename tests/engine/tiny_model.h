// The tiny random Llama of tests/golden, and what transformers computed with it.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "engine/cpu_decoder.h"
#include "model/hf_folder.h"

namespace srpo::engine {

inline std::string golden_folder() {
  return std::string(SRPO_SOURCE_DIR) + "/tests/golden/llama_tiny";
}

inline nlohmann::json golden() {
  return nlohmann::json::parse(core::read_file(golden_folder() + "/expected.json"));
}

inline CpuDecoder tiny_decoder(model::WeightType type = model::WeightType::kFloat32,
                               int threads = 1) {
  return CpuDecoder(model::ModelConfig::load(golden_folder()),
                    model::load_weights(golden_folder()), type, threads);
}

}  // namespace srpo::engine
