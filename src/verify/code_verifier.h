// Judges programs by running them on tests, in the sandbox.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/code_language.h"
#include "verify/code_tests.h"
#include "verify/sandbox.h"
#include "verify/verifier.h"

namespace srpo::verify {

struct CodeReport {
  records::Verdict verdict;
  size_t num_tests = 0;
  std::vector<TestOutcome> outcomes;  ///< of the tests that were run, in order
  std::string reason;                 ///< one line: why the verdict is what it is
};

/// `problem.reference` holds the tests (parse_code_tests). The verdict's answer is the
/// program. Reward as the tests ask for; correct only if every test passed, else the kind
/// of the first that did not; no program: unparsable; tests that cannot be read, or a
/// sandbox that fails: error. Expected outputs stay outside the sandbox of the program.
class CodeVerifier : public Verifier {
 public:
  /// With Sandbox::shared(), started at the first verdict.
  CodeVerifier() = default;
  /// Borrows the sandbox.
  explicit CodeVerifier(Sandbox& sandbox) : sandbox_(&sandbox) {}

  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override;

  records::Verdict verify_explained(const records::Problem& problem,
                                    const std::string& response,
                                    Explanation& explanation) const override;

  /// The same with its reasons. Throws kBadInput for tests that cannot be read,
  /// kBadConfig where there is no sandbox.
  CodeReport judge(const std::string& reference, const std::string& response) const;

 private:
  Sandbox* sandbox_ = nullptr;
};

}  // namespace srpo::verify
