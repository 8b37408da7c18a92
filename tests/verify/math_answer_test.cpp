#include "verify/math_answer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"

namespace srpo::verify {
namespace {

bool boxed_is(const std::string& content, const std::string& reference) {
  const auto answer = boxed_answer("So it is \\boxed{" + content + "}.</thought>");
  return answer && same_answer(*answer, reference);
}

TEST(MathAnswer, ScoresTheConformanceVectors) {
  struct Vector {
    const char* content;
    const char* reference;
    bool same;
  };
  const std::vector<Vector> vectors = {
      {R"(\frac12)", R"(\frac{1}{2})", true},
      {"0.5", R"(\frac{1}{2})", true},
      {"1/2", R"(\frac{1}{2})", true},
      {".5", "0.5", true},
      {"0.50", "0.5", false},
      {"x=5", "5", true},
      {"abc=5", "5", false},
      {R"(5\text{ cm})", "5", true},
      {R"(5\text{cm})", "5", false},
      {R"(90^\circ)", "90", true},
      {R"(\sqrt3)", R"(\sqrt{3})", true},
      {"1,000", "1000", false},
      {R"(\dfrac{3}{4})", R"(\frac{3}{4})", true},
      {" 7 ", "7", true},
      {R"(\{1,2\})", R"(\{2,1\})", false},
      {R"(50\%)", "50", true},
      {R"(\$12)", "12", true},
      {"(1, 2)", "(1,2)", true},
      {R"(2\cdot 3)", "6", false},
      {R"(-\frac{1}{2})", "-1/2", false},
      {R"(\left(1,2\right))", "(1,2)", true},
      {"Yes", "yes", false},
      {"", "", true},
      {"7.0", "7", false},
      {R"(\text{7})", "7", false},
  };
  for (const Vector& vector : vectors) {
    EXPECT_EQ(boxed_is(vector.content, vector.reference), vector.same)
        << vector.content << " against " << vector.reference;
  }
}

TEST(MathAnswer, TakesTheLastBoxOnly) {
  EXPECT_EQ(boxed_answer("\\boxed{7} or \\boxed{8}"), "8");
  EXPECT_EQ(boxed_answer("\\boxed{7} or \\boxed{8"), std::nullopt);
  EXPECT_EQ(boxed_answer("\\boxed{\\frac{1}{2}} and {more}"), "\\frac{1}{2}");
  EXPECT_EQ(boxed_answer("\\boxed{a\\boxed{b}c}"), "b");
}

TEST(MathAnswer, FindsNoAnswerWithoutAClosedBox) {
  for (const char* response : {"", "7", "\\boxed{7", "\\boxed", "\\boxed7", "\\boxed}{7}",
                               "\\boxed\n{7}", "\\boxed\\text{7}", "boxed{7}"}) {
    EXPECT_EQ(boxed_answer(response), std::nullopt) << response;
  }
}

TEST(MathAnswer, RejectsAFramedBox) {
  EXPECT_EQ(boxed_answer("\\fbox{7}"), std::nullopt);
}

TEST(MathAnswer, LetsABoxWithASpaceWinWhereverItStands) {
  EXPECT_EQ(boxed_answer("\\boxed 7</thought>"), "7</thought>");
  EXPECT_EQ(boxed_answer("$\\boxed 7$ and \\boxed{8}"), "7");
  EXPECT_EQ(boxed_answer("\\boxed 7$ \\boxed {8}"), "{8}");
  EXPECT_EQ(boxed_answer("\\boxed "), "");
}

TEST(MathAnswer, NormalizesStepByStep) {
  EXPECT_EQ(normalize_answer("1\n2"), "12");
  EXPECT_EQ(normalize_answer("1\\!000"), "1000");
  EXPECT_EQ(normalize_answer("\\\\pi"), "\\pi");
  EXPECT_EQ(normalize_answer("\\tfrac34"), "\\frac{3}{4}");
  EXPECT_EQ(normalize_answer("90^{\\circ}"), "90");
  EXPECT_EQ(normalize_answer("{.5}"), "{0.5}");
  EXPECT_EQ(normalize_answer("1 .5"), "10.5");
  EXPECT_EQ(normalize_answer("k = 3"), "3");
  EXPECT_EQ(normalize_answer("a=b=3"), "a=b=3");
  EXPECT_EQ(normalize_answer("\\sqrt2+\\sqrt{3}"), "\\sqrt{2}+\\sqrt{3}");
  EXPECT_EQ(normalize_answer("\\frac1{72}"), "\\frac{1}{72}");
  EXPECT_EQ(normalize_answer("\\frac{1}2"), "\\frac{1}2");
  EXPECT_EQ(normalize_answer("\\frac a b"), "\\frac{a}{b}");
  EXPECT_EQ(normalize_answer("\\frac1"), "\\frac1");
  EXPECT_EQ(normalize_answer("x="), "");
}

TEST(MathAnswer, TurnsOnlyPlainIntegerRatiosIntoFractions) {
  EXPECT_EQ(normalize_answer("-3/4"), "\\frac{-3}{4}");
  EXPECT_EQ(normalize_answer("0/4"), "\\frac{0}{4}");
  for (const char* other :
       {"03/4", "+3/4", "-0/4", "3/4/5", "3/", "/4", "a/b", "1.5/2", "-/2"}) {
    EXPECT_EQ(normalize_answer(other), other);
  }
}

TEST(MathAnswer, ComparesRawStringsWhenARuleDoesNotApply) {
  EXPECT_EQ(normalize_answer("1\\text{ m} 2\\text{ s}"), std::nullopt);
  EXPECT_EQ(normalize_answer("2\\sqrt"), std::nullopt);
  EXPECT_EQ(normalize_answer("\\frac"), std::nullopt);
  EXPECT_EQ(normalize_answer("\\frac\\frac12"), std::nullopt);
  EXPECT_TRUE(same_answer("2\\sqrt", "2\\sqrt"));
  EXPECT_FALSE(same_answer(" 2\\sqrt", "2\\sqrt"));
}

TEST(MathAnswer, CountsCharactersNotBytes) {
  EXPECT_EQ(normalize_answer("αβ=3"), "3");
  EXPECT_EQ(normalize_answer("αβγ=3"), "αβγ=3");
  EXPECT_EQ(normalize_answer("\\sqrtπ"), "\\sqrt{π}");
  EXPECT_EQ(normalize_answer("\\fracπ2"), "\\frac{π}{2}");
}

TEST(MathAnswer, EndsOnAnyBytes) {
  const std::string alphabet(
      "\\{}$ =/.\0\xff\xc3\x80"
      "05fb",
      16);
  const std::vector<std::string> words = {"\\boxed{", "\\boxed ", "\\frac",
                                          "\\sqrt",   "\\text{ ", "\\fbox{"};
  core::Rng rng(1, core::Purpose::kTest, 0);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (uint64_t left = rng.below(24); left > 0; --left) {
      if (rng.below(3) == 0) {
        text += words[rng.below(words.size())];
      } else {
        text += alphabet[rng.below(alphabet.size())];
      }
    }
    const auto answer = boxed_answer(text);
    EXPECT_TRUE(!answer || same_answer(*answer, *answer));
    normalize_answer(text);
  }
}

}  // namespace
}  // namespace srpo::verify
