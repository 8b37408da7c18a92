// Decides whether two expressions have the same value: exactly where that can be, else by
// balls, never by rounding.
#pragma once

#include <optional>
#include <string>

#include "verify/math_limits.h"
#include "verify/math_tree.h"

namespace srpo::verify {

/// How a comparison ended, with the reason in words.
struct Comparison {
  bool same = false;
  std::string reason;
};

/// Equal by one of: the same form; the same rational number; the same normal form; for
/// algebraic constants a separation bound; for other constants agreement to 100 digits;
/// for functions of unknowns agreement to 48 digits at random points, positive ones
/// first. Different whenever a ball of the difference keeps away from zero. Undecided is
/// different. Throws OverBudget.
Comparison compare_scalars(const NodePtr& left, const NodePtr& right, MathBudget& budget);

/// Whether left / right is one and the same constant other than zero at random points.
bool are_proportional(const NodePtr& left, const NodePtr& right, MathBudget& budget);

/// -1, 0, 1 for two real constants (inf and -inf among them), nothing when one is not
/// real or no order is found.
std::optional<int> order_of(const NodePtr& left, const NodePtr& right,
                            MathBudget& budget);

/// +1 or -1 for inf and -inf, 0 for everything else.
int infinite_sign(const NodePtr& node);

/// |left - right| <= half of 10^-decimals, surely.
bool are_close(const NodePtr& left, const NodePtr& right, int decimals,
               MathBudget& budget);

/// B such that the value is zero or at least 2^-B in size, for constants made of rational
/// numbers, roots, i, and sines and cosines of rational multiples of pi (the bound of
/// Burnikel, Funke, Mehlhorn, Schirra and Schmitt). Nothing for other expressions.
std::optional<double> separation_bits(const NodePtr& node, MathBudget& budget);

}  // namespace srpo::verify
