#include "verify/math_extraction.h"

#include <algorithm>
#include <array>
#include <vector>

namespace srpo::verify {
namespace {

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kMostGap = 60;    // between boxes that are one answer
constexpr size_t kMostBoxes = 64;  // looked at, from the last
constexpr size_t kMostPhrase = 600;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

struct Span {
  size_t begin = 0;  // of the command or the sign that opens it
  size_t end = 0;    // behind what closes it
  std::string_view content;
};

/// A text and where it ends in the response.
struct FoundText {
  std::string text;
  size_t end = 0;
};

// ---- boxes

/// What the braces at `open` hold; nothing when they never close.
std::optional<std::string_view> balanced(std::string_view text, size_t open) {
  int64_t depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;  // \{ and \} do not count
      continue;
    }
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(open + 1, i - open - 1);
  }
  return std::nullopt;
}

/// The box whose command begins at `begin`.
std::optional<Span> box_at(std::string_view text, size_t begin, size_t name) {
  size_t at = begin + name;
  while (at < text.size() && is_blank(text[at])) ++at;
  if (at >= text.size()) return std::nullopt;
  if (text[at] != '{') {  // \boxed 7$
    if (at == begin + name) return std::nullopt;
    const std::string_view rest = text.substr(at);
    const std::string_view content = rest.substr(0, rest.find_first_of("$\n<"));
    return Span{begin, at + content.size(), content};
  }
  if (const auto content = balanced(text, at)) {
    return Span{begin, at + content->size() + 2, *content};
  }
  return std::nullopt;
}

/// All closed boxes that lie in no other, the last ones, in order.
std::vector<Span> last_boxes(std::string_view text) {
  std::vector<Span> boxes;
  size_t from = text.size();
  size_t tries = 0;
  while (boxes.size() < kMostBoxes && ++tries < 4 * kMostBoxes) {
    const size_t boxed = text.rfind("\\boxed", from);
    const size_t framed = text.rfind("\\fbox", from);
    const bool is_boxed = boxed != kNone && (framed == kNone || boxed > framed);
    const size_t begin = is_boxed ? boxed : framed;
    if (begin == kNone) break;
    if (const auto box = box_at(text, begin, is_boxed ? 6 : 5)) {
      while (!boxes.empty() && boxes.back().begin < box->end) boxes.pop_back();
      boxes.push_back(*box);
    }
    if (begin == 0) break;
    from = begin - 1;
  }
  std::reverse(boxes.begin(), boxes.end());
  return boxes;
}

/// The words of a gap without LaTeX around them; "," for a comma.
std::vector<std::string> gap_words(std::string_view gap) {
  std::vector<std::string> words;
  for (size_t i = 0; i < gap.size();) {
    if (gap[i] == ',' || gap[i] == ';') {
      words.emplace_back(",");
      ++i;
    } else if (gap[i] == '\\') {
      size_t end = i + 1;
      while (end < gap.size() && is_letter(gap[end])) ++end;
      i = std::max(end, i + 2);
    } else if (is_letter(gap[i])) {
      size_t end = i;
      while (end < gap.size() && is_letter(gap[end])) ++end;
      words.emplace_back(gap.substr(i, end - i));
      i = end;
    } else {
      ++i;
    }
  }
  return words;
}

/// How two boxes with this between them are joined: ",", "or", or "" for not at all.
std::string joiner(std::string_view gap) {
  if (gap.size() > kMostGap || gap.find("\n\n") != kNone || gap.find(". ") != kNone) {
    return "";
  }
  const std::vector<std::string> words = gap_words(gap);
  std::string how;
  for (const std::string& word : words) {
    if (word == "or") how = " \\text{ or } ";
    if ((word == "," || word == "and") && how.empty()) how = ", ";
  }
  const bool digits = std::any_of(gap.begin(), gap.end(), is_digit);
  if (how.empty() && words.empty() && !digits) how = ", ";
  return words.size() > 6 ? "" : how;
}

std::string joined_boxes(const std::vector<Span>& boxes, std::string_view text) {
  size_t first = boxes.size() - 1;
  std::string answer(boxes[first].content);
  bool differ = false;
  while (first > 0) {
    const Span& earlier = boxes[first - 1];
    const std::string how =
        joiner(text.substr(earlier.end, boxes[first].begin - earlier.end));
    if (how.empty()) break;
    differ = differ || earlier.content != boxes[first].content;
    answer.insert(0, how).insert(0, earlier.content);
    --first;
  }
  return differ ? answer : std::string(boxes.back().content);
}

// ---- formulas

