// UTF-8 and the few facts about characters that tokenizers need, in the Unicode versions
// of Hugging Face `tokenizers`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace srpo::text {

/// General categories that occur in kCategoryAdditions.
enum class Category { kCf, kLl, kLm, kLo, kLu, kMc, kMn, kNd, kNo, kPd, kPo, kSm, kSo };

struct CategoryRange {
  char32_t first;
  char32_t last;  ///< inclusive
  Category category;
};

struct CodePointRange {
  char32_t first;
  char32_t last;  ///< inclusive
};

/// Offset of the first byte that is not part of UTF-8; nothing when all of it is.
std::optional<size_t> find_invalid_utf8(std::string_view bytes);

/// The bytes with every longest broken piece replaced by U+FFFD (the rule of WHATWG and
/// of Rust's from_utf8_lossy).
std::string repair_utf8(std::string_view bytes);

/// How many bytes at the end begin a character that further bytes could complete: 0 to 3.
size_t unfinished_length(std::string_view bytes);

/// Reads the character at `position` of valid UTF-8 and moves `position` behind it.
char32_t next_character(std::string_view text, size_t& position);

void append_utf8(std::string& text, char32_t character);

/// The White_Space property.
bool is_white_space(char32_t character);

/// Categories Nd, Nl and No of Unicode 17.
bool is_numeric(char32_t character);

/// Canonical composition (NFC) of valid UTF-8 for the characters of Unicode 9; later ones
/// stay as they are.
std::string compose(std::string_view text);

/// Whether a character of valid UTF-8 is in kCategoryAdditions.
bool has_category_additions(std::string_view text);

/// Replaces such characters by older ones of equal category and equal length, so that
/// PCRE2 classifies them rightly.
void replace_category_additions(std::string& text);

}  // namespace srpo::text
