// Weights on their way from learners to generators and localizers.
#pragma once

#include <memory>

#include "model/model_config.h"
#include "model/tensor_map.h"
#include "ranks/protocol.h"
#include "ranks/run_config.h"

namespace srpo::ranks {

/// Refers to the memory of the weights where they are contiguous 32-bit floats on the
/// CPU: nobody may change them while the update is on its way. With `bf16` they are
/// rounded, once and here, to half the size.
WeightUpdate pack_weights(const model::TensorMap& weights, uint32_t version,
                          bool bf16 = false);
/// 32-bit floats: read-only views of the update's memory, which they keep, or copies of
/// what travelled as bf16. Throws kPeerLost when a tensor's shape and its bytes disagree,
/// its digest is another, or a value is not finite.
model::TensorMap unpack_weights(const WeightUpdate& update);

/// Where the model of a run lies: its folder with config.json and tokenizer.json, and
/// weights unless it is made from nothing.
struct ModelFolder {
  std::filesystem::path path;
  bool has_weights = false;
};
ModelFolder model_folder(const RunConfig& config);

/// An engine that holds some version of the policy; made when the first weights arrive.
class PolicyEngine {
 public:
  PolicyEngine(const RunConfig& config, std::function<std::string(int32_t)> token_bytes);

  /// Installs a version: all weights, or an adapter merged into the base weights.
  void load(const WeightUpdate& update);
  bool is_ready() const { return engine_ != nullptr; }
  engine::GenerationEngine& engine() { return *engine_; }

 private:
  const RunConfig& config_;
  std::function<std::string(int32_t)> token_bytes_;
  model::ModelConfig model_config_;
  model::TensorMap base_;  // with an adapter: the weights it is merged into
  std::unique_ptr<engine::GenerationEngine> engine_;
};

}  // namespace srpo::ranks
