#include "verify/countdown_verifier.h"

#include <string>

#include <gtest/gtest.h>

#include "core/random.h"

namespace srpo::verify {
namespace {

using records::VerdictKind;

records::Verdict verdict(const std::string& response,
                         const std::string& reference = "23 from 4 6 3 1") {
  records::Problem problem;
  problem.reference = reference;
  return CountdownVerifier().verify(problem, response);
}

TEST(CountdownVerifier, FollowsTheStepsToANumber) {
  EXPECT_EQ(
      verdict("6*3=18</thought>18+4=22</thought>22+1=23 \\boxed{23}</thought>").reward,
      1);
  EXPECT_EQ(
      verdict(" 6 * 3 = 18</thought>\n4 + 18 = 22</thought>\n1+22=23\\boxed{23}").kind,
      VerdictKind::kCorrect);
  for (const char* wrong :
       {"\\boxed{23}", "22+1=23 \\boxed{23}", "6*3=18</thought>18+4=22 \\boxed{22}",
        "6*3=18</thought>18+4=23 \\boxed{23}",
        "6*4=24</thought>24-1=23 \\boxed{23}",  // 3 is left over
        "6*3=18</thought>18+4=22</thought>22+1=23</thought>23*1=23 \\boxed{23}",
        "6*3=18</thought>18+4=22</thought>22+1=23 \\boxed{24}",
        "6*3=18</thought>let me see</thought>18+4=22</thought>22+1=23 \\boxed{23}",
        "6+3+1=10</thought>10+4=14 \\boxed{14}", "1-6=-5 \\boxed{23}"})
    EXPECT_EQ(verdict(wrong).kind, VerdictKind::kWrong) << wrong;
}

TEST(CountdownVerifier, EvaluatesAnExpressionInTheBox) {
  EXPECT_EQ(verdict("so \\boxed{6*3+4+1}").reward, 1);
  EXPECT_EQ(verdict("\\boxed{ (6 * 3) + (4 + 1) }").reward, 1);
  EXPECT_EQ(verdict("\\boxed{8/(3-8/3)}", "24 from 8 3 8 3").reward, 1) << "fractions";
  EXPECT_EQ(verdict("\\boxed{5}", "5 from 5").reward, 1);
  for (const char* wrong :
       {"\\boxed{6*4-1}", "\\boxed{6*3+4+1+1}", "\\boxed{20+3}", "\\boxed{6*3+4-1}",
        "\\boxed{6*3+4+1=23}", "\\boxed{6*(3+4+1}", "\\boxed{6/0+3+4+1}", "\\boxed{}",
        "\\boxed{-6}"})
    EXPECT_EQ(verdict(wrong).kind, VerdictKind::kWrong) << wrong;
}

TEST(CountdownVerifier, CallsAResponseWithoutAClosedBoxUnparsable) {
  EXPECT_EQ(verdict("6*3=18").kind, VerdictKind::kUnparsable);
  EXPECT_EQ(verdict("\\boxed{6*3").kind, VerdictKind::kUnparsable);
}

TEST(CountdownVerifier, BlamesABadReferenceOnNobody) {
  for (const char* bad : {"", "23", "23 of 4 6", "x from 4", "23 from 4 y"})
    EXPECT_EQ(verdict("\\boxed{23}", bad).kind, VerdictKind::kError) << bad;
}

TEST(CountdownVerifier, GivesAVerdictOnAnyBytes) {
  core::Rng rng(1, core::Purpose::kTest, 3);
  const std::string pieces[] = {"\\boxed{",   "}",           "(",    ")", "9",
                                "*",          "/",           "+",    "-", "=",
                                "</thought>", "99999999999", "\xff", " "};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (uint64_t i = rng.below(40); i > 0; --i) text += pieces[rng.below(14)];
    const records::Verdict found = verdict(text);
    EXPECT_LE(found.reward, 1);
  }
  EXPECT_EQ(verdict("\\boxed{" + std::string(100000, '(') + "}").reward, 0);
  EXPECT_EQ(verdict(std::string(1 << 20, '{') + "\\boxed{1}").reward, 0);
}

}  // namespace
}  // namespace srpo::verify
