// Answers made to hurt: each gets a verdict within the limits, and nothing crashes.
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"
#include "verify/make_verifier.h"
#include "verify/math_equivalence.h"
#include "verify/math_extraction.h"

namespace srpo::verify {
namespace {

using records::VerdictKind;
using Clock = std::chrono::steady_clock;

std::string repeated(const std::string& piece, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += piece;
  return text;
}

/// The verdict for an answer, and that it came in time.
VerdictKind judged(const std::string& answer, const std::string& reference) {
  static const auto verifier = make_verifier("math_equivalence");
  const auto start = Clock::now();
  const auto verdict = verifier->verify({"p", "math_equivalence", "?", reference},
                                        "\\boxed{" + answer + "}");
  const std::chrono::duration<double> took = Clock::now() - start;
  EXPECT_LT(took.count(), 3.0) << answer.substr(0, 100);
  EXPECT_EQ(verdict.reward, verdict.kind == VerdictKind::kCorrect ? 1 : 0);
  return verdict.kind;
}

TEST(MathHostile, EndsOnNestingOfAnyKindAndDepth) {
  for (const size_t depth : {30U, 100U, 399U, 1000U, 2000U, 250000U}) {
    for (const auto& [open, close] : {std::pair<std::string, std::string>{"{", "}"},
                                      {"(", ")"},
                                      {"[", "]"},
                                      {"\\{", "\\}"},
                                      {"\\sqrt{", "}"},
                                      {"\\frac{1}{", "}"},
                                      {"2^{", "}"},
                                      {"\\sin(", ")"},
                                      {"-(", ")"},
                                      {"|", "|"},
                                      {"\\left(", "\\right)"},
                                      {"\\text{", "}"},
                                      {"\\boxed{", "}"},
                                      {"x_{", "}"},
                                      {"\\lfloor ", "\\rfloor "},
                                      {"\\mathbf{", "}"},
                                      {"\\begin{pmatrix}", "\\end{pmatrix}"}}) {
      const std::string nested = repeated(open, depth) + "1" + repeated(close, depth);
      EXPECT_NE(judged(nested, "31415"), VerdictKind::kCorrect);
      judged(repeated(open, depth), "31415");
      judged(repeated(close, depth), "31415");
    }
  }
}

TEST(MathHostile, EndsOnLongChains) {
  for (const size_t count : {50U, 500U, 2000U, 5000U}) {
    for (const char* piece :
         {"1+",         "x*",     "2^",    "1/",        "-",       "+",      "\\pm",
          "\\frac",     "\\sqrt", "(",     "1,",        "1;",      "x=",     "1<",
          "\\cup(1,2)", "!",      "%",     "'",         "x_1",     "\\cdot", "and ",
          "or ",        "&",      "\\\\",  "\\text{a}", "\\sin",   "1:",     "\\int",
          "\\sum",      "|",      "=",     "^",         "_",       "x ",     "sin(x)+",
          "x^9*",       "(x+y)*", "\\pi^", "\\text{1}", "\\pm 1,", "(1,2),", "e^",
          "7 mod "}) {
      EXPECT_NE(judged(repeated(piece, count) + "1", "31415"), VerdictKind::kCorrect)
          << piece;
    }
  }
}

TEST(MathHostile, BoundsWhatNumbersMayGrowTo) {
  const std::vector<std::string> large = {
      "9^{9^{9^{9}}}",
      "10^{10^{10}}",
      "10^{10^{10^{10}}}",
      "9!!!!!!",
      "(10^9)!",
      "2^{10^9}",
      "2^{2^{40}}",
      "1.1^{10^{12}}",
      "\\binom{10^9}{10^8}",
      "e^{e^{e^{e^9}}}",
      "1e99999",
      "1e999999999999",
      "2^{-10^{9}}",
      "\\sin(10^{10^6})",
      "\\ln(10^{10^9})",
      "(1+10^{-9})^{10^{9}}",
      "\\sqrt[10^{9}]{2}",
      "2^{1/10^9}",
      "\\Gamma(10^{30})",
      "(x+y+z+w+1)^{99}",
      "(x+1)^{99}(y+1)^{99}(z+1)^{99}",
      "((x+1)^{99}+1)^{99}",
      "\\frac{1}{(x+y)^{50}}+\\frac{1}{(x-y)^{50}}",
      "\\tan(\\pi/2)",
      "0^{-1}",
      "0^0",
      "1/0",
      "0/0",
      "\\frac{1}{x-x}",
      "\\ln 0",
      "\\log_1 5",
      "\\sqrt[0]{5}",
      "(-1)^{1/2}",
      "\\arcsin(10^{100})",
      "\\infty-\\infty",
      "\\infty \\cdot 0",
      "\\infty^\\infty",
      "0.(9)",
      "1.\\overline{" + std::string(300, '9') + "}",
      "1_{99}",
      "Z_{36}",
      "\\sqrt{\\sqrt{\\sqrt{\\sqrt{\\sqrt{\\sqrt{2+\\sqrt3}}}}}}",
      "\\sqrt2+\\sqrt3+\\sqrt5+\\sqrt7+\\sqrt{11}+\\sqrt{13}+\\sqrt{17}+\\sqrt{19}"};
  for (const std::string& answer : large) {
    for (const std::string& reference : large) {
      const MathJudgement result = compare_answers(reference, answer, {});
      (void)result;
    }
    EXPECT_NE(judged(answer, "31415"), VerdictKind::kCorrect) << answer;
  }
  EXPECT_EQ(judged("9^{9^{9}}", "9^{9^9}"), VerdictKind::kCorrect);
  EXPECT_EQ(judged("0.(9)", "1"), VerdictKind::kCorrect);
}

TEST(MathHostile, TakesManyDigitsAsTextOnly) {
  const std::string digits(100000, '7');
  EXPECT_EQ(judged(digits, digits), VerdictKind::kCorrect);
  EXPECT_NE(judged(digits, digits + "8"), VerdictKind::kCorrect);
  EXPECT_NE(judged(digits, "7"), VerdictKind::kCorrect);
  EXPECT_EQ(judged(std::string(3000, '7'), std::string(3000, '7') + ".0"),
            VerdictKind::kCorrect);
}

TEST(MathHostile, TakesAnyBytes) {
  const std::string nul("7\0", 2);
  EXPECT_NE(judged(nul, "8"), VerdictKind::kCorrect);
  EXPECT_NE(judged("\xff\xfe", "8"), VerdictKind::kCorrect);
  EXPECT_NE(judged("\xe2\x88", "8"), VerdictKind::kCorrect);
  EXPECT_NE(judged("", "8"), VerdictKind::kCorrect);
  EXPECT_NE(judged("七", "7"), VerdictKind::kCorrect);
  EXPECT_EQ(judged("７", "7"), VerdictKind::kCorrect);
  EXPECT_EQ(judged("٧", "7"), VerdictKind::kCorrect);
}

/// A random text of pieces that mean something, some of them broken.
std::string random_text(core::Rng& rng) {
  static const std::vector<std::string> kPieces = {"1",
                                                   "2",
                                                   "0",
                                                   "10",
                                                   "0.5",
                                                   "x",
                                                   "y",
                                                   "n",
                                                   "+",
                                                   "-",
                                                   "*",
                                                   "/",
                                                   "^",
                                                   "_",
                                                   "(",
                                                   ")",
                                                   "[",
                                                   "]",
                                                   "{",
                                                   "}",
                                                   "\\{",
                                                   "\\}",
                                                   ",",
                                                   ";",
                                                   ":",
                                                   "=",
                                                   "<",
                                                   ">",
                                                   "\\le",
                                                   "\\ge",
                                                   "\\ne",
                                                   "\\in",
                                                   "\\frac",
                                                   "\\sqrt",
                                                   "\\sqrt[3]",
                                                   "\\pi",
                                                   "e",
                                                   "i",
                                                   "\\infty",
                                                   "\\sin",
                                                   "\\log",
                                                   "\\log_2",
                                                   "\\pm",
                                                   "\\mp",
                                                   "\\cup",
                                                   "\\cap",
                                                   "\\setminus",
                                                   "!",
                                                   "%",
                                                   "\\%",
                                                   "^\\circ",
                                                   "'",
                                                   "|",
                                                   "\\binom",
                                                   "\\text{",
                                                   "\\text{ cm}",
                                                   " ",
                                                   " and ",
                                                   " or ",
                                                   "\\begin{pmatrix}",
                                                   "\\end{pmatrix}",
                                                   "&",
                                                   "\\\\",
                                                   "\\lfloor",
                                                   "\\rfloor",
                                                   "\\left",
                                                   "\\right",
                                                   "$",
                                                   "\\$",
                                                   ".",
                                                   "\\cdot",
                                                   "\\overline{",
                                                   "f(x)",
                                                   "9^9",
                                                   "1e5",
                                                   "_3",
                                                   "\\mathbb{R}",
                                                   "\\boxed{",
                                                   "answer is ",
                                                   "#### ",
                                                   "\xff",
                                                   "π",
                                                   "√",
                                                   "½",
                                                   "\\sum_{k=1}^{n}",
                                                   "\\int",
                                                   "mod",
                                                   "exp",
                                                   "floor(",
                                                   "gcd(",
                                                   "100!",
                                                   "\\ln"};
  std::string text;
  for (uint64_t left = 1 + rng.below(24); left > 0; --left) {
    if (rng.below(40) == 0) {
      text += static_cast<char>(rng.below(256));
    } else {
      text += kPieces[rng.below(kPieces.size())];
    }
  }
  return text;
}

std::string mutated(std::string text, core::Rng& rng) {
  for (uint64_t left = 1 + rng.below(3); left > 0 && !text.empty(); --left) {
    const size_t at = rng.below(text.size());
    switch (rng.below(4)) {
      case 0:
        text.erase(at, 1 + rng.below(4));
        break;
      case 1:
        text.insert(at, random_text(rng).substr(0, 6));
        break;
      case 2:
        text[at] = static_cast<char>(rng.below(128));
        break;
      default:
        text += text.substr(at, rng.below(20));
    }
  }
  return text;
}

TEST(MathHostile, SurvivesRandomAndMutatedAnswers) {
  const char* minutes = std::getenv("SRPO_FUZZ_MINUTES");
  const double seconds = minutes == nullptr ? 3 : std::atof(minutes) * 60;
  const auto start = Clock::now();
  const std::vector<std::string> seeds = {
      "\\frac{n(n+1)}{2}",
      "(-\\infty,0)\\cup\\{1\\}",
      "1 \\pm \\sqrt{19}",
      "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
      "x^2/4+y^2/3=1",
      "-2 \\le x \\le 7",
      "\\frac{\\sqrt{\\sqrt{11}+\\sqrt{194}}}{15+2\\sqrt{33}}",
      "5\\text{ km/h}",
      "\\cos \\frac{\\pi}{5}+i\\sin\\frac{\\pi}{5}",
      "p=5,q=2;p=7,q=2",
      "204_5",
      "\\lfloor \\frac{2 n-1}{5}\\rfloor",
      "\\frac{d !}{2 k(d-k) !}",
      "1,234,567",
      "0.1\\overline{6}",
      "\\binom{2n}{n}",
      "e^{-2t}\\sin(3t)",
      "7:32"};
  double longest = 0;
  uint64_t number = 0;
  for (; std::chrono::duration<double>(Clock::now() - start).count() < seconds;
       ++number) {
    core::Rng rng(7, core::Purpose::kTest, number);
    const std::string seed = seeds[rng.below(seeds.size())];
    const std::string reference = rng.below(3) == 0 ? random_text(rng) : seed;
    const std::string answer =
        rng.below(2) == 0 ? mutated(reference, rng) : random_text(rng);
    const auto before = Clock::now();
    const MathJudgement one = compare_answers(reference, answer, {});
    longest =
        std::max(longest, std::chrono::duration<double>(Clock::now() - before).count());
    find_answer(answer, true);
    if (number % 16 == 0) {  // judged alike a second time
      EXPECT_EQ(one.same, compare_answers(reference, answer, {}).same)
          << reference << " / " << answer;
    }
  }
  std::printf("fuzz: %llu pairs, longest %.1f ms\n",
              static_cast<unsigned long long>(number), longest * 1000);
  EXPECT_GT(number, 100U);
  EXPECT_LT(longest, 3.0);
}

}  // namespace
}  // namespace srpo::verify
