// The words and signs of mathematical writing: LaTeX commands, Unicode signs, functions,
// units.
#pragma once

#include <gmpxx.h>
#include <optional>
#include <string>
#include <string_view>

namespace srpo::verify {

/// LaTeX for a Unicode sign at the front of `text` ("√" is `\sqrt `), and its length in
/// bytes; nothing for any other character.
struct UnicodeSign {
  const char* sign;
  const char* latex;
};
const UnicodeSign* unicode_sign(std::string_view text);

/// The name under which a function is computed ("arcsin" is "asin"); "" for other words.
std::string function_name(std::string_view word);

/// "pi", "e", "inf", ... for a word or command that is a constant; "" otherwise.
std::string constant_name(std::string_view word);

bool is_greek_letter(std::string_view command);

/// A unit in base units of its dimension: "5 cm" is 5 / 100 of "length".
struct Unit {
  std::string dimension;
  mpq_class factor;
};
/// The unit that a text names, such as "cm", "square meters", "km/h", "cm^2", "cents".
std::optional<Unit> find_unit(const std::string& text);

/// Words before or behind a number that make it another value or no value: "not", "at
/// least", "or more", "negative", "plus".
bool changes_value(std::string_view words);

/// Lower case, letters and digits only, one blank between words, articles dropped.
std::string plain_words(std::string_view text);

}  // namespace srpo::verify
