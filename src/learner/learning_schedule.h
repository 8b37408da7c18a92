// The learning rate from update to update.
#pragma once

#include <cstdint>

namespace srpo::learner {

/// A factor of the learning rate: it rises linearly over the first `warmup` updates of
/// all, then stays, or falls along a line or half a cosine from update `first` on, to
/// `final_factor` `total` updates later. (Updates before `first` are demonstrations',
/// which have a rate of their own.)
struct LearningSchedule {
  enum class Kind : uint8_t { kConstant, kLinear, kCosine };
  Kind kind = Kind::kConstant;
  int64_t warmup = 0;
  int64_t first = 0;
  int64_t total = 0;
  double final_factor = 0;

  /// `update` counts all updates so far, from 0.
  double factor(int64_t update) const;
};

}  // namespace srpo::learner
