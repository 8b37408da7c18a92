#include "learner/learning_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace srpo::learner {

double LearningSchedule::factor(int64_t update) const {
  if (update < warmup)
    return (static_cast<double>(update) + 1) / static_cast<double>(warmup);
  const int64_t own = update - first;
  if (own < 0 || kind == Kind::kConstant) return 1;
  const int64_t risen = std::max<int64_t>(0, warmup - first);
  const int64_t falling = std::max<int64_t>(1, total - risen);
  const double done =
      std::min(1.0, static_cast<double>(own - risen) / static_cast<double>(falling));
  const double left =
      kind == Kind::kLinear ? 1 - done : (1 + std::cos(std::numbers::pi * done)) / 2;
  return final_factor + (1 - final_factor) * left;
}

}  // namespace srpo::learner
