// Batches as the method makes them, for measuring learners.
#pragma once

#include <cstdint>
#include <vector>

#include "model/model_config.h"
#include "rl/training_tree.h"

namespace srpo::learner {

/// Where chains are gone back into.
enum class ResetDraw : uint8_t {
  kUniform,  ///< any thought alike, as RRPO draws it
  kEarly,  ///< early ones are likelier, as a policy that finds its first error names them
};

/// The shape of a problem's chains in tokens; the proportions of the method's.
struct BatchShape {
  int64_t trees = 2;
  int64_t prompt_tokens = 88;
  int64_t thoughts = 17;
  int64_t thought_tokens = 22;
  int64_t vocab_size = 8192;
};

/// Trees of four chains and a reset with four endings; the prefix is the beginning of one
/// of the chains. Rewards are drawn so that no group is all equal. The same for the same
/// seed.
std::vector<rl::TrainingTree> make_srpo_batch(const BatchShape& shape, ResetDraw draw,
                                              uint64_t seed);

/// A small decoder of common proportions.
model::ModelConfig benchmark_model(int64_t hidden_size, int64_t num_layers,
                                   int64_t vocab_size);

}  // namespace srpo::learner
