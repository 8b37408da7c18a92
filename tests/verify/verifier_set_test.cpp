#include "verify/verifier_set.h"

#include <atomic>
#include <chrono>
#include <signal.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "sandbox_here.h"
#include "verify/code_verifier.h"

namespace srpo::verify {
namespace {

using core::ConfigTable;
using records::VerdictKind;

VerifyConfig config_of(const std::string& yaml) {
  return VerifyConfig::read(ConfigTable::parse(yaml, "job"));
}

/// The one of this process.
VerifierSet& verifiers() {
  static VerifierSet verifiers(config_of(R"(
verify:
  workers: 3
  math: both
  command: {run: "cat >/dev/null; echo '{\"verdict\": \"wrong\", \"reward\": 0.25}'"}
code:
  languages: [{name: awk, source: p.awk, run: /usr/bin/awk -f p.awk}]
sandbox: {processes: 8}
)"));
  return verifiers;
}

class VerifierSetTest : public SandboxedTest {};

TEST(VerifyConfigTest, IsTheMethodsOwnWithoutASection) {
  const VerifyConfig config = config_of("run: {name: x}");
  EXPECT_EQ(config.math, MathMode::kStrict);
  EXPECT_FALSE(config.command.has_value());
  EXPECT_GE(config.num_workers(), 1u);
  EXPECT_EQ(config.sandbox_for_workers().slots, config.num_workers());
}

TEST(VerifyConfigTest, ReadsAllThreeSections) {
  const VerifyConfig config = config_of(R"(
verify: {workers: 3, math: equivalence, decimal_places: 2, command: {run: judge}}
code: {languages: [{name: lua, source: p.lua, run: lua p.lua}]}
sandbox: {rung: B, check_s: 20}
)");
  EXPECT_EQ(config.math, MathMode::kEquivalence);
  EXPECT_EQ(config.math_options.decimal_places, 2);
  EXPECT_EQ(config.command->run, "judge");
  EXPECT_EQ(config.languages.at(0).name, "lua");
  EXPECT_EQ(config.sandbox.rung, "B");
  EXPECT_EQ(config.sandbox.check_s, 20);
  EXPECT_EQ(config.sandbox_for_workers().slots, 3u);
  EXPECT_THROW(config_of("verify: {math: loose}"), core::Error);
  EXPECT_THROW(config_of("verify: {command: {run: x, files: /nowhere}}"), core::Error);
}

TEST(VerifyConfigTest, AKindThatCannotWorkHereIsSaidSo) {
  const auto fault = [](const std::string& yaml, const std::string& kind) {
    try {
      check_kind(config_of(yaml), kind);
    } catch (const core::Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(fault("{}", "math"), "");
  EXPECT_NE(fault("{}", "poem").find("unknown kind"), std::string::npos);
  EXPECT_NE(fault("{}", "command").find("verify.command"), std::string::npos);
  EXPECT_NE(fault("sandbox: {rung: C}", "code").find("allow_weak"), std::string::npos);
}

TEST_F(VerifierSetTest, JudgesEachKindAsConfigured) {
  EXPECT_EQ(verifiers().verify({"", "math", "", "2^3"}, "\\boxed{8}").reward, 1);
  EXPECT_EQ(verifiers().verify({"", "command", "", "1"}, "x").reward, 0.25);
  const std::string tests =
      R"({"language":"awk","tests":[{"input":"2\n","output":"4\n"}]})";
  EXPECT_EQ(
      verifiers().verify({"", "code", "", tests}, "```awk\n{print 2*$1}\n```").reward, 1);
  EXPECT_THROW(verifiers().of_kind("poem"), core::Error);
  const CacheCounts before = verifiers().cache_counts();
  verifiers().verify({"", "math", "", "2^3"}, "\\boxed{8}");
  EXPECT_EQ(verifiers().cache_counts().hits, before.hits + 1);
}

TEST_F(VerifierSetTest, AKilledWorkerCostsItsCheckOnly) {
  const Verifier& verifier = verifiers().of_kind("code");
  const records::Problem problem = {"", "code", "",
                                    R"({"tests":[{"input":"","output":"1\n"}]})"};
  std::atomic<int> num_right = 0;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 4; ++j) {
        const auto verdict = verifier.verify(
            problem, "```python\nimport time; time.sleep(0.05); print(1)\n```");
        if (verdict.kind == VerdictKind::kCorrect) ++num_right;
      }
    });
  }
  std::thread killer([&] {
    for (int i = 0; i < 2 && !done; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
      const int process = Sandbox::shared().slot_processes().front();
      if (process > 1) ::kill(process, SIGKILL);
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  killer.join();
  // A run that dies twice in a row is an error; two kills cost one check at most.
  EXPECT_GE(num_right, 11);
}

TEST_F(VerifierSetTest, ACheckEndsWhenItsTimeIsOver) {
  SandboxConfig config;
  config.slots = 1;
  config.check_s = 1;
  Sandbox sandbox(config);
  std::string tests;
  for (int i = 0; i < 50; ++i)
    tests += std::string(i == 0 ? "" : ",") + R"({"input":"","output":""})";
  const CodeReport report = CodeVerifier(sandbox).judge(
      "{\"tests\":[" + tests + "]}", "```python\nimport time; time.sleep(0.4)\n```");
  EXPECT_EQ(report.verdict.kind, VerdictKind::kTimeout);
  EXPECT_LT(report.outcomes.size(), 10u);
  EXPECT_GT(report.verdict.reward, 0);
  EXPECT_LT(report.verdict.reward, 0.1);
  const CodeReport called = CodeVerifier(sandbox).judge(
      R"({"function":"f","tests":[{"args":[1],"result":1},{"args":[2],"result":2},
          {"args":[3],"result":3},{"args":[4],"result":4}]})",
      "```python\nimport time\ndef f(x):\n  time.sleep(0.4)\n  return x\n```");
  EXPECT_EQ(called.verdict.kind, VerdictKind::kTimeout);
  EXPECT_LT(called.outcomes.size(), 4u);
}

}  // namespace
}  // namespace srpo::verify
