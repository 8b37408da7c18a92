// Values of expressions as complex balls: a centre and a radius that surely holds the
// value (Arb).
#pragma once

#include <acb.h>
#include <gmpxx.h>
#include <map>
#include <string>

#include "verify/math_limits.h"
#include "verify/math_tree.h"

namespace srpo::verify {

/// Owns one acb_t. Belongs to the thread that made it.
class Ball {
 public:
  Ball() { acb_init(value_); }
  explicit Ball(const mpq_class& value, slong precision);
  ~Ball() { acb_clear(value_); }
  Ball(const Ball& other) : Ball() { acb_set(value_, other.value_); }
  Ball& operator=(const Ball& other) {
    acb_set(value_, other.value_);
    return *this;
  }
  Ball(Ball&& other) noexcept : Ball() { acb_swap(value_, other.value_); }
  Ball& operator=(Ball&& other) noexcept {
    acb_swap(value_, other.value_);
    return *this;
  }

  acb_ptr get() { return value_; }
  acb_srcptr get() const { return value_; }
  bool is_finite() const { return acb_is_finite(value_) != 0; }
  bool is_real() const { return acb_is_real(value_) != 0; }
  bool contains_zero() const { return acb_contains_zero(value_) != 0; }

 private:
  acb_t value_;
};

using Assignment = std::map<std::string, Ball>;

/// Evaluates with `precision` bits. The result is not finite when the value is undefined,
/// unknown, or not found at this precision. Unknowns stand in `assignment` under the
/// names that collect_unknowns gives. Throws OverBudget for values beyond 2^(2^31) and at
/// a limit.
Ball evaluate(const NodePtr& node, const Assignment& assignment, slong precision,
              MathBudget& budget);

/// Frees the tables that Arb keeps for this thread when the thread ends. Every function
/// here that computes with balls sees to it.
void register_thread_cleanup();

}  // namespace srpo::verify
