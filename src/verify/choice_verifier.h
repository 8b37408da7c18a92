// Judges multiple-choice answers: the letter of an option.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "verify/verifier.h"

namespace srpo::verify {

/// The letters A-J that a response chooses, upper case, "" for none; by the first of
/// these rules that finds any, each by its last match, upper or lower case alike: a boxed
/// single letter; "answer is" or "answer:" and a letter, in parentheses or not; a letter
/// before `.` or `)` at the end of a line; a capital letter by itself.
std::string chosen_letter(std::string_view response);

struct Option {
  char letter = 'A';
  std::string text;
};
/// The options a question lists: `A) text`, `(A) text`, `A. text` or `A: text`, in order
/// from A. Empty when there are fewer than two.
std::vector<Option> listed_options(std::string_view question);

/// Correct: reward 1. A reference is a letter, several letters in any order ("A, C"), or
/// the text of an option of the question. Where no rule of chosen_letter finds a letter,
/// a box with several letters, with a letter and its text, or with the text of exactly
/// one option counts.
class ChoiceVerifier : public Verifier {
 public:
  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override;
  Explanation explain(const records::Problem& problem,
                      const std::string& response) const override;
};

}  // namespace srpo::verify
