// How long recent pieces of work took, by their size.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/workers.h"

namespace srpo::scheduler {

/// Sizes are put into buckets by powers of two; each keeps its last 256 durations.
/// Thread-compatible.
class LatencyWindow {
 public:
  void add(uint32_t size, Time took);
  /// Nothing until the bucket has kSettled durations. At most 16 durations old.
  std::optional<Time> median(uint32_t size) const;
  std::optional<Time> p95(uint32_t size) const;

  static constexpr uint32_t kSettled = 20;

 private:
  static constexpr uint32_t kKept = 256;
  static constexpr uint32_t kRefresh = 16;
  struct Bucket {
    std::vector<Time> recent;  // a ring
    uint32_t next = 0;
    uint32_t since_refresh = 0;
    Time median{0};
    Time p95{0};
  };
  static size_t bucket_of(uint32_t size);
  static void refresh(Bucket& bucket);

  std::array<Bucket, 33> buckets_;
};

}  // namespace srpo::scheduler
