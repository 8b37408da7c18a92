// Each attack must get the right verdict within its limit and leave nothing behind.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/config_table.h"
#include "core/deadline.h"
#include "sandbox_attacks.h"
#include "sandbox_here.h"
#include "verify/code_verifier.h"
#include "verify/sandbox.h"

namespace srpo::verify {
namespace {

using nlohmann::json;
using records::VerdictKind;

constexpr double kLimitS = 1;
constexpr double kGraceS = 0.5;
constexpr double kCompileS = 5;

std::string asked_rung() {
  const char* rung = std::getenv("SRPO_ATTACK_RUNG");
  return rung != nullptr ? rung : "auto";
}

Sandbox& sandbox() {
  static Sandbox sandbox([] {
    const auto table = core::ConfigTable::parse(
        "languages:\n  - {name: cpp_small, source: p.cpp, run: ./program, compile: "
        "'/usr/bin/g++ -std=c++20 -O0 -pipe -o program p.cpp', compile_wall_s: 5, "
        "compile_memory_mb: 700}\n",
        "attacks");
    add_languages(read_languages(table.sections("languages")));
    SandboxConfig config;
    config.slots = 2;
    config.memory_mb = 512;
    config.rung = asked_rung();
    return config;
  }());
  return sandbox;
}

int parent_of(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string word; file >> word;) {
    if (word == "PPid:" && file >> process) return process;
  }
  return 0;
}

/// Command lines of the processes below this one that run something of a response.
std::vector<std::string> programs_running() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const int process = std::atoi(entry.path().filename().c_str());
    if (process <= 0) continue;
    std::ifstream file(entry.path() / "cmdline");
    std::string line;
    std::getline(file, line);
    if (line.find("program") == std::string::npos) continue;
    for (int above = process; above > 1; above = parent_of(above)) {
      if (above == ::getpid() && process != above) found.push_back(line);
    }
  }
  return found;
}

std::vector<std::string> traps_left() {
  std::vector<std::string> found;
  for (const char* folder : {"/tmp", "/dev/shm", "/", "/dev"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (name.starts_with("trap")) found.push_back(entry.path());
    }
  }
  return found;
}

CodeReport judge(const std::string& language, const std::string& code) {
  const json tests = {{"tests", {{{"input", "20 22\n"}, {"output", "42\n"}}}},
                      {"time_limit_s", kLimitS},
                      {"language", language},
                      {"reward", "all"}};
  return CodeVerifier(sandbox()).judge(tests.dump(),
                                       "```" + language + "\n" + code + "\n```\n");
}

/// Judges up to three times, until it takes no longer than `limit_s`: other work on the
/// machine only ever adds to the time that ending an attack takes. Returns all reports.
std::vector<CodeReport> judge_within(double limit_s,
                                     const std::function<CodeReport()>& judge_once) {
  std::vector<CodeReport> reports;
  double shortest = limit_s + 1;
  while (reports.size() < 3 && shortest > limit_s) {
    const core::Stopwatch watch;
    reports.push_back(judge_once());
    shortest = std::min(shortest, watch.seconds());
  }
  EXPECT_LE(shortest, limit_s) << "the shortest of " << reports.size() << " times";
  return reports;
}

class AttackTest : public SandboxedTest, public ::testing::WithParamInterface<Attack> {
 protected:
  void SetUp() override {
    const std::string& missing = why_no_rung(asked_rung());
    if (!missing.empty()) GTEST_SKIP() << missing;
  }
};

TEST_P(AttackTest, IsContained) {
  const Attack& attack = GetParam();
  if (attack.name == "ManyLargeChildren" && sandbox().rung() != SandboxRung::kA) {
    GTEST_SKIP() << "without a cgroup 12 GiB of memory would be used";
  }
  const double limit =
      kLimitS + kGraceS + (attack.language == "cpp_small" ? kCompileS : 0);
  const auto reports =
      judge_within(limit, [&attack] { return judge(attack.language, attack.code); });
  for (const CodeReport& report : reports) {
    EXPECT_TRUE(attack.right.contains(report.verdict.kind))
        << name_of(report.verdict.kind) << ": " << report.reason;
    EXPECT_EQ(report.verdict.reward,
              report.verdict.kind == VerdictKind::kCorrect ? 1 : 0);
  }
  EXPECT_EQ(programs_running(), std::vector<std::string>{});
  EXPECT_EQ(traps_left(), std::vector<std::string>{});
  const CodeReport after = judge("python", "print(42)");
  EXPECT_EQ(after.verdict.kind, VerdictKind::kCorrect) << after.reason;
}

std::string name_of_attack(const ::testing::TestParamInfo<Attack>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Machine, AttackTest,
                         ::testing::ValuesIn(attacks_on_the_machine()), name_of_attack);
INSTANTIATE_TEST_SUITE_P(Verdict, AttackTest,
                         ::testing::ValuesIn(attacks_on_the_verdict()), name_of_attack);
INSTANTIATE_TEST_SUITE_P(Cpp, AttackTest, ::testing::ValuesIn(attacks_in_cpp()),
                         name_of_attack);

// Programs that are called, and share their process with the driver.
struct CalledAttack {
  std::string name;
  std::string code;
};

std::ostream& operator<<(std::ostream& out, const CalledAttack& attack) {
  return out << attack.name;
}

class CalledAttackTest : public SandboxedTest,
                         public ::testing::WithParamInterface<CalledAttack> {};

