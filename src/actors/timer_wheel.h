// Deadlines of many calls, cheap to set and to take back.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/deadline.h"

namespace srpo::actors {

/// A hashed wheel of 1024 ticks of about a millisecond. add() and remove() take constant
/// time. Thread-compatible.
class TimerWheel {
 public:
  using Time = core::Clock::time_point;

  /// A timer that gives `key` back when `at` has come; never 0.
  uint32_t add(Time at, uint64_t key);
  /// Takes back a timer that has not fired.
  void remove(uint32_t timer);
  /// Takes out what is due, earliest first, and calls `fire(key)` for each. `fire` may
  /// add and remove timers, also ones that are due.
  void expire(Time now, const std::function<void(uint64_t)>& fire);
  /// The earliest time; looks at every timer.
  std::optional<Time> next() const;
  size_t size() const { return used_; }

 private:
  static constexpr uint32_t kTicks = 1024;
  static constexpr int kTickBits = 20;  // of nanoseconds

  struct Entry {
    Time at;
    uint64_t key = 0;
    uint32_t previous = 0;
    uint32_t next = 0;
    uint32_t bucket = 0;
    bool used = false;
  };

  static uint64_t tick_of(Time at) {
    return static_cast<uint64_t>(at.time_since_epoch().count()) >> kTickBits;
  }
  void collect(uint32_t bucket, Time now, std::vector<uint32_t>& due) const;

  std::vector<Entry> entries_ = std::vector<Entry>(1);  // 0 is no entry
  std::vector<uint32_t> free_;
  std::vector<uint32_t> heads_ = std::vector<uint32_t>(kTicks, 0);
  uint64_t last_tick_ = 0;
  size_t used_ = 0;
};

}  // namespace srpo::actors
