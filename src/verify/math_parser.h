// Reads an answer in LaTeX or plain notation into a tree.
#pragma once

#include <string_view>

#include "verify/math_lexer.h"
#include "verify/math_limits.h"
#include "verify/math_tree.h"

namespace srpo::verify {

/// Throws MathSyntaxError when the whole text cannot be read, OverBudget at a limit.
/// Recursive descent without backtracking: linear in the number of tokens.
NodePtr parse_math(std::string_view text, const LexerOptions& options,
                   MathBudget& budget);

}  // namespace srpo::verify
