// Exact rational values of expressions.
#pragma once

#include <gmpxx.h>
#include <optional>

#include "verify/math_limits.h"
#include "verify/math_tree.h"

namespace srpo::verify {

/// The value when it is rational by the rules of arithmetic alone (integer powers, exact
/// roots, factorials, binomials, floors); nothing when it is not, is undefined, or is too
/// large to be written out. Percent counts in hundredths; units are ignored.
std::optional<mpq_class> exact_rational(const NodePtr& node, MathBudget& budget);

/// base^exponent, nothing when it is undefined or has more than max_bits bits.
std::optional<mpq_class> rational_power(const mpq_class& base, const mpz_class& exponent,
                                        MathBudget& budget);

/// The exact root, nothing when it is irrational or not real.
std::optional<mpq_class> rational_root(const mpq_class& value, unsigned long index);

}  // namespace srpo::verify
