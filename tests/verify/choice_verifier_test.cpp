#include "verify/choice_verifier.h"

#include <string>

#include <gtest/gtest.h>

namespace srpo::verify {
namespace {

using records::VerdictKind;

constexpr const char* kQuestion =
    "Which animal barks?\nA) cat\nB) dog\nC) the old dog\nD) none of these";

VerdictKind verdict(const std::string& response, const std::string& reference,
                    const std::string& question = kQuestion) {
  const auto verdict =
      ChoiceVerifier().verify({"p", "choice", question, reference}, response);
  EXPECT_EQ(verdict.reward, verdict.kind == VerdictKind::kCorrect ? 1 : 0);
  return verdict.kind;
}

TEST(ChoiceVerifier, ScoresTheConformanceVectors) {
  EXPECT_EQ(chosen_letter("\\boxed{b}"), "B");
  EXPECT_EQ(chosen_letter("The answer is (C)."), "C");
  EXPECT_EQ(chosen_letter("answer: d because A) is wrong"), "D");
  EXPECT_EQ(chosen_letter("so we take\nB)"), "B");
  EXPECT_EQ(chosen_letter("I think A fits. \\boxed{\\text{B}}"), "A");
  EXPECT_EQ(chosen_letter("\\boxed{B) dog}"), "");
  EXPECT_EQ(chosen_letter("foo A bar"), "A");
  EXPECT_EQ(chosen_letter("so it is a."), "A");
  EXPECT_EQ(chosen_letter("Answer: because X"), "B");
  EXPECT_EQ(chosen_letter("\\boxed{K}"), "");
  EXPECT_EQ(chosen_letter(""), "");
}

TEST(ChoiceVerifier, TakesTheLastMatchOfTheFirstRule) {
  EXPECT_EQ(chosen_letter("\\boxed{A} no, \\boxed{C}. The answer is B."), "C");
  EXPECT_EQ(chosen_letter("The answer is A. Wait. The answer is: (D)"), "D");
  EXPECT_EQ(chosen_letter("\\boxed{ e }"), "E");
}

TEST(ChoiceVerifier, ListsTheOptionsOfAQuestion) {
  const auto options = listed_options(kQuestion);
  ASSERT_EQ(options.size(), 4U);
  EXPECT_EQ(options[2].letter, 'C');
  EXPECT_EQ(options[2].text, "the old dog");
  EXPECT_EQ(listed_options("Choose: (A) 1, (B) 2, (C) 3").back().text, "3");
  EXPECT_TRUE(listed_options("No options here. A.").empty());
}

TEST(ChoiceVerifier, KnowsOptionTextWhereNoLetterIsFound) {
  EXPECT_EQ(verdict("\\boxed{dog}", "B"), VerdictKind::kCorrect);
  EXPECT_EQ(verdict("\\boxed{B) dog}", "B"), VerdictKind::kCorrect);
  EXPECT_EQ(verdict("\\boxed{\\text{B}}", "B"), VerdictKind::kCorrect);
  EXPECT_EQ(verdict("\\boxed{cat}", "B"), VerdictKind::kWrong);
  EXPECT_EQ(verdict("\\boxed{bird}", "B"), VerdictKind::kUnparsable);
  EXPECT_EQ(verdict("\\boxed{B}", "dog"), VerdictKind::kCorrect);
  EXPECT_EQ(verdict("\\boxed{b}", "B"), VerdictKind::kCorrect);
  EXPECT_EQ(verdict("nothing", "B"), VerdictKind::kUnparsable);
}

TEST(ChoiceVerifier, TakesSeveralLettersInAnyOrder) {
  EXPECT_EQ(verdict("\\boxed{C, A}", "A, C"), VerdictKind::kCorrect);
  EXPECT_EQ(verdict("\\boxed{CA}", "AC"), VerdictKind::kCorrect);
  EXPECT_EQ(verdict("\\boxed{A and C}", "AC"), VerdictKind::kCorrect);
  EXPECT_EQ(verdict("\\boxed{A, B, C}", "A, C"), VerdictKind::kWrong);
}

TEST(ChoiceVerifier, RefusesEverythingForAReferenceThatIsNoOption) {
  EXPECT_EQ(verdict("\\boxed{A}", "", "?"), VerdictKind::kWrong);
  EXPECT_EQ(verdict("\\boxed{A}", "zebra"), VerdictKind::kWrong);
}

TEST(ChoiceVerifier, ExplainsItself) {
  const auto told =
      ChoiceVerifier().explain({"p", "choice", kQuestion, "B"}, "\\boxed{dog}");
  EXPECT_EQ(told.found_by, "box");
  EXPECT_EQ(told.answer_form, "B");
  EXPECT_EQ(told.reason, "the same option");
}

}  // namespace
}  // namespace srpo::verify