/// The formula that opens at `at`, if one does.
std::optional<Span> formula_at(std::string_view text, size_t at) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kPairs = {
      {{"$$", "$$"}, {"\\[", "\\]"}, {"\\(", "\\)"}, {"$", "$"}}};
  const std::string_view rest = text.substr(at);
  for (const auto& [open, close] : kPairs) {
    if (!rest.starts_with(open)) continue;
    size_t end = open.size();
    while (true) {
      end = rest.find(close, end);
      if (end == kNone) return std::nullopt;
      if (close[0] != '$' || rest[end - 1] != '\\') break;
      ++end;
    }
    const std::string_view content = rest.substr(open.size(), end - open.size());
    const bool inline_only = open == "$" || open == "\\(";
    if (inline_only && content.find('\n') != kNone) return std::nullopt;
    if (content.find_first_not_of(" \n\t") == kNone) return std::nullopt;
    return Span{at, at + end + close.size(), content};
  }
  return std::nullopt;
}

/// All formulas in order; only the last few are kept.
std::vector<Span> last_formulas(std::string_view text) {
  std::vector<Span> formulas;
  size_t failures = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool opens = text[i] == '$' || (text[i] == '\\' && i + 1 < text.size() &&
                                          (text[i + 1] == '[' || text[i + 1] == '('));
    if (text[i] == '\\' && !opens) {
      ++i;
      continue;
    }
    if (!opens || failures > 64) continue;
    const auto formula = formula_at(text, i);
    if (!formula) {
      ++failures;  // each may have looked at the whole rest
      continue;
    }
    formulas.push_back(*formula);
    i = formula->end - 1;
    if (formulas.size() > 32) formulas.erase(formulas.begin(), formulas.begin() + 16);
  }
  return formulas;
}

/// "percent" or "%" right behind a formula belongs to it.
std::string with_percent(std::string_view text, const Span& span, std::string content) {
  std::string_view rest = text.substr(span.end, 24);
  while (!rest.empty() && (is_blank(rest.front()) || rest.front() == '}')) {
    rest.remove_prefix(1);
  }
  for (const std::string_view word : {"\\%", "%", "percent", "pct"}) {
    if (rest.starts_with(word)) return content + "\\%";
  }
  return content;
}

std::optional<FoundText> last_formula(std::string_view text) {
  const std::vector<Span> formulas = last_formulas(text);
  if (formulas.empty()) return std::nullopt;
  size_t first = formulas.size() - 1;
  std::string answer =
      with_percent(text, formulas[first], std::string(formulas[first].content));
  while (first > 0) {
    const Span& earlier = formulas[first - 1];
    const std::string_view gap =
        text.substr(earlier.end, formulas[first].begin - earlier.end);
    const std::vector<std::string> words = gap_words(gap);
    const bool joins = !words.empty() &&
                       std::all_of(words.begin(), words.end(), [](const std::string& w) {
                         return w == "," || w == "and" || w == "or";
                       });
    if (!joins) break;
    const std::string how = words.back() == "or" ? " \\text{ or } " : ", ";
    answer.insert(0, how).insert(0, earlier.content);
    --first;
  }
  return FoundText{std::move(answer), formulas.back().end};
}

// ---- phrases

/// The place behind the last phrase that announces an answer.
size_t behind_phrase(std::string_view text) {
  constexpr std::array<std::string_view, 5> kPhrases = {
      "answer is", "answer:", "answer**:", "answer is:", "answer are"};
  for (size_t i = text.size(); i-- > 0;) {
    if (lower(text[i]) != 'a') continue;
    for (const std::string_view phrase : kPhrases) {
      if (i + phrase.size() > text.size()) continue;
      size_t same = 0;
      while (same < phrase.size() && lower(text[i + same]) == phrase[same]) ++same;
      if (same == phrase.size()) return i + same;
    }
  }
  return kNone;
}

/// Up to the end of the sentence or the line.
std::string_view sentence(std::string_view text) {
  for (size_t i = 0; i < text.size() && i < kMostPhrase; ++i) {
    if (text[i] == '\n') return text.substr(0, i);
    const bool stop = text[i] == '.' && (i + 1 == text.size() || is_blank(text[i + 1]));
    if (stop) return text.substr(0, i);
  }
  return text.substr(0, kMostPhrase);
}

