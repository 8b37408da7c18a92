#include "verify/choice_verifier.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "core/deadline.h"
#include "verify/math_extraction.h"
#include "verify/math_words.h"

namespace srpo::verify {
namespace {

using records::Verdict;
using records::VerdictKind;

constexpr size_t kNone = std::string_view::npos;

char upper(char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); }
bool is_option(char c) { return upper(c) >= 'A' && upper(c) <= 'J'; }
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool matches(std::string_view text, size_t at, std::string_view word) {
  if (at + word.size() > text.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    if (upper(text[at + i]) != upper(word[i])) return false;
  }
  return true;
}

size_t skip_blanks(std::string_view text, size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

/// `\boxed{b}`, blanks allowed around the letter.
std::string boxed_letter(std::string_view text) {
  constexpr std::string_view kBox = "\\boxed{";
  for (size_t i = text.rfind(kBox); i != kNone;
       i = i == 0 ? kNone : text.rfind(kBox, i - 1)) {
    const size_t at = skip_blanks(text, i + kBox.size());
    if (at >= text.size() || !is_option(text[at])) continue;
    const size_t end = skip_blanks(text, at + 1);
    if (end < text.size() && text[end] == '}') return {upper(text[at])};
  }
  return "";
}

/// `answer is (C)`, `Answer: d`. No word boundary behind the letter.
std::string announced_letter(std::string_view text) {
  for (size_t i = text.size(); i-- > 0;) {
    if (!matches(text, i, "answer")) continue;
    size_t at = skip_blanks(text, i + 6);
    if (at > i + 6 && matches(text, at, "is")) {
      at += 2;
      if (at < text.size() && text[at] == ':') ++at;
    } else if (i + 6 < text.size() && text[i + 6] == ':') {
      at = i + 7;
    } else {
      continue;
    }
    at = skip_blanks(text, at);
    if (at < text.size() && text[at] == '(') ++at;
    if (at < text.size() && is_option(text[at])) return {upper(text[at])};
  }
  return "";
}

/// `B)` or `b.` at the end of a line, behind a blank, a bracket or nothing.
std::string letter_ending_line(std::string_view text) {
  for (size_t i = text.size(); i-- > 0;) {
    if (text[i] != '.' && text[i] != ')') continue;
    size_t end = i + 1;
    while (end < text.size() && is_blank(text[end]) && text[end] != '\n') ++end;
    if (end < text.size() && text[end] != '\n') continue;
    if (i == 0 || !is_option(text[i - 1])) continue;
    const bool alone = i == 1 || is_blank(text[i - 2]) || text[i - 2] == '(';
    if (alone) return {upper(text[i - 1])};
  }
  return "";
}

/// A capital with blanks, line ends or a full stop around it.
std::string lone_capital(std::string_view text) {
  for (size_t i = text.size(); i-- > 0;) {
    if (text[i] < 'A' || text[i] > 'J') continue;
    const bool before = i == 0 || is_blank(text[i - 1]);
    const bool after =
        i + 1 == text.size() || is_blank(text[i + 1]) || text[i + 1] == '.';
    if (before && after) return {text[i]};
  }
  return "";
}

/// "A, C" and "AC" as "AC"; "" when anything else is there.
std::string letters_only(std::string_view text) {
  std::set<char> letters;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= 'A' && c <= 'J') {
      letters.insert(c);
    } else if (matches(text, i, "and")) {
      i += 2;
    } else if (!is_blank(c) && std::string_view(",;&()").find(c) == kNone) {
      return "";
    }
  }
  return {letters.begin(), letters.end()};
}

