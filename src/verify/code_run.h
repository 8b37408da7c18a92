// Runs one program on all tests of a problem.
#pragma once

#include <string>
#include <vector>

#include "verify/code_tests.h"
#include "verify/code_verifier.h"

namespace srpo::verify {

/// The outcomes in the order of the tests, up to the first failure if `until_failure`. A
/// program that does not compile has the one outcome that says so.
std::vector<TestOutcome> run_code_tests(Sandbox& sandbox, const CodeTests& tests,
                                        const std::string& program, bool until_failure);

}  // namespace srpo::verify
