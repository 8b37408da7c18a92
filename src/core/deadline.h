// Elapsed time and absolute deadlines on the monotonic clock; a clock step never moves
// them.
#pragma once

#include <chrono>

namespace srpo::core {

using Clock = std::chrono::steady_clock;

/// Seconds since it was made or restarted.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }
  void restart() { start_ = Clock::now(); }

 private:
  Clock::time_point start_ = Clock::now();
};

/// A point in time after which a wait gives up.
class Deadline {
 public:
  static Deadline in(std::chrono::nanoseconds duration) {
    return Deadline(Clock::now() + duration);
  }
  bool has_passed() const { return Clock::now() >= at_; }
  Clock::time_point at() const { return at_; }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

}  // namespace srpo::core
