// Cuts an answer in LaTeX or plain notation into tokens; linear in its length.
#pragma once

#include <cstdint>
#include <gmpxx.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "verify/math_limits.h"

namespace srpo::verify {

/// What is written is no mathematics that we read. Never leaves the reader of answers.
class MathSyntaxError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class TokenKind : uint8_t {
  kNumber,
  kBased,     ///< text: digits, value: base
  kSymbol,    ///< one letter, or a Greek name
  kConstant,  ///< text: pi, e, i, inf, empty, reals
  kFunction,  ///< text: name as in function_name
  kText,      ///< words
  kWordAnd,
  kWordOr,
  kOperator,  ///< text: + - * / ^ _ ! % ' +- -+ , ; : & \\ | cup cap setminus deg mod
  kRelation,  ///< text: = < <= > >= != ~ in
  kOpen,      ///< text: ( [ { \{ < floor ceil abs
  kClose,     ///< text: ) ] } \} > floor ceil abs
  kCommand,   ///< text: frac sqrt binom begin:NAME end:NAME decorate:NAME sum prod int
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  mpq_class value;      // of a number
  int decimals = -1;    // digits behind the point
  int significant = 0;  // digits from the first that is not zero
  bool after_space = false;

  bool is(TokenKind other, std::string_view what) const {
    return kind == other && text == what;
  }
};

struct LexerOptions {
  bool group_commas = true;    ///< 1,234 is one number (outside brackets)
  bool decimal_comma = false;  ///< 1,5 is one number (outside brackets)
};

/// Ends with a kEnd token. Throws MathSyntaxError or OverBudget.
std::vector<Token> math_tokens(std::string_view text, const LexerOptions& options,
                               MathBudget& budget);

}  // namespace srpo::verify
