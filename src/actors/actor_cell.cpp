#include "actors/actor_cell.h"

#include <algorithm>
#include <bit>

namespace srpo::actors {

void LatencyHistogram::add(std::chrono::nanoseconds time) {
  const auto ticks = static_cast<uint64_t>(std::max<int64_t>(time.count(), 0));
  const auto bucket = std::min<size_t>(std::bit_width(ticks), counts.size() - 1);
  ++counts[bucket];
  ++total;
}

std::chrono::nanoseconds LatencyHistogram::quantile(double q) const {
  if (total == 0) return std::chrono::nanoseconds{0};
  const auto wanted = static_cast<uint64_t>(q * static_cast<double>(total - 1));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < counts.size(); ++bucket) {
    seen += counts[bucket];
    if (seen > wanted) return std::chrono::nanoseconds(int64_t{1} << bucket);
  }
  return std::chrono::nanoseconds(int64_t{1} << (counts.size() - 1));
}

size_t ActorCell::num_running() const {
  size_t count = 0;
  for (const MethodState& method : methods) count += static_cast<size_t>(method.running);
  return count;
}

}  // namespace srpo::actors
