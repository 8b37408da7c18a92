// How much work one mathematical comparison may do, and the counter that stops it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "core/deadline.h"

namespace srpo::verify {

/// All of them are upper bounds for one comparison of two answers.
struct MathLimits {
  size_t max_bytes = 8192;      ///< of an answer that is read as mathematics
  int max_depth = 400;          ///< nesting of an expression
  int64_t max_nodes = 6000;     ///< of one expression
  int64_t max_steps = 400'000;  ///< operations, weighted by their size
  int64_t max_bits = 40'000;    ///< of an exact integer
  int64_t max_terms = 2000;     ///< of a polynomial
  size_t max_elements = 128;    ///< of a list, a set or a tuple
  std::chrono::milliseconds max_time{500};
};

/// A limit was reached: there is no decision. `what()` names the limit.
class OverBudget : public std::runtime_error {
 public:
  explicit OverBudget(const char* limit, bool is_time = false)
      : std::runtime_error(limit), is_time_(is_time) {}
  bool is_time() const { return is_time_; }

 private:
  bool is_time_;
};

/// Counts down the steps of one comparison. One thread only.
class MathBudget {
 public:
  explicit MathBudget(const MathLimits& limits)
      : limits_(limits),
        steps_left_(limits.max_steps),
        deadline_(core::Deadline::in(limits.max_time)) {}

  /// Throws OverBudget when the steps or the time are used up.
  void spend(int64_t steps = 1) {
    steps_left_ -= steps;
    if (steps_left_ < 0) throw OverBudget("too many steps");
    since_look_ += steps;
    if (since_look_ < 256) return;
    since_look_ = 0;
    if (deadline_.has_passed()) throw OverBudget("time", true);
  }

  const MathLimits& limits() const { return limits_; }

 private:
  const MathLimits limits_;
  int64_t steps_left_;
  int64_t since_look_ = 0;
  core::Deadline deadline_;
};

}  // namespace srpo::verify
