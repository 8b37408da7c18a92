// The shapes of answers: labels before an equals sign, units, signs that stand for two
// values, matrices to be added up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/math_limits.h"
#include "verify/math_tree.h"

namespace srpo::verify {

/// An equation `label = value`: x = 5, f(x) = x + 1, (p, q) = (3, 2), AB = 4, and chains
/// x = 1/3 = 0.333.. of which the last exact side counts. A side behind an "about" sign
/// counts only when nothing else does.
struct Labelled {
  NodePtr label;  ///< null for a chain of constants: 2 + 3 = 5
  NodePtr value;
};
std::optional<Labelled> labelled_value(const NodePtr& node);

/// A value and what stands around it.
struct Quantity {
  NodePtr value;
  std::string unit;
  bool percent = false;
  bool degree = false;
};
Quantity quantity_of(const NodePtr& node);

/// Every +- taken once up and once down (all of one element together, elements of a list
/// each for itself): a list of two, or the node itself when there is none.
NodePtr expanded_signs(const NodePtr& node, MathBudget& budget);

/// Sums and products of matrices worked out; the node itself where there are none.
NodePtr worked_out(const NodePtr& node, MathBudget& budget);

/// The letters of a word that was read as a product: o d d gives "odd"; "" for all else.
std::string letters_of(const NodePtr& node);

}  // namespace srpo::verify