TEST_P(CalledAttackTest, EarnsNothing) {
  const json tests = {{"function", "f"},
                      {"tests", {{{"args", {1}}, {"result", "secret-4711"}}}},
                      {"time_limit_s", kLimitS}};
  const std::string response = "```python\n" + GetParam().code + "\n```\n";
  const auto judge_it = [&response](const json& asked) {
    return judge_within(kLimitS + kGraceS, [&] {
      return CodeVerifier(sandbox()).judge(asked.dump(), response);
    });
  };
  for (const CodeReport& called : judge_it(tests)) {
    EXPECT_NE(called.verdict.kind, VerdictKind::kCorrect) << called.reason;
    EXPECT_EQ(called.verdict.reward, 0);
  }
  const json checks = {{"entry_point", "f"},
                       {"prompt", ""},
                       {"test", "def check(c):\n  assert c(1) == 'secret-4711'\n"},
                       {"time_limit_s", kLimitS}};
  for (const CodeReport& checked : judge_it(checks)) {
    EXPECT_NE(checked.verdict.kind, VerdictKind::kCorrect) << checked.reason;
    EXPECT_NE(checked.verdict.kind, VerdictKind::kError) << checked.reason;
    EXPECT_EQ(checked.verdict.reward, 0);
  }
  EXPECT_EQ(programs_running(), std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(
    Sandbox, CalledAttackTest,
    ::testing::Values(CalledAttack{"ForgesTheAnswer", R"PY(
import sys, os
frame = sys._getframe()
while frame:
    if 'end' in frame.f_locals and 'answers' in frame.f_locals:
        for text in ('{"r": true}', '{"verdict": "correct"}', '{"r": "PASSED"}', 'pass'):
            os.write(frame.f_locals['answers'], (text + frame.f_locals['end']).encode())
    frame = frame.f_back
def f(x): return True
)PY"},
                      CalledAttack{"EqualsEverything", R"PY(
class Same(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = str.__hash__
def f(x): return Same('x')
)PY"},
                      CalledAttack{"SearchesTheMemory", R"PY(
import gc, re
def f(x):
    for o in gc.get_objects():
        for text in (o if isinstance(o, (list, tuple)) else o.values() if isinstance(o, dict) else ()):
            if isinstance(text, str) and text.startswith('secret' + '-') and len(text) < 20: return text
    for line in open('/proc/self/maps'):
        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) rw', line)
        if not m or 'stack' in line: continue
        start, end = (int(g, 16) for g in m.groups())
        with open('/proc/self/mem', 'rb') as memory:
            memory.seek(start)
            hit = re.search(rb'secret' + rb'-\d+', memory.read(end - start))
            if hit: return hit.group().decode()
)PY"},
                      CalledAttack{"PatchesTheDriver", R"PY(
import json, os
json.dumps = lambda *a, **k: '{"r": "PASSED"}'
os.write = lambda *a: 1
def f(x): return 1
)PY"},
                      CalledAttack{"WritesEverywhere", R"PY(
import os
for fd in range(1, 64):
    try: os.write(fd, b'0 pass\n{"r": "x"}\n' * 100)
    except OSError: pass
def f(x): return 1
)PY"},
                      CalledAttack{"FloodsTheTester", R"PY(
import os
while True:
    for fd in range(1, 8):
        try: os.write(fd, b'x' * 65536)
        except OSError: pass
)PY"},
                      CalledAttack{"NestsDeeply", R"PY(
def f(x):
    deep = []
    for i in range(100000): deep = [deep]
    return deep
)PY"},
                      CalledAttack{"ReturnsALargeValue",
                                   "def f(x): return 'x' * (100 << 20)"},
                      CalledAttack{"NeverReturns", "def f(x):\n  while True: pass"},
                      CalledAttack{"NeverLoads", "while True: pass\ndef f(x): pass"},
                      CalledAttack{"LeavesAtOnce", "import os\nos._exit(0)"},
                      CalledAttack{"RaisesOddly", R"PY(
class AssertionPassed(BaseException): pass
def f(x): raise AssertionPassed()
)PY"}),
    [](const ::testing::TestParamInfo<CalledAttack>& info) { return info.param.name; });

class InputAttackTest : public SandboxedTest {};

TEST_F(InputAttackTest, AProgramNeedNotReadItsInput) {
  const json tests = {
      {"tests", {{{"input", std::string(1 << 20, 'x')}, {"output", "42\n"}}}},
      {"time_limit_s", kLimitS}};
  const CodeVerifier verifier(sandbox());
  EXPECT_EQ(verifier.judge(tests.dump(), "```python\nprint(42)\n```").verdict.kind,
            VerdictKind::kCorrect);
  const auto reports = judge_within(kLimitS + kGraceS, [&] {
    return verifier.judge(tests.dump(), "```python\nimport time; time.sleep(60)\n```");
  });
  EXPECT_EQ(reports.back().verdict.kind, VerdictKind::kTimeout);
}

class NeighbourTest : public SandboxedTest {};

TEST_F(NeighbourTest, IsServedWhileTheOtherSlotIsUnderAttack) {
  std::atomic<bool> done = false;
  sandbox();
  std::thread attacker([&done] {
    const char* const attacks[] = {
        "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
        "while True: print('x' * 1000)", "x = []\nwhile True: x.append(b'x' * 4000000)"};
    for (const char* attack : attacks) judge("python", attack);
    done = true;
  });
  int num_runs = 0;
  while (!done) {
    const core::Stopwatch watch;
    EXPECT_EQ(judge("python", "print(42)").verdict.kind, VerdictKind::kCorrect);
    EXPECT_LE(watch.seconds(), kLimitS);
    ++num_runs;
  }
  attacker.join();
  EXPECT_GT(num_runs, 5);
}

}  // namespace
}  // namespace srpo::verify
