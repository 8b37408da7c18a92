#include "text/byte_alphabet.h"

#include <array>

#include "text/unicode.h"

namespace srpo::text {
namespace {

constexpr char32_t kFirstSubstitute = 0x100;
constexpr int kNumSubstitutes = 68;  // 256 bytes less the 188 that print

struct Alphabet {
  std::array<char32_t, 256> letter_of{};
  std::array<uint8_t, kNumSubstitutes> byte_of{};  ///< for kFirstSubstitute + i
};

bool prints(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

const Alphabet& alphabet() {
  static const Alphabet value = [] {
    Alphabet made;
    int substitutes = 0;
    for (int byte = 0; byte < 256; ++byte) {
      if (prints(byte)) {
        made.letter_of[byte] = static_cast<char32_t>(byte);
      } else {
        made.byte_of[substitutes] = static_cast<uint8_t>(byte);
        made.letter_of[byte] = kFirstSubstitute + substitutes++;
      }
    }
    return made;
  }();
  return value;
}

}  // namespace

std::string letters_of_bytes(std::string_view bytes) {
  std::string letters;
  for (char byte : bytes)
    append_utf8(letters, alphabet().letter_of[static_cast<uint8_t>(byte)]);
  return letters;
}

std::optional<std::string> bytes_of_letters(std::string_view token) {
  std::string bytes;
  for (size_t position = 0; position < token.size();) {
    const char32_t letter = next_character(token, position);
    if (letter < 0x100 && prints(static_cast<int>(letter))) {
      bytes += static_cast<char>(letter);
    } else if (letter >= kFirstSubstitute &&
               letter < kFirstSubstitute + kNumSubstitutes) {
      bytes += static_cast<char>(alphabet().byte_of[letter - kFirstSubstitute]);
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

}  // namespace srpo::text
