#include "verify/text_verifier.h"

#include <string>

#include <gtest/gtest.h>

namespace srpo::verify {
namespace {

using records::VerdictKind;

VerdictKind yes_no(const std::string& response, const std::string& reference) {
  return YesNoVerifier().verify({"p", "yes_no", "?", reference}, response).kind;
}

VerdictKind free_text(const std::string& response, const std::string& reference) {
  return FreeTextVerifier().verify({"p", "free_text", "?", reference}, response).kind;
}

TEST(YesNoVerifier, LetsTheLastWholeWordDecide) {
  EXPECT_EQ(yes_no("yes, ... So \\boxed{No}", "no"), VerdictKind::kCorrect);
  EXPECT_EQ(yes_no("not sure", "no"), VerdictKind::kUnparsable);
  EXPECT_EQ(yes_no("\\boxed{False}", "no"), VerdictKind::kUnparsable);
  EXPECT_EQ(yes_no("YES!", "yes"), VerdictKind::kCorrect);
  EXPECT_EQ(yes_no("no. yes", "no"), VerdictKind::kWrong);
  EXPECT_EQ(yes_no("yesterday, I know", "yes"), VerdictKind::kUnparsable);
  EXPECT_EQ(yes_no("", "yes"), VerdictKind::kUnparsable);
  EXPECT_EQ(yes_no("yes", ""), VerdictKind::kWrong);
}

TEST(FreeTextVerifier, LooksForTheReferenceInTheResponse) {
  EXPECT_EQ(free_text("The value is 0.25 mol/L.", "0.25 mol/L"), VerdictKind::kCorrect);
  EXPECT_EQ(free_text("not true? false", "True"), VerdictKind::kCorrect);
  EXPECT_EQ(free_text("It is  Sodium\nChloride.", "sodium chloride"),
            VerdictKind::kCorrect);
  EXPECT_EQ(free_text("potassium", "sodium"), VerdictKind::kWrong);
  EXPECT_EQ(free_text("anything", ""), VerdictKind::kWrong);
  EXPECT_EQ(free_text("anything", "..."), VerdictKind::kWrong);
  EXPECT_EQ(free_text_form("  A,b!  C "), "ab c");
}

}  // namespace
}  // namespace srpo::verify
