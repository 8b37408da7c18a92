#include "text/white_space.h"

#include "text/unicode.h"

namespace srpo::text {
namespace {

/// Whether these bytes are one character of white space.
bool is_space(std::string_view bytes) {
  if (bytes.empty() || find_invalid_utf8(bytes)) return false;
  size_t position = 0;
  const char32_t character = next_character(bytes, position);
  return position == bytes.size() &&
         (is_white_space(character) || (character >= 0x1C && character <= 0x1F));
}

constexpr size_t kMaxSpaceBytes = 3;

}  // namespace

std::string_view trim_left(std::string_view text) {
  for (size_t length = 1; length <= kMaxSpaceBytes && length <= text.size(); ++length) {
    if (is_space(text.substr(0, length))) {
      text.remove_prefix(length);
      length = 0;
    }
  }
  return text;
}

std::string_view trim_right(std::string_view text) {
  for (size_t length = 1; length <= kMaxSpaceBytes && length <= text.size(); ++length) {
    if (is_space(text.substr(text.size() - length))) {
      text.remove_suffix(length);
      length = 0;
    }
  }
  return text;
}

std::string_view trim(std::string_view text) { return trim_left(trim_right(text)); }

}  // namespace srpo::text
