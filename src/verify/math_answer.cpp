#include "verify/math_answer.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace srpo::verify {
namespace {

constexpr std::string_view kBox = "\\boxed";
constexpr std::string_view kFrac = "\\frac";
constexpr std::string_view kSqrt = "\\sqrt";

std::string replace_all(std::string_view text, std::string_view from,
                        std::string_view to) {
  std::string result;
  result.reserve(text.size());
  while (true) {
    const size_t at = text.find(from);
    result += text.substr(0, at);
    if (at == std::string_view::npos) return result;
    result += to;
    text.remove_prefix(at + from.size());
  }
}

/// The pieces between separators; always at least one.
std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> pieces;
  while (true) {
    const size_t at = text.find(separator);
    pieces.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + separator.size());
  }
}

/// The first UTF-8 character, or the first byte when that begins none; "" at the end.
std::string_view first_character(std::string_view text) {
  if (text.empty()) return text;
  const auto lead = static_cast<unsigned char>(text.front());
  const size_t size = lead < 0xC2   ? 1
                      : lead < 0xE0 ? 2
                      : lead < 0xF0 ? 3
                      : lead < 0xF5 ? 4
                                    : 1;
  if (size > text.size()) return text.substr(0, 1);
  for (size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return text.substr(0, 1);
  }
  return text.substr(0, size);
}

size_t num_characters(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(first_character(text).size());
  return count;
}

/// `\sqrt3` to `\sqrt{3}`; nothing when a `\sqrt` has no argument.
std::optional<std::string> brace_sqrt(std::string_view text) {
  const std::vector<std::string_view> pieces = split(text, kSqrt);
  std::string result(pieces.front());
  for (size_t i = 1; i < pieces.size(); ++i) {
    const std::string_view piece = pieces[i];
    if (piece.empty()) return std::nullopt;
    result += kSqrt;
    if (piece.front() == '{') {
      result += piece;
      continue;
    }
    const std::string_view argument = first_character(piece);
    result.append("{").append(argument).append("}");
    result += piece.substr(argument.size());
  }
  return result;
}

/// `\frac12` to `\frac{1}{2}`, `\frac1{72}` to `\frac{1}{72}`. A text in which one
/// `\frac` has a single character behind it stays as it is; nothing when one has none.
std::optional<std::string> brace_fracs(const std::string& text) {
  const std::vector<std::string_view> pieces = split(text, kFrac);
  std::string result(pieces.front());
  for (size_t i = 1; i < pieces.size(); ++i) {
    const std::string_view piece = pieces[i];
    if (piece.empty()) return std::nullopt;
    result += kFrac;
    if (piece.front() == '{') {
      result += piece;
      continue;
    }
    const std::string_view above = first_character(piece);
    const std::string_view rest = piece.substr(above.size());
    if (rest.empty()) return text;
    result.append("{").append(above).append("}");
    if (rest.front() == '{') {
      result += rest;
      continue;
    }
    const std::string_view below = first_character(rest);
    result.append("{").append(below).append("}");
    result += rest.substr(below.size());
  }
  return result;
}

/// An integer as a program would print it: no plus sign, no leading zero, no "-0".
bool is_plain_integer(std::string_view text) {
  if (text == "0") return true;
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.front() == '0') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

std::string integer_ratio_to_frac(std::string text) {
  const std::vector<std::string_view> sides = split(text, "/");
  if (sides.size() != 2 || !is_plain_integer(sides[0]) || !is_plain_integer(sides[1])) {
    return text;
  }
  return std::string(kFrac)
      .append("{")
      .append(sides[0])
      .append("}{")
      .append(sides[1])
      .append("}");
}

/// Everything up to the leading zero: single-pattern replacements, in their order.
/// Nothing when a unit stands twice.
std::optional<std::string> drop_decoration(std::string_view answer) {
  std::string text = replace_all(answer, "\n", "");
  for (const auto& [from, to] : {std::pair<const char*, const char*>{"\\!", ""},
                                 {"\\\\", "\\"},
                                 {"tfrac", "frac"},
                                 {"dfrac", "frac"},
                                 {"\\left", ""},
                                 {"\\right", ""},
                                 {"^{\\circ}", ""},
                                 {"^\\circ", ""},
                                 {"\\$", ""}}) {
    text = replace_all(text, from, to);
  }
  const std::vector<std::string_view> units = split(text, "\\text{ ");
  if (units.size() > 2) return std::nullopt;
  if (units.size() == 2) text = std::string(units.front());
  // The first of the two is how the rules were published; with the doubled backslashes
  // gone it finds little.
  text = replace_all(text, "\\\\%", "");
  text = replace_all(text, "\\%", "");
  text = replace_all(text, " .", " 0.");
  return replace_all(text, "{.", "{0.");
}

}  // namespace

std::optional<std::string> boxed_answer(std::string_view response) {
  constexpr std::string_view kBoxSpace = "\\boxed ";
  if (const size_t at = response.rfind(kBoxSpace); at != std::string_view::npos) {
    const std::string_view answer = response.substr(at + kBoxSpace.size());
    return std::string(answer.substr(0, answer.find('$')));
  }
  const size_t begin = response.rfind(kBox);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t open = begin + kBox.size();
  if (open >= response.size() || response[open] != '{') return std::nullopt;
  int64_t depth = 0;
  for (size_t i = open; i < response.size(); ++i) {
    if (response[i] == '{') ++depth;
    if (response[i] == '}' && --depth == 0) {
      return std::string(response.substr(open + 1, i - open - 1));
    }
  }
  return std::nullopt;
}

std::optional<std::string> normalize_answer(std::string_view answer) {
  std::optional<std::string> text = drop_decoration(answer);
  if (!text || text->empty()) return text;
  if (text->front() == '.') text->insert(0, "0");
  const std::vector<std::string_view> sides = split(*text, "=");
  if (sides.size() == 2 && num_characters(sides[0]) <= 2) text = std::string(sides[1]);
  text = brace_sqrt(*text);
  if (!text) return text;
  text = brace_fracs(replace_all(*text, " ", ""));
  if (!text) return text;
  if (*text == "0.5") text = "\\frac{1}{2}";
  return integer_ratio_to_frac(*std::move(text));
}

bool same_answer(const std::string& answer, const std::string& reference) {
  const std::optional<std::string> ours = normalize_answer(answer);
  const std::optional<std::string> theirs = normalize_answer(reference);
  return ours && theirs ? *ours == *theirs : answer == reference;
}

}  // namespace srpo::verify
