// Sets of real numbers: intervals, points, and what inequalities in one unknown say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/math_limits.h"
#include "verify/math_scalar.h"
#include "verify/math_tree.h"

namespace srpo::verify {

/// From `lower` to `upper`; a point when they are equal and both closed.
struct Interval {
  NodePtr lower;
  NodePtr upper;
  bool lower_open = false;
  bool upper_open = false;
};

/// Sorted, disjoint, and not touching.
struct RealSet {
  std::string unknown;  ///< of the inequality it was written as, "" otherwise
  std::vector<Interval> intervals;
};

/// The set that an interval, a set of constants, a union, an intersection, a difference,
/// an inequality in one unknown, or several of them joined by "or" and "and" describe.
/// Nothing for everything else, and where constants cannot be put in order.
std::optional<RealSet> real_set(const NodePtr& node, MathBudget& budget);

/// The same intervals, or different unknowns.
Comparison compare_sets(const RealSet& left, const RealSet& right, MathBudget& budget);

}  // namespace srpo::verify
