// Whether what a program wrote is what was expected. Runs outside the sandbox.
#pragma once

#include <string>
#include <string_view>

namespace srpo::verify {

enum class CheckerKind {
  kLines,      ///< LiveCodeBench's: trimmed lines equal, as text or as decimals
  kExact,      ///< every byte
  kTokens,     ///< words between white space
  kTolerance,  ///< words, numbers within `absolute` or `relative` of the expected
  kProgram,    ///< a Python program of the problem's author judges
};

struct Checker {
  CheckerKind kind = CheckerKind::kLines;
  double absolute = 1e-6;
  double relative = 1e-6;
  std::string
      program;  ///< of kProgram: exit code 0 accepts; files input, expected, output
};

/// For every kind but kProgram. Linear in both texts.
bool output_is_right(const Checker& checker, std::string_view output,
                     std::string_view expected);

/// Python's `Decimal(a) == Decimal(b)`; false where one is no decimal.
bool same_decimal(std::string_view a, std::string_view b);

/// Python's `==` of two JSON texts: numbers by value whatever their size, true is 1, an
/// object by its pairs. False where one is not JSON or is nested deeper than 1000.
bool same_json(std::string_view a, std::string_view b);

}  // namespace srpo::verify
