// The learning rate from update to update.
#pragma once

#include <cstdint>

namespace srpo::learner {

/// A factor of the learning rate: it rises linearly over `warmup` updates, then stays, or
/// falls to `final_factor` at update `total` along a line or half a cosine.
struct LearningSchedule {
  enum class Kind : uint8_t { kConstant, kLinear, kCosine };
  Kind kind = Kind::kConstant;
  int64_t warmup = 0;
  int64_t first = 0;  ///< updates before this one are not the schedule's: factor 1
  int64_t total = 0;  ///< updates, with those of the warm-up; needed to fall
  double final_factor = 0;

  /// `update` counts all updates so far, from 0.
  double factor(int64_t update) const;
};

}  // namespace srpo::learner
