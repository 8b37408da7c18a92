#include "scheduler/latency_window.h"

#include <algorithm>
#include <bit>

namespace srpo::scheduler {

size_t LatencyWindow::bucket_of(uint32_t size) {
  return static_cast<size_t>(std::bit_width(size));
}

void LatencyWindow::refresh(Bucket& bucket) {
  std::vector<Time> sorted = bucket.recent;
  const auto at = [&](double share) {
    const auto place = static_cast<long>(share * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), sorted.begin() + place, sorted.end());
    return sorted[static_cast<size_t>(place)];
  };
  bucket.median = at(0.5);
  bucket.p95 = at(0.95);
  bucket.since_refresh = 0;
}

void LatencyWindow::add(uint32_t size, Time took) {
  Bucket& bucket = buckets_[bucket_of(size)];
  if (bucket.recent.size() < kKept) {
    bucket.recent.push_back(took);
  } else {
    bucket.recent[bucket.next] = took;
    bucket.next = (bucket.next + 1) % kKept;
  }
  ++bucket.since_refresh;
  if (bucket.since_refresh >= kRefresh || bucket.recent.size() == kSettled)
    refresh(bucket);
}

std::optional<Time> LatencyWindow::median(uint32_t size) const {
  const Bucket& bucket = buckets_[bucket_of(size)];
  if (bucket.recent.size() < kSettled) return std::nullopt;
  return bucket.median;
}

std::optional<Time> LatencyWindow::p95(uint32_t size) const {
  const Bucket& bucket = buckets_[bucket_of(size)];
  if (bucket.recent.size() < kSettled) return std::nullopt;
  return bucket.p95;
}

}  // namespace srpo::scheduler
