#include "verify/code_verifier.h"

#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/config_table.h"
#include "core/error.h"
#include "sandbox_here.h"
#include "verify/make_verifier.h"

namespace srpo::verify {
namespace {

using nlohmann::json;
using records::VerdictKind;

Sandbox& sandbox() {
  static Sandbox sandbox([] {
    SandboxConfig config;
    config.slots = 2;
    return config;
  }());
  return sandbox;
}

class CodeVerifierTest : public SandboxedTest {};

CodeReport judge(const json& tests, const std::string& code,
                 const std::string& language = "python") {
  return CodeVerifier(sandbox()).judge(
      tests.dump(), "Here it is:\n```" + language + "\n" + code + "\n```\nDone.");
}

json doubling() {
  return json::parse(R"({"tests":[{"input":"1\n","output":"2\n"},
      {"input":"2\n","output":"4\n"},{"input":"3\n","output":"6\n"}],"time_limit_s":5})");
}

TEST_F(CodeVerifierTest, AcceptsARightProgram) {
  const CodeReport report = judge(doubling(), "print(int(input()) * 2)");
  EXPECT_EQ(report.verdict.kind, VerdictKind::kCorrect) << report.reason;
  EXPECT_EQ(report.verdict.reward, 1);
  EXPECT_EQ(report.verdict.answer, "print(int(input()) * 2)\n");
  EXPECT_EQ(report.num_tests, 3u);
}

TEST_F(CodeVerifierTest, CountsTheTestsThatPass) {
  const CodeReport report =
      judge(doubling(), "n = int(input())\nprint(n * 2 if n != 2 else 0)");
  EXPECT_EQ(report.verdict.kind, VerdictKind::kWrong);
  EXPECT_DOUBLE_EQ(report.verdict.reward, 2.0 / 3);
  EXPECT_EQ(report.reason, "test 2 of 3: wrong answer");
}

TEST_F(CodeVerifierTest, RewardsAsLiveCodeBenchDoesUpToTheFirstFailure) {
  json tests = doubling();
  tests["reward"] = "lcb_compat";
  const auto reward_failing_at = [&tests](int k) {
    return judge(tests, "n = int(input())\nprint(n * 2 if n < " + std::to_string(k) +
                            " else 'x')")
        .verdict.reward;
  };
  EXPECT_DOUBLE_EQ(reward_failing_at(1), 0);
  EXPECT_DOUBLE_EQ(reward_failing_at(2), 1.0 / 2);
  EXPECT_DOUBLE_EQ(reward_failing_at(3), 2.0 / 3);
  EXPECT_DOUBLE_EQ(reward_failing_at(4), 1);
  EXPECT_DOUBLE_EQ(judge(tests, "print(").verdict.reward, 0);
  tests["reward"] = "all";
  EXPECT_DOUBLE_EQ(reward_failing_at(3), 0);
}

TEST_F(CodeVerifierTest, NamesCrashesAndLimits) {
  json tests = doubling();
  tests["time_limit_s"] = 0.5;
  tests["reward"] = "all";
  EXPECT_EQ(judge(tests, "1/0").reason,
            "test 1 of 3: exit code 1: ZeroDivisionError: division by zero");
  EXPECT_EQ(judge(tests, "while True: pass").verdict.kind, VerdictKind::kTimeout);
  EXPECT_EQ(judge(tests, "x = bytearray(4 << 30)").verdict.kind,
            VerdictKind::kResourceLimit);
  EXPECT_EQ(judge(tests, "pass").reason, "test 1 of 3: no output");
}

TEST_F(CodeVerifierTest, FindsNoProgramWhereThereIsNone) {
  const CodeVerifier verifier(sandbox());
  for (const std::string response : {"", "no code", "```", "```sh\nls\n```"}) {
    const CodeReport report = verifier.judge(doubling().dump(), response);
    EXPECT_EQ(report.verdict.kind, VerdictKind::kUnparsable) << response;
    EXPECT_EQ(report.verdict.reward, 0);
  }
}

TEST_F(CodeVerifierTest, SaysErrorOfTestsThatCannotBeRead) {
  records::Problem problem;
  problem.kind = "code";
  problem.reference = "{}";
  const auto verdict = CodeVerifier(sandbox()).verify(problem, "```python\n```");
  EXPECT_EQ(verdict.kind, VerdictKind::kError);
  EXPECT_EQ(verdict.reward, 0);
}

TEST_F(CodeVerifierTest, CallsFunctionsAndMethods) {
  const json tests = json::parse(R"({"function":"add","tests":[
      {"args":[1,2],"result":3},{"args":[[1],[2]],"result":[1,2]},
      {"args":["a","b"],"result":"ab"}]})");
  EXPECT_EQ(judge(tests, "def add(a, b): return a + b").verdict.reward, 1);
  EXPECT_EQ(
      judge(tests, "class Solution:\n  def add(self, a, b): return a + b").verdict.reward,
      1);
  EXPECT_EQ(judge(tests, "def sub(a, b): pass").reason, "test 1 of 3: KeyError");
  EXPECT_DOUBLE_EQ(judge(tests,
                         "def add(a, b):\n  if a == 1: import os; os._exit(0)\n"
                         "  return a + b")
                       .verdict.reward,
                   2.0 / 3);
  EXPECT_DOUBLE_EQ(
      judge(tests, "def add(a, b):\n  print(a)\n  return (a + b)").verdict.reward, 1);
}

