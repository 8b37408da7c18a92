// The printable character that byte-level vocabularies write for each byte ("Ġ" for a
// space).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace srpo::text {

/// A text of byte-level letters for bytes: "\n" -> "Ċ".
std::string letters_of_bytes(std::string_view bytes);

/// The bytes that the letters of a token stand for; nothing when a character is no such
/// letter.
std::optional<std::string> bytes_of_letters(std::string_view token);

}  // namespace srpo::text
