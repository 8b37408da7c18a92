#include "text/word_scanner.h"

namespace srpo::text {
namespace {

constexpr const char* kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kGpt4Head =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})";
constexpr const char* kGpt4Tail =
    R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

bool ends_line(char c) { return c == '\n' || c == '\r'; }

/// How many bytes behind an apostrophe belong to 's, 't, 're, 've, 'm, 'll or 'd; 0: none.
size_t contraction_length(std::string_view rest, bool any_case) {
  if (rest.empty()) return 0;
  const auto letter = [&](size_t i) {
    const char c = i < rest.size() ? rest[i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  switch (letter(0)) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 1;
    case 'r':
    case 'v':
      return letter(1) == 'e' ? 2 : 0;
    case 'l':
      return letter(1) == 'l' ? 2 : 0;
    default:
      // The long s is an s when case does not matter.
      return any_case && rest.starts_with("\u017f") ? 2 : 0;
  }
}

}  // namespace

std::optional<WordScanner> WordScanner::for_pattern(const std::string& pattern) {
  if (pattern == kGpt2Pattern) return WordScanner(Family::kGpt2, 0);
  const std::string head = kGpt4Head;
  if (pattern == head + kGpt4Tail) return WordScanner(Family::kGpt4, 1);
  if (pattern == head + "{1,3}" + kGpt4Tail) return WordScanner(Family::kGpt4, 3);
  return std::nullopt;
}

inline WordScanner::Character WordScanner::character_at(std::string_view text,
                                                        size_t position) const {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(text[position + i]));
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return {classes_[first], 1};
  const auto tail = [&](size_t i) { return byte(i) & 0x3F; };
  if (first < 0xE0) return {classes_[((first & 0x1F) << 6) | tail(1)], 2};
  if (first < 0xF0) {
    return {classes_[((first & 0x0F) << 12) | (tail(1) << 6) | tail(2)], 3};
  }
  return {
      classes_[((first & 0x07) << 18) | (tail(1) << 12) | (tail(2) << 6) | tail(3)], 4};
}

/// Behind the run of characters of a class.
inline size_t WordScanner::skip(std::string_view text, size_t position,
                                CharacterClass kind) const {
  while (position < text.size()) {
    const Character next = character_at(text, position);
    if (next.kind != kind) break;
    position += next.length;
  }
  return position;
}

size_t WordScanner::end_of_numbers(std::string_view text, size_t begin) const {
  size_t position = begin;
  for (size_t count = 0; count < max_digits_ && position < text.size(); ++count) {
    const Character next = character_at(text, position);
    if (next.kind != CharacterClass::kNumber) break;
    position += next.length;
  }
  return position;
}

/// `\s*[\r\n]+` if `lines`, then `\s+(?!\S)`, then `\s+`.
size_t WordScanner::end_of_space(std::string_view text, size_t begin, bool lines) const {
  size_t position = begin;
  size_t last = begin;      // where the last character of the run begins
  size_t line_end = begin;  // behind the last line end of the run
  while (position < text.size()) {
    const Character next = character_at(text, position);
    if (next.kind != CharacterClass::kSpace) break;
    last = position;
    position += next.length;
    if (ends_line(text[last])) line_end = position;
  }
  if (lines && line_end > begin) return line_end;
  // White space before a word leaves its last character to the word.
  return position == text.size() || last == begin ? position : last;
}

size_t WordScanner::end_in_gpt2(std::string_view text, size_t begin) const {
  if (text[begin] == '\'') {
    const size_t length = contraction_length(text.substr(begin + 1), false);
    if (length > 0) return begin + 1 + length;
  }
  Character first = character_at(text, begin);
  size_t position = begin;
  if (text[begin] == ' ' && begin + 1 < text.size()) {
    const Character next = character_at(text, begin + 1);
    if (next.kind != CharacterClass::kSpace) {
      first = next;
      ++position;
    }
  }
  if (first.kind == CharacterClass::kSpace) return end_of_space(text, begin, false);
  return skip(text, position + first.length, first.kind);
}

size_t WordScanner::end_in_gpt4(std::string_view text, size_t begin) const {
  using enum CharacterClass;
  const Character first = character_at(text, begin);
  if (first.kind == kLetter) return skip(text, begin + first.length, kLetter);
  if (first.kind == kNumber) return end_of_numbers(text, begin);
  if (text[begin] == '\'') {
    const size_t length = contraction_length(text.substr(begin + 1), true);
    if (length > 0) return begin + 1 + length;
  }
  const size_t second = begin + first.length;
  const Character next =
      second < text.size() ? character_at(text, second) : Character{kSpace, 0};
  if (next.kind == kLetter && !ends_line(text[begin])) {
    return skip(text, second + next.length, kLetter);
  }
  if (first.kind == kOther || (text[begin] == ' ' && next.kind == kOther)) {
    size_t end = skip(text, second, kOther);
    while (end < text.size() && ends_line(text[end])) ++end;
    return end;
  }
  return end_of_space(text, begin, true);
}

void WordScanner::split(std::string_view text,
                        std::vector<std::string_view>& words) const {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = end_of_word(text, begin);
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace srpo::text
