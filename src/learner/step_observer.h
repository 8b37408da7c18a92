// What an update does, seen from inside, for debugging.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rl/training_batch.h"

namespace srpo::learner {

/// The gradient of what is gathered together: a decoder layer, or what stands outside of
/// the layers.
struct UnitNorm {
  std::string unit;  ///< "layer 3", "embeddings and head"
  double norm = 0;   ///< L2, over all ranks, before clipping
};

/// Called by a learner on its own thread. What it is given lives as long as the call.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  /// One micro-batch of this rank. Log-probabilities and losses have an entry for each
  /// loss row; the losses of all rows and ranks add up to the update's.
  virtual void see_micro_batch(const rl::PackedBatch& batch,
                               std::span<const float> logprobs,
                               std::span<const double> losses) = 0;
  /// The end of an update, applied or skipped; the same on every rank.
  virtual void see_gradient(std::span<const UnitNorm> norms, bool is_applied) = 0;
};

}  // namespace srpo::learner
