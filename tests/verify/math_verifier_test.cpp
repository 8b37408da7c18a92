#include "verify/math_verifier.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "verify/make_verifier.h"

namespace srpo::verify {
namespace {

using records::VerdictKind;

records::Verdict verdict_of(const std::string& response,
                            const std::string& reference = "7") {
  return make_verifier("math")->verify({"p1", "math", "How many?", reference}, response);
}

std::string repeated(const std::string& piece, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += piece;
  return text;
}

TEST(MathVerifier, RewardsACorrectAnswer) {
  const auto verdict = verdict_of("3+4=7 \\boxed{ 7 }</thought>");
  EXPECT_EQ(verdict.kind, VerdictKind::kCorrect);
  EXPECT_EQ(verdict.reward, 1);
  EXPECT_EQ(verdict.answer, " 7 ");
  EXPECT_GT(verdict.took_ms, 0);
}

TEST(MathVerifier, GivesAWrongAnswerNothing) {
  const auto verdict = verdict_of("\\boxed{7} no, \\boxed{8}");
  EXPECT_EQ(verdict.kind, VerdictKind::kWrong);
  EXPECT_EQ(verdict.reward, 0);
  EXPECT_EQ(verdict.answer, "8");
}

TEST(MathVerifier, CallsAMissingOrOpenBoxUnparsable) {
  for (const char* response : {"", "The answer is 7.", "\\boxed{7", "\\fbox{7}"}) {
    const auto verdict = verdict_of(response);
    EXPECT_EQ(verdict.kind, VerdictKind::kUnparsable) << response;
    EXPECT_EQ(verdict.reward, 0);
    EXPECT_EQ(verdict.answer, "");
  }
}

TEST(MathVerifier, SurvivesHostileMegabytesInLinearTime) {
  constexpr size_t kMegabyte = 1 << 20;
  const auto start = std::chrono::steady_clock::now();
  for (const char* piece :
       {"{", "}", "\\boxed{", "\\boxed ", "\\frac", "\\sqrt", "\\frac1", "\\sqrt3",
        "\\text{ ", "\\\\", "=", "/", "$", "\xff", "\xe2\x82", " ."}) {
    const std::string text = repeated(piece, kMegabyte);
    verdict_of(text);
    verdict_of("\\boxed{" + text + "}");
    verdict_of("\\boxed " + text, text);
  }
  const std::string nested =
      repeated("\\boxed{", kMegabyte / 8) + "7" + std::string(kMegabyte / 8, '}');
  EXPECT_EQ(verdict_of(nested).kind, VerdictKind::kCorrect);
  EXPECT_EQ(verdict_of(std::string("\0\\boxed{7}\0", 11)).kind, VerdictKind::kCorrect);
  EXPECT_EQ(verdict_of("\xff\xfe\\boxed{\xff}", "\xff").kind, VerdictKind::kCorrect);
  // Some fifty megabytes: a second in an unoptimised build, days if any rule were
  // quadratic.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(MakeVerifier, RefusesAnUnknownKindAndNamesTheKnownOnes) {
  EXPECT_THAT(verifier_kinds(),
              testing::IsSupersetOf({"math", "math_equivalence", "math_both", "choice",
                                     "yes_no", "free_text"}));
  try {
    make_verifier("poetry");
    FAIL() << "no error";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), testing::StartsWith("unknown kind of problem 'poetry'"));
    EXPECT_THAT(error.what(), testing::HasSubstr("math"));
  }
}

}  // namespace
}  // namespace srpo::verify
