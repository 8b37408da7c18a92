// The tests of a programming problem, from any of the formats in which they are
// published.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "verify/code_checker.h"

namespace srpo::verify {

enum class TestForm {
  kStdin,  ///< a program reads `input` and writes `expected`
  kCall,   ///< a function is called with `input` (a JSON list) and returns `expected`
           ///< (JSON)
  kCheck,  ///< Python checks of the author's call the function
};

enum class CodeReward {
  kFraction,   ///< passed / all
  kLcbCompat,  ///< (k-1)/k, k the first test that fails: method §3.5
  kAll,        ///< 1 if all pass, else 0
};

enum class CodeExtraction {
  kMarkdown,    ///< the last fenced block in the language
  kLastFences,  ///< between the last two lines with ```: LiveCodeBench's
  kWhole,       ///< all of the response
};

struct CodeTest {
  std::string input;
  std::string expected;
  bool or_first_item = false;  ///< kCall: APPS wraps some results in a list
};

struct CodeTests {
  TestForm form = TestForm::kStdin;
  std::string language = "python";
  std::string function;             ///< of kCall and kCheck
  std::string prompt;               ///< of kCheck: code that stands before the program
  std::vector<CodeTest> tests;      ///< of kStdin and kCall
  std::vector<std::string> checks;  ///< of kCheck: Python, each a test
  Checker checker;
  CodeReward reward = CodeReward::kFraction;
  CodeExtraction extraction = CodeExtraction::kMarkdown;
  bool with_imports = false;  ///< LiveCodeBench's usual imports stand before the program
  double time_limit_s = 10;   ///< of each test; of all checks together
  uint64_t memory_mb = 0;     ///< 0: as the sandbox is configured

  size_t size() const { return form == TestForm::kCheck ? checks.size() : tests.size(); }
};

/// Reads one JSON object:
/// - {"tests": [{"input", "output"}]} or, with "function", [{"args": [..], "result"}];
/// - {"inputs": [..], "outputs": [..], "fn_name"?}: APPS, TACO, and the method's side
/// files;
/// - a row of LiveCodeBench: "public_test_cases", "private_test_cases" (plain or packed),
///   "metadata";
/// - a row of HumanEval: "prompt", "test", "entry_point";
/// - a row of MBPP: "test_list", and "function" or the first function its checks call.
/// Beside them: "language", "checker" ("lines", "exact", "tokens", "tolerance", or
/// {"kind", "absolute", "relative", "program"}), "reward" ("fraction", "lcb_compat",
/// "all"), "extraction" ("markdown", "last_fences", "whole"), "imports", "time_limit_s",
/// "memory_mb". Throws kBadInput saying what is wrong.
CodeTests parse_code_tests(const std::string& reference);

/// LiveCodeBench's packed test cases: base64 of zlib of a pickled JSON text. Reads of
/// pickles texts only. Throws kBadInput.
std::string unpack_test_cases(const std::string& packed);

}  // namespace srpo::verify