/// A box that chosen_letter does not read: `\text{B}`, `B) dog`, `dog`, `A, C`.
std::string letters_in_box(std::string_view response,
                           const std::vector<Option>& options) {
  const auto found = find_answer(response, false);
  if (!found) return "";
  std::string text = found->text;
  for (const std::string_view command : {"\\text{", "\\mathrm{", "\\textbf{"}) {
    const size_t at = text.find(command);
    if (at != kNone) text.erase(at, command.size());
  }
  std::erase_if(text,
                [](char c) { return c == '{' || c == '}' || c == '$' || c == '*'; });
  if (std::string listed = letters_only(text); !listed.empty()) return listed;
  const std::string words = plain_words(text);
  std::string letters;
  for (const Option& option : options) {
    const std::string own = plain_words(option.text);
    const std::string with_letter =
        plain_words(std::string(1, option.letter) + ") ") + " " + own;
    const std::string spelled =
        std::string(1, static_cast<char>(option.letter + 32)) + " " + own;
    if (!own.empty() && (words == own || words == with_letter || words == spelled)) {
      letters += option.letter;
    }
  }
  return letters.size() == 1 ? letters : "";
}

/// The reference as letters; "" when it names no option.
std::string reference_letters(const std::string& reference,
                              const std::vector<Option>& options) {
  std::string text = reference;
  while (!text.empty() && is_blank(text.back())) text.pop_back();
  if (text.size() == 1 && is_option(text[0])) return {upper(text[0])};
  std::string letters = letters_only(text);
  if (!letters.empty()) return letters;
  std::string found;
  for (const Option& option : options) {
    if (plain_words(option.text) == plain_words(reference)) found += option.letter;
  }
  return found.size() == 1 ? found : "";
}

struct Choice {
  std::string letters;
  const char* rule = "";
};

Choice choice_of(const records::Problem& problem, const std::string& response) {
  std::string letter = chosen_letter(response);
  if (!letter.empty()) return {letter, "letter"};
  letter = letters_in_box(response, listed_options(problem.question));
  if (!letter.empty()) return {letter, "box"};
  return {};
}

}  // namespace

std::string chosen_letter(std::string_view response) {
  for (const auto rule :
       {boxed_letter, announced_letter, letter_ending_line, lone_capital}) {
    std::string letter = rule(response);
    if (!letter.empty()) return letter;
  }
  return "";
}

std::vector<Option> listed_options(std::string_view question) {
  std::vector<Option> options;
  size_t text_begin = 0;
  const auto end_option = [&](size_t end) {
    if (options.empty()) return;
    std::string_view text = question.substr(text_begin, end - text_begin);
    while (!text.empty() && (is_blank(text.back()) || text.back() == ',' ||
                             text.back() == ';' || text.back() == '(')) {
      text.remove_suffix(1);
    }
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    options.back().text = text;
  };
  for (size_t i = 0; i + 1 < question.size() && options.size() < 10; ++i) {
    const char expected = static_cast<char>('A' + options.size());
    if (question[i] != expected) continue;
    const bool before = i == 0 || is_blank(question[i - 1]) || question[i - 1] == '(';
    const bool after = std::string_view(").:").find(question[i + 1]) != kNone;
    if (!before || !after) continue;
    end_option(i);
    options.push_back({expected, ""});
    text_begin = i + 2;
  }
  end_option(question.size());
  if (options.size() < 2) options.clear();
  return options;
}

Verdict ChoiceVerifier::verify(const records::Problem& problem,
                               const std::string& response) const {
  const core::Stopwatch watch;
  Verdict verdict;
  verdict.answer = choice_of(problem, response).letters;
  const std::string wanted =
      reference_letters(problem.reference, listed_options(problem.question));
  const bool correct = !wanted.empty() && verdict.answer == wanted;
  verdict.kind = verdict.answer.empty() ? VerdictKind::kUnparsable
                 : correct              ? VerdictKind::kCorrect
                                        : VerdictKind::kWrong;
  verdict.reward = correct ? 1 : 0;
  verdict.took_ms = watch.seconds() * 1000;
  return verdict;
}

Explanation ChoiceVerifier::explain(const records::Problem& problem,
                                    const std::string& response) const {
  const Choice choice = choice_of(problem, response);
  const std::string wanted =
      reference_letters(problem.reference, listed_options(problem.question));
  Explanation explanation;
  explanation.found_by = choice.rule;
  explanation.reference_form = wanted;
  explanation.answer_form = choice.letters;
  explanation.reason = choice.letters.empty()     ? "no option found"
                       : wanted.empty()           ? "the reference names no option"
                       : choice.letters == wanted ? "the same option"
                                                  : "another option";
  return explanation;
}

}  // namespace srpo::verify
