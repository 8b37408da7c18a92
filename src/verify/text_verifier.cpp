#include "verify/text_verifier.h"

#include "core/deadline.h"

namespace srpo::verify {
namespace {

using records::Verdict;
using records::VerdictKind;

char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

/// As \w of a regular expression sees bytes.
bool is_word(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' ||
         (c & 0x80) != 0;
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_punctuation(char c) { return c > ' ' && c < 127 && (!is_word(c) || c == '_'); }

Verdict verdict_of(bool found, bool correct, std::string answer,
                   const core::Stopwatch& watch) {
  Verdict verdict;
  verdict.kind = !found    ? VerdictKind::kUnparsable
                 : correct ? VerdictKind::kCorrect
                           : VerdictKind::kWrong;
  verdict.reward = correct ? 1 : 0;
  verdict.answer = std::move(answer);
  verdict.took_ms = watch.seconds() * 1000;
  return verdict;
}

bool has_free_text(const records::Problem& problem, const std::string& response) {
  const std::string wanted = free_text_form(problem.reference);
  return !wanted.empty() && free_text_form(response).find(wanted) != std::string::npos;
}

}  // namespace

std::string last_yes_or_no(std::string_view response) {
  size_t end = response.size();
  while (end > 0) {
    while (end > 0 && !is_word(response[end - 1])) --end;
    size_t begin = end;
    while (begin > 0 && is_word(response[begin - 1])) --begin;
    if (end - begin == 2 || end - begin == 3) {
      std::string word;
      for (size_t i = begin; i < end; ++i) word += lower(response[i]);
      if (word == "yes" || word == "no") return word;
    }
    end = begin;
  }
  return "";
}

std::string free_text_form(std::string_view text) {
  std::string form;
  bool blank = false;
  for (const char c : text) {
    if (is_punctuation(c)) continue;
    if (is_blank(c)) {
      blank = true;
      continue;
    }
    if (blank && !form.empty()) form += ' ';
    blank = false;
    form += lower(c);
  }
  return form;
}

Verdict YesNoVerifier::verify(const records::Problem& problem,
                              const std::string& response) const {
  const core::Stopwatch watch;
  std::string word = last_yes_or_no(response);
  const bool correct = !word.empty() && word == last_yes_or_no(problem.reference);
  const bool found = !word.empty();
  return verdict_of(found, correct, std::move(word), watch);
}

Explanation YesNoVerifier::explain(const records::Problem& problem,
                                   const std::string& response) const {
  const std::string word = last_yes_or_no(response);
  const std::string wanted = last_yes_or_no(problem.reference);
  return {"last yes or no",
          wanted,
          word,
          word.empty()     ? "no whole word yes or no"
          : wanted == word ? "the same word"
                           : "the other word",
          {}};
}

Verdict FreeTextVerifier::verify(const records::Problem& problem,
                                 const std::string& response) const {
  const core::Stopwatch watch;
  const bool correct = has_free_text(problem, response);
  return verdict_of(true, correct, correct ? problem.reference : "", watch);
}

Explanation FreeTextVerifier::explain(const records::Problem& problem,
                                      const std::string& response) const {
  const bool correct = has_free_text(problem, response);
  return {"text",
          free_text_form(problem.reference),
          "",
          correct ? "the response contains the reference"
                  : "the response does not contain the reference",
          {}};
}

}  // namespace srpo::verify
