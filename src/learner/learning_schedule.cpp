#include "learner/learning_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace srpo::learner {

double LearningSchedule::factor(int64_t update) const {
  const int64_t own = update - first;
  if (own < 0) return 1;
  if (own < warmup) return (static_cast<double>(own) + 1) / static_cast<double>(warmup);
  if (kind == Kind::kConstant) return 1;
  const int64_t falling = std::max<int64_t>(1, total - warmup);
  const double done =
      std::min(1.0, static_cast<double>(own - warmup) / static_cast<double>(falling));
  const double left =
      kind == Kind::kLinear ? 1 - done : (1 + std::cos(std::numbers::pi * done)) / 2;
  return final_factor + (1 - final_factor) * left;
}

}  // namespace srpo::learner
