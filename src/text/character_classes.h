// Letter, number, white space or something else: what the word patterns of tokenizers ask.
#pragma once

#include <cstdint>

namespace srpo::text {

enum class CharacterClass : uint8_t { kOther, kLetter, kNumber, kSpace };

inline constexpr char32_t kNumCodePoints = 0x110000;

/// For each code point the class that \p{L}, \p{N} and \s give it in tokenizer files;
/// kNumCodePoints of them. Made on the first call, by the regular-expression engine
/// itself, so that the two never differ. Thread-safe.
const CharacterClass* character_classes();

}  // namespace srpo::text
