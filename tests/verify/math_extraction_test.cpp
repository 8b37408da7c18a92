#include "verify/math_extraction.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace srpo::verify {
namespace {

std::string found(const std::string& response, bool last_expression = false) {
  const auto answer = find_answer(response, last_expression);
  return answer ? answer->text : "(none)";
}

TEST(MathExtraction, TakesTheLastBoxWithItsBraces) {
  EXPECT_EQ(found("\\boxed{\\frac{1}{2}}."), "\\frac{1}{2}");
  EXPECT_EQ(found("\\boxed{1}. No: it is \\boxed{2}."), "2");
  EXPECT_EQ(found("\\boxed{a\\boxed{b}c}"), "a\\boxed{b}c");
  EXPECT_EQ(found("\\boxed{\\{1,2\\}}"), "\\{1,2\\}");
  EXPECT_EQ(found("\\boxed {7}"), "7");
  EXPECT_EQ(found("$\\boxed 7$"), "7");
  EXPECT_EQ(found("\\fbox{7}"), "7");
  EXPECT_EQ(found("so \\boxed{5}</thought>"), "5");
  EXPECT_EQ(found("\\boxed{28} percent"), "28\\%");
}

TEST(MathExtraction, JoinsBoxesThatAreOneAnswer) {
  EXPECT_EQ(found("\\boxed{1} and \\boxed{-2}"), "1, -2");
  EXPECT_EQ(found("\\boxed{1}, \\boxed{2}, \\boxed{3}"), "1, 2, 3");
  EXPECT_EQ(found("$\\boxed{1}$ or $\\boxed{2}$"), "1 \\text{ or } 2");
  EXPECT_EQ(found("\\boxed{7} and so again, \\boxed{7}"), "7");
  EXPECT_EQ(found("\\boxed{1} was wrong. \\boxed{2}"), "2");
  EXPECT_EQ(found("\\boxed{1} no no no no \\boxed{2}"), "2");
}

TEST(MathExtraction, ReadsPhrasesAndHashes) {
  EXPECT_EQ(found("The answer is 42."), "42");
  EXPECT_EQ(found("**Answer:** $\\frac{1}{2}$."), "\\frac{1}{2}");
  EXPECT_EQ(found("The final answer is $(0, 1)$. I hope it is correct."), "(0, 1)");
  EXPECT_EQ(found("The answer is 5!"), "5");
  EXPECT_EQ(found("The answer is 3.5 cm\nand more"), "3.5 cm");
  EXPECT_EQ(found("Final Answer: The largest $n$ is 34."), "34");
  EXPECT_EQ(found("2+2\n#### 4"), " 4");
  EXPECT_EQ(found("\\boxed{255} so we add. Final Answer: The final answer is $10,455$."),
            "10,455");
  EXPECT_EQ(found("The answer is \\boxed{5}. That answer is correct."), "5");
}

TEST(MathExtraction, FallsBackOnTheLastExpressionOnlyWhenAsked) {
  EXPECT_EQ(found("It costs $3 + 4 = 7$ in all"), "(none)");
  EXPECT_EQ(found("It costs $3 + 4 = 7$ in all", true), "3 + 4 = 7");
  EXPECT_EQ(found("We get \\[ x = 9 \\]", true), " x = 9 ");
  EXPECT_EQ(found("There are 12 sequences.", true), "12");
  EXPECT_EQ(found("the number is 1,000.99m", true), "1,000.99");
  EXPECT_EQ(found("lost -3/4 of it", true), "-3/4");
  EXPECT_EQ(found("rises by 100%", true), "100\\%");
  EXPECT_EQ(found("AZYUK2A", true), "(none)");
  EXPECT_EQ(found("1 000", true), "1 000");
}

TEST(MathExtraction, FindsNothingInAnOpenBoxOrAnEmptyText) {
  EXPECT_EQ(found(""), "(none)");
  EXPECT_EQ(found("\\boxed{7"), "(none)");
  EXPECT_EQ(found("no answer here"), "(none)");
}

TEST(MathExtraction, TakesLinearTimeOnHostileText) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* piece : {"{",        "}",          "\\boxed{",
                            "\\boxed ", "\\boxed{}",  "$",
                            "$$",       "\\[",        "\\(",
                            "answer:",  "answer is ", "####",
                            "\\",       "1",          "1,",
                            "1/",       "a1",         "\xff",
                            "<|",       "</thought>", "\\boxed{1} and ",
                            "$1$ and "}) {
    std::string text;
    while (text.size() < (1U << 20)) text += piece;
    find_answer(text, true);
    find_answer("\\boxed{" + text + "}", true);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

}  // namespace
}  // namespace srpo::verify
