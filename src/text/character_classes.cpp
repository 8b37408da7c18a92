#include "text/character_classes.h"

#include <string>
#include <vector>

#include "text/regex.h"
#include "text/unicode.h"

namespace srpo::text {
namespace {

bool is_surrogate(char32_t code_point) {
  return code_point >= 0xD800 && code_point <= 0xDFFF;
}

/// Every character once, in order.
std::string all_characters() {
  std::string all;
  for (char32_t c = 0; c < kNumCodePoints; ++c) {
    if (!is_surrogate(c)) append_utf8(all, c);
  }
  return all;
}

void mark(const char* pattern, CharacterClass mark_as, const std::string& all,
          std::vector<CharacterClass>& classes) {
  const Regex regex(pattern, Regex::Syntax::kOniguruma, "character classes");
  RegexMemory memory;
  char32_t character = 0;
  const auto skip_surrogates = [&] {
    if (is_surrogate(character)) character = 0xE000;
  };
  size_t position = 0;
  size_t begin = 0;
  size_t end = 0;
  while (regex.find(all, position, memory, begin, end)) {
    while (position < end) {
      const size_t at = position;
      next_character(all, position);
      skip_surrogates();
      if (at >= begin) classes[character] = mark_as;
      ++character;
    }
  }
}

std::vector<CharacterClass> make_classes() {
  std::vector<CharacterClass> classes(kNumCodePoints, CharacterClass::kOther);
  std::string all = all_characters();
  replace_category_additions(all);
  mark("\\p{L}+", CharacterClass::kLetter, all, classes);
  mark("\\p{N}+", CharacterClass::kNumber, all, classes);
  mark("\\s+", CharacterClass::kSpace, all, classes);
  return classes;
}

}  // namespace

const CharacterClass* character_classes() {
  static const std::vector<CharacterClass> classes = make_classes();
  return classes.data();
}

}  // namespace srpo::text
