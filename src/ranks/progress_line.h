// What a person watching a run sees: one live line on a terminal, plain lines in a log.
#pragma once

#include <string>

#include "core/deadline.h"

namespace srpo::ranks {

/// Writes to standard error. A terminal is what isatty says, or what
/// SRPO_PROGRESS=terminal says (under mpirun the ranks write into a pipe). One thread
/// only: its owner's.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }

  /// What is going on right now: shown on a terminal at most five times a second, in a
  /// log every 30 seconds.
  void update(const std::string& text);
  /// Something that stays.
  void print(const std::string& text);

 private:
  void clear();

  bool terminal_;
  bool shown_ = false;
  core::Stopwatch since_update_;
  bool first_ = true;
};

/// `1:05:09`, `3:20`
std::string format_duration(double seconds);

/// A number with so many digits behind the point.
std::string fixed(double value, int digits);

/// Remaining time from work done: remembers when it started. Thread-compatible.
class Eta {
 public:
  /// Call when `done` of `total` were already finished at the start.
  void restart(double done) {
    watch_.restart();
    done_at_start_ = done;
  }
  /// "3:20", or "?" before anything was done.
  std::string text(double done, double total) const;

 private:
  core::Stopwatch watch_;
  double done_at_start_ = 0;
};

}  // namespace srpo::ranks
