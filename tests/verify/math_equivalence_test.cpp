#include "verify/math_equivalence.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace srpo::verify {
namespace {

struct Case {
  const char* reference;
  const char* answer;
};

bool same(const std::string& reference, const std::string& answer,
          const MathOptions& options = {}) {
  return compare_answers(reference, answer, options).same;
}

std::string told(const Case& pair) {
  const MathJudgement judged = compare_answers(pair.reference, pair.answer, {});
  return std::string(pair.answer) + " for " + pair.reference + ": " + judged.reason +
         "\n  " + judged.reference_form + "\n  " + judged.answer_form;
}

void expect_same(const std::vector<Case>& pairs) {
  for (const Case& pair : pairs) {
    EXPECT_TRUE(same(pair.reference, pair.answer)) << told(pair);
    // Every answer is itself, whatever it is.
    EXPECT_TRUE(same(pair.answer, pair.answer)) << pair.answer;
  }
}

void expect_different(const std::vector<Case>& pairs) {
  for (const Case& pair : pairs) {
    EXPECT_FALSE(same(pair.reference, pair.answer)) << told(pair);
  }
}

TEST(MathEquivalence, ReadsNumbersInManyNotations) {
  expect_same({{"1234567", "1,234,567"},
               {"1234567", "1{,}234{,}567"},
               {"1234567", "1\\,234\\,567"},
               {"1234567", "1 234 567"},
               {"11111111100", "11,\\! 111,\\! 111,\\! 100"},
               {"0.5", ".5"},
               {"0.50", "0.5"},
               {"7", "7.0"},
               {"-3", "−3"},
               {"1/3", "0.\\overline{3}"},
               {"1/6", "0.1\\overline{6}"},
               {"1/7", "0.(142857)"},
               {"1200", "1.2 \\times 10^3"},
               {"1200", "1.2e3"},
               {"0.00012", "1.2 \\cdot 10^{-4}"},
               {"0.00012", "1.2E-4"},
               {"12", "１２"},
               {"12", "١٢"},
               {"3.5", "3\\frac{1}{2}"},
               {"7/2", "3 1/2"},
               {"-7/2", "-3\\frac12"},
               {"3.5", "3½"},
               {"42", "\\text{42}"},
               {"42", "\\mathbf{42}"},
               {"42", "$42$."},
               {"1000000", "1 \\text{ million}"},
               {"24", "2 dozen"}});
  expect_different({{"32349", "32, 349"},
                    {"1234567", "1,234,576"},
                    {"0.5", "0.05"},
                    {"3.5", "\\frac{3 \\cdot 1}{2}"},
                    {"3/2", "3\\frac12"},
                    {"5", "5 \\text{ million}"},
                    {"1/3", "0.333"},
                    {"1/3", "0.3"},
                    {"1e-8", "2e-8"},
                    {"1e-8", "0"},
                    {"10^{100}", "10^{100}+1"},
                    {"2^{1009}", "2^{1008}"},
                    {"1/2004!", "1/2006!"},
                    {"1/2^{99}", "1/2^{98}"}});
}

TEST(MathEquivalence, TakesADecimalForWhatItRoundsByTheOption) {
  EXPECT_TRUE(same("1/3", "0.333333"));
  EXPECT_TRUE(same("\\sqrt{17}", "4.123106"));
  EXPECT_FALSE(same("\\sqrt{17}", "4.123105"));
  EXPECT_FALSE(same("1/3", "0.33333"));
  EXPECT_FALSE(same("1/3", "0.3333334"));
  EXPECT_FALSE(same("7/500000000", "0.00000001"));  // one digit is no precision
  MathOptions loose;
  loose.decimal_places = 3;
  EXPECT_TRUE(same("1/3", "0.333", loose));
  EXPECT_FALSE(same("1/3", "0.334", loose));
  EXPECT_TRUE(same("(\\frac{3}{5},\\frac{8}{3}]", "(0.6,2.6667]", loose));
  MathOptions exact;
  exact.decimal_places = 1 << 20;
  EXPECT_FALSE(same("1/3", "0.3333333333333333", exact));
  EXPECT_TRUE(same("1/4", "0.25", exact));
}

TEST(MathEquivalence, KnowsPercentMoneyUnitsAndDegrees) {
  expect_same({{"50\\%", "50"},
               {"50", "50%"},
               {"50\\%", "0.5"},
               {"62.5%", "5/8"},
               {"28\\%", "28 percent"},
               {"12", "\\$12"},
               {"1000", "$1,000"},
               {"12", "12 dollars"},
               {"0.5 \\text{ dollars}", "50 cents"},
               {"5", "5\\text{ cm}"},
               {"15\\mbox{ cm}^2", "15"},
               {"5\\text{ m}", "500\\text{ cm}"},
               {"1\\text{ km/h}", "1000 \\text{ meters per hour}"},
               {"2 hours", "120 minutes"},
               {"60 \\text{ mph}", "60 \\text{ miles per hour}"},
               {"90^\\circ", "90"},
               {"90", "90^{\\circ}"},
               {"90^\\circ", "\\frac{\\pi}{2}"},
               {"90°", "90 degrees"},
               {"0.06 \\text{ yuan}", "0.06"}});
  expect_different({{"28/100", "28"},
                    {"0.28", "28"},
                    {"50\\%", "5"},
                    {"50\\%", "0.05"},
                    {"5\\text{ m}", "5\\text{ cm}"},
                    {"5\\text{ m}", "5\\text{ hours}"},
                    {"90^\\circ", "91"},
                    {"90^\\circ", "\\frac{\\pi}{3}"},
                    {"6m", "6"},
                    {"5", "\\text{not } 5"},
                    {"5", "\\text{at least } 5"},
                    {"5", "5 \\text{ or more}"},
                    {"5", "\\text{negative } 5"},
                    {"15", "5 \\text{ plus } 3"},
                    {"15", "5 feet 3 inches"},
                    {"15", "3{5}"},
                    {"15", "{3}{5}"},
                    {"15", "\\text{3}5"}});
  MathOptions strict_percent;
  strict_percent.percent_is_unit = false;
  EXPECT_FALSE(same("50\\%", "50", strict_percent));
  EXPECT_TRUE(same("50\\%", "0.5", strict_percent));
}

TEST(MathEquivalence, ProvesRootsPowersAndConstants) {
  expect_same({{"\\sqrt{12}", "2\\sqrt3"},
               {"\\sqrt{5+2\\sqrt6}", "\\sqrt2+\\sqrt3"},
               {"\\frac{1}{\\sqrt2}", "\\frac{\\sqrt2}{2}"},
               {"\\sqrt[3]{-8}", "-2"},
               {"\\sqrt[3]{2+\\sqrt5}+\\sqrt[3]{2-\\sqrt5}", "1"},
               {"8^{2/3}", "4"},
               {"2^{-2/3}", "\\frac{1}{\\sqrt[3]{4}}"},
               {"5 \\sqrt[3]{4}", "5 \\cdot 2^{2/3}"},
               {"\\frac{3\\pi}{4}", "0.75\\pi"},
               {"e^{2}", "e \\cdot e"},
               {"\\ln 8", "3 \\ln 2"},
               {"\\log_2 8", "3"},
               {"-\\log_{10} 250", "\\log_{10} \\frac{1}{250}"},
               {"\\frac{\\log 2}{\\log 2-\\log 3}", "\\frac{1}{1-\\log_2 3}"},
               {"\\cos \\frac{\\pi}{5}", "\\frac{1+\\sqrt5}{4}"},
               {"\\sin 75^\\circ", "\\frac{\\sqrt6+\\sqrt2}{4}"},
               {"\\tan\\frac{\\pi}{8}", "\\sqrt2-1"},
               {"\\arctan 1", "\\pi/4"},
               {"5!", "120"},
               {"\\binom{10}{3}", "120"},
               {"\\frac{100!}{99!}", "100"},
               {"|{-3}|", "3"},
               {"\\lfloor 7/2 \\rfloor", "3"},
               {"i^2", "-1"},
               {"(1+i)^2", "2i"},
               {"-2+2\\sqrt3 i", "4 (\\cos \\frac{2\\pi}{3} + i \\sin \\frac{2\\pi}{3})"},
               {"e^{i\\pi}", "-1"},
               {"\\ln 2 + i\\pi/3", "\\frac{i \\pi}{3} + \\ln 2"},
               {"\\infty", "+\\infty"},
               {"sqrt(2)/2", "\\frac{1}{\\sqrt{2}}"},
               {"√30", "\\sqrt{30}"}});
  expect_different({{"\\sqrt{12}", "2\\sqrt2"},
                    {"4", "4\\sqrt2"},
                    {"\\sqrt[3]{-8}", "2"},
                    {"e^{\\pi\\sqrt{163}}", "262537412640768744"},
                    {"\\pi", "22/7"},
                    {"\\pi", "3.14"},
                    {"\\frac{355}{113}", "\\pi"},
                    {"1+2i", "1-2i"},
                    {"\\infty", "-\\infty"},
                    {"\\pi", "\\pi + 10^{-200}e"},
                    {"\\ln 2", "\\ln(2 + 10^{-400})"},
                    {"1/0", "2/0"},
                    {"0/0", "1"},
                    {"\\sqrt{2}+10^{-40}", "\\sqrt2"},
                    {"\\ln 0", "-\\infty"}});
}

TEST(MathEquivalence, ComparesExpressionsWithUnknowns) {
  expect_same({{"\\frac{n(n+1)}{2}", "\\binom{n+1}{2}"},
               {"(x+1)^2", "x^2+2x+1"},
               {"\\frac{x^2-1}{x-1}", "x+1"},
               {"2n-2", "2(n-1)"},
               {"\\frac{1}{4} n(n+1)", "\\frac{n^2+n}{4}"},
               {"\\tan^2 y+1", "\\sec^2 y"},
               {"2 \\sin b \\cos a", "\\sin(a+b)-\\sin(a-b)"},
               {"\\sin^{-1} x", "\\arcsin x"},
               {"2^{n+1}", "2\\cdot 2^n"},
               {"(-1)^{n+1}", "-(-1)^n"},
               {"\\lceil n/2\\rceil", "\\lfloor \\frac{n+1}{2} \\rfloor"},
               {"\\frac{(n+1)!}{n!}", "n+1"},
               {"\\sqrt{x}\\sqrt{y}", "\\sqrt{xy}"},
               {"\\frac{1}{3\\sqrt[3]{x}^2}", "\\frac{1}{3x^{2/3}}"},
               {"\\sqrt{4 \\pi G \\rho_{0} r_{0}^{2}}", "\\sqrt{4\\pi G r_0^2 \\rho_0}"},
               {"\\frac{e^{2 i t}}{(2+2 i)}", "\\frac{(1-i)e^{2it}}{4}"},
               {"x_1+x_2", "x_{2}+x_{1}"},
               {"f(x)=2x", "2x"},
               {"f(x)=x+1", "f(n)=n+1"},
               {"\\frac{d x}{d t}=k x-a", "kx-a"},
               {"|x-2|", "|2-x|"}});
  expect_different({{"(x+1)^2", "x^2+1"},
                    {"2n", "2N"},
                    {"\\sqrt{x^2}", "x"},
                    {"|x|", "x"},
                    {"(-1)^n", "1"},
                    {"\\lfloor x \\rfloor", "x"},
                    {"x^2", "x^3"},
                    {"\\sin x", "x"},
                    {"\\sin 2x", "2\\sin x"},
                    {"f(x)", "f(y)"},
                    {"x_1", "x_2"},
                    {"a+b", "a-b"},
                    {"2^n", "n^2"},
                    {"n!", "n"},
                    {"x+10^{-30}", "x"},
                    {"\\log x", "\\log_{10} x"}});
}

TEST(MathEquivalence, ComparesEquationsAndInequalities) {
  expect_same({{"x=5", "5"},
               {"5", "x = 5"},
               {"34x+45y-20z+100=0", "-34x-45y+20z-100=0"},
               {"2x+4y-3=0", "y=-\\frac{1}{2}x+\\frac{3}{4}"},
               {"x^2/4 + y^2/3 = 1", "x^2/16 + y^2/12 = 1/4"},
               {"y=\\sqrt2 x", "x = \\frac{y}{\\sqrt2}"},
               {"(p,q)=(3,2)", "(3,2)"},
               {"AB=4,CD=5", "4,5"},
               {"S_{1}:S=7:32", "7:32"},
               {"x = 5+5+1 = 11", "11"},
               {"11", "x \\approx 11"},
               {"k \\geq 2", "k >= 2"},
               {"k \\geq 2", "2 \\le k"},
               {"k \\geq 2", "[2, \\infty)"},
               {"x < 1", "-x > -1"},
               {"2x < 6", "x < 3"},
               {"x + y < 1", "2 - 2x - 2y > 0"},
               {"-2 \\le x \\le 7", "x \\in [-2,7]"},
               {"x \\ne 3", "(-\\infty,3) \\cup (3,\\infty)"},
               {"1\\leq|z|\\leq \\frac{3}{2}", "[-1.5,-1] \\cup [1, 1.5]"},
               {"x < 1 \\text{ or } x > 2", "(2,\\infty)\\cup(-\\infty,1)"},
               {"x > 1 \\text{ and } x < 2", "1 < x < 2"},
               {"0<f(x)<1", "(0,1)"},
               {"f(2) < f(1) < f(4)", "f(4) > f(1) > f(2)"}});
  expect_different({{"x=5", "y=5"},
                    {"x=5", "6"},
                    {"2x+z=1", "1"},
                    {"7 = 11a+c", "11a+c"},
                    {"x - y = 0", "x + y = 0"},
                    {"x < 1", "x > 1"},
                    {"x < 1", "x \\le 1"},
                    {"x < 1", "y < 1"},
                    {"x + y < 1", "x + y > 1"},
                    {"x + y < 1", "2x + 2y < 1"},
                    {"k \\geq 2", "2"},
                    {"k \\geq 2", "(2, \\infty)"},
                    {"f(2) < f(1) < f(4)", "f(1) < f(2) < f(4)"}});
}

TEST(MathEquivalence, ComparesListsSetsTuplesAndIntervals) {
  expect_same({{"1,3,5", "5, 3 and 1"},
               {"1,3,5", "\\{1,5,3\\}"},
               {"\\{1,2\\}", "\\{2,1,1\\}"},
               {"x=1,x=2", "2,1"},
               {"1 \\pm \\sqrt{19}", "1-\\sqrt{19}, 1+\\sqrt{19}"},
               {"\\{1\\pm\\sqrt5,-2\\}", "-2, 1+\\sqrt5, 1-\\sqrt5"},
               {"(\\pm 1, \\pm 2)", "(1,2),(1,-2),(-1,2),(-1,-2)"},
               {"p=5,q=2;p=7,q=2", "(5,2),(7,2)"},
               {"(0;0;0),(1;2;3)", "(1,2,3),(0,0,0)"},
               {"(11,7)or(7,11)", "(7,11), (11,7)"},
               {"(1,3)", "1,3"},
               {"(1,2,3)", "\\langle 1,2,3 \\rangle"},
               {"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)"},
               {"[0,1)", "0 \\le x < 1"},
               {"(-\\infty,0)\\cup\\{1\\}", "\\{1\\} \\cup (-\\infty, 0)"},
               {"(0,1]\\cup(1,2)", "(0,2)"},
               {"\\mathbb{R} \\setminus \\{0\\}", "(-\\infty,0)\\cup(0,\\infty)"},
               {"(0,3) \\cap (1,5)", "(1,3)"},
               {"\\emptyset", "\\{\\}"},
               {"\\frac12 \\text{ or } 0.5", "\\frac{2}{4}"},
               {"1,2", "\\boxed{1} , \\boxed{2}"},
               {"1:2:3", "2:4:6"},
               {"16,3,1,1", "1,16,1,3"}});
  expect_different({{"1,3,5", "1,3"},
                    {"1,3", "1,3,5"},
                    {"16,3,1,1", "16,3,1"},
                    {"16,3,1,1", "16,16,3,1"},
                    {"(3,1)", "(1,3)"},
                    {"(3,1)", "1,3"},
                    {"(1,3)", "\\{1,3\\}"},
                    {"[0,1)", "(0,1)"},
                    {"[0,1]", "(0,1)"},
                    {"[0,1]", "0,1"},
                    {"(0,1)\\cup(2,3)", "(0,1)"},
                    {"(0,1)\\cup(1,2)", "(0,2)"},
                    {"1 \\pm \\sqrt{19}", "1+\\sqrt{19}"},
                    {"\\pm 2021", "2021"},
                    {"x=1 \\text{ or } x=2", "1"},
                    {"(1,2)", "(1,2,3)"},
                    {"1:2", "2:1"},
                    {"12:00", "1:00"},
                    {"1", "-[0,1)"},
                    {"5", "\\{5, 6\\}"}});
}

TEST(MathEquivalence, ComparesMatricesBasesAndTexts) {
  expect_same(
      {{"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
        "\\left[\\begin{array}{cc}1 & 2 \\\\3 & 4\\end{array}\\right]"},
       {"\\begin{pmatrix}6&8\\\\10&12\\end{pmatrix}",
        "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}+\\begin{pmatrix}5&6\\\\7&8\\end{"
        "pmatrix}"},
       {"\\begin{pmatrix}7&10\\\\15&22\\end{pmatrix}",
        "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}\\begin{pmatrix}1&2\\\\3&4\\end{"
        "pmatrix}"},
       {"\\begin{bmatrix}2\\\\4\\end{bmatrix}", "2\\begin{pmatrix}1\\\\2\\end{pmatrix}"},
       {"204_5", "204_{5}"},
       {"204_5", "204"},
       {"1A_{16}", "1A_{16}"},
       {"\\text{Evelyn}", "Evelyn"},
       {"\\text{odd}", "odd"},
       {"\\text{(C)}", "\\text{C}"},
       {"\\text{E}", "E"},
       {"Yes", "\\text{yes}"},
       {"\\text{no solution}", "No solution."},
       {"東京", "東京"},
       {"\\text{Saturday}", "saturday"}});
  expect_different({{"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
                     "\\begin{pmatrix}1&2\\\\3&5\\end{pmatrix}"},
                    {"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
                     "\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}"},
                    {"\\begin{pmatrix}1&2&3&4\\end{pmatrix}",
                     "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}"},
                    {"1112112_3", "1112122_3"},
                    {"10_2", "10_3"},
                    {"\\text{Evelyn}", "\\text{Briana}"},
                    {"\\text{E}", "d"},
                    {"Yes", "No"},
                    {"\\text{even}", "\\text{odd}"},
                    {"東京", "京都"}});
}

TEST(MathEquivalence, SaysHowItReadAndWhy) {
  const MathJudgement judged = compare_answers("\\frac{n(n+1)}{2}", "(n^2+n)/2", {});
  EXPECT_TRUE(judged.same);
  EXPECT_EQ(judged.reference_form, "(/ (* n (+ n 1)) 2)");
  EXPECT_EQ(judged.answer_form, "(/ (+ (^ n 2) n) 2)");
  EXPECT_EQ(judged.reason, "the same normal form");
}

TEST(MathEquivalence, RefusesAnEmptyAnswer) {
  for (const char* empty : {"", " ", "$$", "\\(\\)", ".", "\\$"}) {
    EXPECT_FALSE(same("5", empty)) << empty;
    EXPECT_FALSE(same("", empty)) << empty;
  }
}

}  // namespace
}  // namespace srpo::verify
