// Expressions as quotients of polynomials with rational coefficients (FLINT): equal
// normal forms prove equality.
#pragma once

#include "verify/math_limits.h"
#include "verify/math_tree.h"

namespace srpo::verify {

enum class Proof { kEqual, kUnequal, kUnknown };

/// The generators are the unknowns and every part that is no arithmetic (pi, roots,
/// functions, powers with unknown exponents), each as an unknown of its own. Unequal is
/// proven only where all generators are unknowns. Unknown also at a limit.
Proof compare_normal_forms(const NodePtr& left, const NodePtr& right, MathBudget& budget);

/// Whether left = 0 and right = 0 are one equation: numerators that differ by a constant
/// factor other than zero. `sign` is the sign of that factor where both denominators are
/// constant, 0 otherwise (then an inequality would not be the same).
Proof compare_equations(const NodePtr& left, const NodePtr& right, int* sign,
                        MathBudget& budget);

/// The coefficients of a polynomial of degree 1 in one unknown, `slope * x + offset`.
/// False when the expression is anything else.
bool linear_form(const NodePtr& node, const std::string& unknown, mpq_class* slope,
                 mpq_class* offset, MathBudget& budget);

}  // namespace srpo::verify
