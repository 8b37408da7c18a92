#include "verify/command_verifier.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "sandbox_here.h"
#include "verify/make_verifier.h"

namespace srpo::verify {
namespace {

using records::Verdict;
using records::VerdictKind;

Sandbox& sandbox() {
  static Sandbox sandbox([] {
    SandboxConfig config;
    config.slots = 1;
    return config;
  }());
  return sandbox;
}

class CommandVerifierTest : public SandboxedTest {};

Verdict verdict_of(const std::string& command, const std::string& response = "1",
                   double time_limit_s = 5) {
  CommandConfig config;
  config.run = command;
  config.time_limit_s = time_limit_s;
  records::Problem problem;
  problem.id = "p1";
  problem.question = "How much?";
  problem.reference = "1";
  return CommandVerifier(config, sandbox()).verify(problem, response);
}

TEST_F(CommandVerifierTest, TakesTheVerdictOfTheCommand) {
  const Verdict verdict =
      verdict_of(R"(echo '{"verdict":"wrong","reward":0.25,"answer":"x"}')");
  EXPECT_EQ(verdict.kind, VerdictKind::kWrong);
  EXPECT_EQ(verdict.reward, 0.25);
  EXPECT_EQ(verdict.answer, "x");
  EXPECT_EQ(verdict_of(R"(echo '{"verdict":"correct"}')").reward, 1);
  EXPECT_EQ(verdict_of(R"(echo '{"verdict":"unparsable"}')").reward, 0);
}

TEST_F(CommandVerifierTest, GivesTheProblemAndTheResponseAsJson) {
  const std::string script =
      "import json,sys; o=json.load(sys.stdin); "
      "ok=o=={\"id\":\"p1\",\"question\":\"How much?\",\"reference\":\"1\","
      "\"response\":\"a\\n\\ufffd\"}; "
      "print(json.dumps({\"verdict\":\"correct\" if ok else \"wrong\"}))";
  EXPECT_EQ(verdict_of("/usr/bin/python3 -S -c '" + script + "'", "a\n\xff").kind,
            VerdictKind::kCorrect);
}

TEST_F(CommandVerifierTest, SaysErrorOfACommandThatBreaksTheRules) {
  for (const char* command :
       {"exit 3", "true", "echo no", "echo '[]'", R"(echo '{"verdict":"great"}')",
        R"(echo '{"verdict":"correct","reward":2}')",
        R"(echo '{"verdict":"correct","reward":"1"}')", R"(echo '{"reward":1}')",
        "no_such_command", R"(echo '{"verdict":"correct","answer":1}')"}) {
    const Verdict verdict = verdict_of(command);
    EXPECT_EQ(verdict.kind, VerdictKind::kError) << command;
    EXPECT_EQ(verdict.reward, 0) << command;
  }
}

TEST_F(CommandVerifierTest, StopsACommandAtItsLimits) {
  EXPECT_EQ(verdict_of("sleep 60", "1", 0.3).kind, VerdictKind::kTimeout);
  EXPECT_EQ(verdict_of("yes").kind, VerdictKind::kResourceLimit);
}

TEST_F(CommandVerifierTest, RunsTheExampleOfTheDocumentation) {
  const std::string folder = std::string(SRPO_SOURCE_DIR) + "/docs/examples/";
  const auto table = core::ConfigTable::parse(
      "run: python3 -S check_units.py\nfiles: " + folder + "check_units.py\n", "test");
  const CommandVerifier verifier(CommandConfig::read(table), sandbox());
  records::Problem problem;
  problem.reference = "2.5 km";
  EXPECT_EQ(verifier.verify(problem, "So it is \\boxed{2500 m}.").reward, 1);
  EXPECT_EQ(verifier.verify(problem, "\\boxed{2.5 km}").reward, 1);
  EXPECT_EQ(verifier.verify(problem, "\\boxed{2500 km}").kind, VerdictKind::kWrong);
  EXPECT_EQ(verifier.verify(problem, "\\boxed{2.5 kg}").kind, VerdictKind::kWrong);
  EXPECT_EQ(verifier.verify(problem, "2.5 km").kind, VerdictKind::kUnparsable);
  EXPECT_EQ(verifier.verify(problem, "").kind, VerdictKind::kUnparsable);
}

TEST_F(CommandVerifierTest, IsRegisteredAndAsksForItsConfiguration) {
  const auto verifier = make_verifier("command");
  records::Problem problem;
  EXPECT_THROW(verifier->verify(problem, ""), core::Error);
}

}  // namespace
}  // namespace srpo::verify