TEST_F(CodeVerifierTest, TuplesCountAsListsAtTheTopOnlyForLiveCodeBench) {
  json tests = json::parse(
      R"({"function":"f","tests":[{"args":[0],"result":[1,2]},{"args":[1],"result":[[1,2]]}]})");
  const std::string code = "def f(n): return [(1, 2)] if n else (1, 2)";
  EXPECT_EQ(judge(tests, code).verdict.reward, 1);
  tests["reward"] = "lcb_compat";
  EXPECT_EQ(judge(tests, code).verdict.reward, 0.5);
}

TEST_F(CodeVerifierTest, RunsTheAuthorsChecksOutsideTheProgramsSandbox) {
  json tests;
  tests["entry_point"] = "f";
  tests["prompt"] =
      "def helper(x):\n    return x + 1\n\ndef f(x):\n    \"\"\"doc\"\"\"\n";
  tests["test"] =
      "def check(candidate):\n"
      "    assert candidate((1, 2)) == (1, 2)\n"
      "    assert candidate({1: {2}}) == {1: {2}}\n"
      "    assert candidate(2**70) == 2**70\n"
      "    assert candidate(helper(1)) == 2\n"
      "    assert candidate(float('inf')) == float('inf')\n"
      "    try:\n        candidate('boom')\n        assert False\n"
      "    except ValueError:\n        pass\n";
  const std::string code =
      "def f(x):\n    if x == 'boom': raise ValueError(x)\n    return x";
  EXPECT_EQ(judge(tests, code).verdict.kind, VerdictKind::kCorrect)
      << judge(tests, code).reason;
  EXPECT_EQ(judge(tests, "def f(x): return x").reason, "test 1 of 1: AssertionError");
  EXPECT_EQ(judge(tests, "def f(x): return 0").verdict.kind, VerdictKind::kWrong);
  EXPECT_EQ(judge(tests, "import os; os._exit(0)").reason,
            "test 1 of 1: ConnectionError");
  // Equal to everything only where it lives.
  EXPECT_EQ(judge(tests,
                  "class E(int):\n    def __eq__(self, o): return True\n"
                  "    __hash__ = int.__hash__\ndef f(x): return E(5)")
                .verdict.kind,
            VerdictKind::kWrong);
  tests["extraction"] = "whole";
  EXPECT_EQ(
      CodeVerifier(sandbox())
          .judge(tests.dump(), "    if x == 'boom': raise ValueError(x)\n    return x\n")
          .verdict.kind,
      VerdictKind::kCorrect);
}

TEST_F(CodeVerifierTest, GivesAFractionOfMbppChecks) {
  const json tests = {
      {"test_list", {"assert f(1) == 1", "assert f(2) == 5", "assert f(3) == 3"}}};
  EXPECT_DOUBLE_EQ(judge(tests, "def f(x): return x").verdict.reward, 2.0 / 3);
}

TEST_F(CodeVerifierTest, AsksACheckerProgram) {
  json tests = json::parse(R"({"tests":[{"input":"10\n","output":""}],"checker":{"kind":
      "program","program":""}})");
  tests["checker"]["program"] =
      "a, b = map(int, open('output').read().split())\n"
      "assert a + b == int(open('input').read()), 'sum is %d' % (a + b)\n";
  EXPECT_EQ(judge(tests, "print(3, 7)").verdict.reward, 1);
  EXPECT_EQ(judge(tests, "print(3, 8)").reason,
            "test 1 of 1: the checker: AssertionError: sum is 11");
  EXPECT_EQ(judge(tests, "print('x')").verdict.reward, 0);
}

TEST_F(CodeVerifierTest, CompilesCpp) {
  json tests = doubling();
  tests["language"] = "cpp";
  EXPECT_EQ(
      judge(tests,
            "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << 2 * "
            "n << '\\n'; }",
            "cpp")
          .verdict.reward,
      1);
  const CodeReport broken = judge(tests, "int main() { return x; }", "c++");
  EXPECT_EQ(broken.verdict.kind, VerdictKind::kWrong);
  EXPECT_NE(broken.reason.find("does not compile"), std::string::npos) << broken.reason;
}

TEST_F(CodeVerifierTest, RunsOtherInterpretersAndThoseOfTheConfiguration) {
  json tests = doubling();
  tests["language"] = "bash";
  EXPECT_EQ(judge(tests, "read n; echo $((2 * n))", "bash").verdict.reward, 1);
  const auto table = core::ConfigTable::parse(
      "languages:\n  - {name: awk, source: p.awk, run: /usr/bin/awk -f p.awk}\n", "t");
  add_languages(read_languages(table.sections("languages")));
  tests["language"] = "awk";
  EXPECT_EQ(judge(tests, "{print 2 * $1}", "awk").verdict.reward, 1);
  tests["language"] = "klingon";
  EXPECT_THROW(judge(tests, "x"), core::Error);
}

TEST_F(CodeVerifierTest, IsRegistered) {
  const auto kinds = verifier_kinds();
  EXPECT_NE(std::find(kinds.begin(), kinds.end(), "code"), kinds.end());
}

TEST_F(CodeVerifierTest, GivesTheSameVerdictEveryTime) {
  const json tests = {{"tests", {{{"input", ""}, {"output", ""}}}}};
  const std::string code = "print(hash('a'), list({'x', 'y', 'z'}))";
  SandboxRun run;
  run.program = {{sandbox().config().python, "-c", code}, {}};
  run.inputs = {""};
  EXPECT_EQ(sandbox().run(run).outputs, sandbox().run(run).outputs);
}

}  // namespace
}  // namespace srpo::verify
