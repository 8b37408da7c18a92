// Trimming by the rule of Python's str.strip().
#pragma once

#include <string_view>

namespace srpo::text {

/// Without the white space (White_Space, and the separators U+001C..U+001F) at its ends.
/// Bytes that are not UTF-8 are no white space.
std::string_view trim_left(std::string_view text);
std::string_view trim_right(std::string_view text);
std::string_view trim(std::string_view text);

}  // namespace srpo::text