std::string phrase_content(std::string_view rest) {
  while (!rest.empty() && (is_blank(rest.front()) || rest.front() == ':' ||
                           rest.front() == '*' || rest.front() == '"')) {
    rest.remove_prefix(1);
  }
  if (rest.starts_with("\\\"")) rest.remove_prefix(2);
  if (rest.starts_with("$") || rest.starts_with("\\(") || rest.starts_with("\\[")) {
    const std::string_view line = rest.substr(0, kMostPhrase);
    const std::string_view part =
        rest.starts_with("\\[") ? line : line.substr(0, line.find('\n'));
    if (auto formula = last_formula(
            sentence(part).find_first_of("$)]", 1) == kNone ? part : sentence(part))) {
      return formula->text;
    }
  }
  std::string_view content = sentence(rest);
  for (const std::string_view word : {" is ", " are "}) {
    const size_t at = content.rfind(word);
    if (at != kNone) content.remove_prefix(at + word.size());
  }
  while (content.ends_with('!')) content.remove_suffix(1);  // no factorial in a sentence
  return std::string(content);
}

bool has_mathematics(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_digit) || text.find('\\') != kNone ||
         text.find('$') != kNone;
}

// ---- numbers

bool is_number_part(std::string_view text, size_t i) {
  if (is_digit(text[i])) return true;
  const bool between =
      i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
  return (text[i] == '.' || text[i] == ',' || text[i] == '/') && between;
}

/// The last number that stands by itself: not A2K, but $100, 1,000.99, -3/4, 50%.
std::optional<FoundText> last_number(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    while (end > 0 && !is_digit(text[end - 1])) --end;
    if (end == 0) return std::nullopt;
    size_t begin = end;
    while (begin > 0 && is_number_part(text, begin - 1)) --begin;
    if (begin > 0 && text[begin - 1] == '.') --begin;
    const bool glued =
        begin > 0 && (is_letter(text[begin - 1]) || text[begin - 1] == '_');
    if (!glued) {
      if (begin > 0 && text[begin - 1] == '-' &&
          (begin == 1 || !is_digit(text[begin - 2]))) {
        --begin;
      }
      const Span span{begin, end, text.substr(begin, end - begin)};
      return FoundText{with_percent(text, span, std::string(span.content)), end};
    }
    end = begin;
  }
  return std::nullopt;
}

/// A short response without words or formulas is an answer as it stands.
bool is_bare_answer(std::string_view text) {
  if (text.size() > 64 || text.find('$') != kNone || text.find("\\(") != kNone ||
      text.find("\\[") != kNone || text.find_first_not_of(" \n\t") == kNone) {
    return false;
  }
  size_t letters = 0;
  int num_words = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      while (i + 1 < text.size() && is_letter(text[i + 1])) ++i;
      letters = 0;
    } else {
      letters = is_letter(text[i]) ? letters + 1 : 0;
    }
    if (letters == 2 && ++num_words > 1) return false;
    if (letters > 3) return false;
  }
  return true;
}

/// Up to a special token or a closing tag, which end a chain of thoughts.
std::string_view without_tokens(std::string_view text) {
  size_t end = text.size();
  for (const std::string_view mark : {"<|im_end|>", "<|im_start|>", "<|endoftext|>",
                                      "</thought>", "<|eot_id|>", "</s>"}) {
    while (text.substr(0, end).ends_with(mark)) end -= mark.size();
    const size_t at = text.find("<|");
    if (at != kNone && at > 0 && mark == "<|im_start|>") end = std::min(end, at);
  }
  return text.substr(0, end);
}

}  // namespace

std::optional<FoundAnswer> find_answer(std::string_view response, bool last_expression) {
  const std::string_view text = without_tokens(response);
  const std::vector<Span> boxes = last_boxes(text);
  const size_t phrase = behind_phrase(text);
  if (phrase != kNone && (boxes.empty() || phrase > boxes.back().begin)) {
    const std::string content = phrase_content(text.substr(phrase));
    const bool usable = boxes.empty() ? !content.empty() : has_mathematics(content);
    if (usable) return FoundAnswer{content, "answer phrase"};
  }
  if (!boxes.empty()) {
    std::string content = joined_boxes(boxes, text);
    return FoundAnswer{with_percent(text, boxes.back(), std::move(content)), "box"};
  }
  if (const size_t at = text.rfind("####"); at != kNone) {
    const std::string_view rest = text.substr(at + 4);
    return FoundAnswer{std::string(rest.substr(0, rest.find('\n'))), "####"};
  }
  if (!last_expression) return std::nullopt;
  if (is_bare_answer(text)) return FoundAnswer{std::string(text), "whole response"};
  const auto formula = last_formula(text);
  const auto number = last_number(text);
  if (formula && (!number || number->end <= formula->end)) {
    return FoundAnswer{formula->text, "last formula"};
  }
  if (number) return FoundAnswer{number->text, "last number"};
  return std::nullopt;
}

}  // namespace srpo::verify
