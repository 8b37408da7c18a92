// How far another process's steady clock is from ours, from pings; the fastest one tells
// most.
#pragma once

#include <chrono>
#include <cstdint>

namespace srpo::actors {

/// Thread-compatible. Times in ns of the clock they were read from.
class ClockOffset {
 public:
  /// A ping that left at `sent`, reached the other at `received`, left it at `answered`
  /// and was back at `back`.
  void add(int64_t sent, int64_t received, int64_t answered, int64_t back) {
    const int64_t round_trip = (back - sent) - (answered - received);
    if (round_trip < 0) return;
    // Clocks drift by some 10 ppm: an old sample loses 20 us a second.
    const int64_t best_now =
        has_sample_ ? round_trip_ + (back - sampled_) / 50'000 : INT64_MAX;
    if (round_trip > best_now) return;
    has_sample_ = true;
    round_trip_ = round_trip;
    sampled_ = back;
    offset_ = ((received - sent) + (answered - back)) / 2;
  }
  /// To be added to our clock to get the other's. Wrong by at most half of round_trip().
  std::chrono::nanoseconds offset() const { return std::chrono::nanoseconds(offset_); }
  std::chrono::nanoseconds round_trip() const {
    return std::chrono::nanoseconds(round_trip_);
  }
  bool is_known() const { return has_sample_; }

 private:
  bool has_sample_ = false;
  int64_t round_trip_ = 0;
  int64_t sampled_ = 0;
  int64_t offset_ = 0;
};

}  // namespace srpo::actors
