// The example of docs/verification_code.md.
#include "docs/examples/unit_verifier.h"

#include <gtest/gtest.h>

namespace srpo::verify {
namespace {

TEST(UnitVerifierTest, JudgesAsItsDocumentationSays) {
  const UnitVerifier verifier;
  const records::Problem problem = {"p", "unit", "How far?", "2.5 km"};
  EXPECT_EQ(verifier.verify(problem, "So \\boxed{2500 m}.").reward, 1);
  EXPECT_EQ(verifier.verify(problem, "\\boxed{2.5 km}").reward, 1);
  EXPECT_EQ(verifier.verify(problem, "\\boxed{2.5 m}").kind,
            records::VerdictKind::kWrong);
  for (const char* response : {"2.5 km", "", "\\boxed{2.5}", "\\boxed{2.5 kg}",
                               "\\boxed{2.5 km or so}", "\\boxed{\xff m}"}) {
    EXPECT_EQ(verifier.verify(problem, response).kind, records::VerdictKind::kUnparsable)
        << response;
  }
}

}  // namespace
}  // namespace srpo::verify
