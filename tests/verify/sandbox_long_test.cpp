// Measurements and long lists: run with SRPO_LONG_TESTS=1 (ctest -L long).
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "sandbox_here.h"
#include "verify/code_verifier.h"
#include "verify/sandbox_benchmark.h"

namespace srpo::verify {
namespace {

class SandboxLongTest : public SandboxedTest {};

bool skips_long_tests() { return std::getenv("SRPO_LONG_TESTS") == nullptr; }

std::string human_eval_file() {
  const char* folder = std::getenv("SRPO_DATA");
  const std::string data =
      folder != nullptr ? folder : std::string(SRPO_SOURCE_DIR) + "/../shared/data";
  return data + "/problems/humaneval.jsonl.gz";
}

Sandbox& sandbox() {
  static Sandbox sandbox([] {
    SandboxConfig config;
    config.slots = 2;
    return config;
  }());
  return sandbox;
}

TEST_F(SandboxLongTest, CostsLittleAndProtectsNeighbours) {
  if (skips_long_tests()) GTEST_SKIP() << "SRPO_LONG_TESTS is not set";
  const SandboxFigures figures = measure_sandbox(sandbox(), 50);
  std::printf(
      "bare python %.2f ms, warm sandbox %.2f ms, back to back %.2f ms, %.0f runs/s\n"
      "neighbour: quiet %.2f ms, under attack (%s) %.2f ms\n",
      figures.bare_python_ms, figures.warm_run_ms, figures.back_to_back_ms,
      figures.runs_per_s, figures.quiet_ms, figures.attack.c_str(), figures.neighbour_ms);
  EXPECT_LT(figures.warm_run_ms - figures.bare_python_ms, 15);
  if (std::thread::hardware_concurrency() >= 2) {
    EXPECT_LT(figures.neighbour_ms, 2 * figures.quiet_ms);
  }
}

void judge_human_eval(int times, int every) {
  const std::string file = human_eval_file();
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  const HumanEvalFigures figures = measure_human_eval(sandbox(), file, times, every);
  std::printf("HumanEval: %d of %d right in %.1f s, %.1f programs/s\n",
              figures.num_correct, figures.num_runs, figures.seconds,
              figures.num_runs / figures.seconds);
  for (const std::string& refused : figures.refused) ADD_FAILURE() << refused;
  EXPECT_EQ(figures.num_correct, figures.num_runs);
  EXPECT_EQ(figures.num_problems, (164 + every - 1) / every);
}

TEST_F(SandboxLongTest, JudgesHumanEvalEightTimes) {
  if (skips_long_tests()) GTEST_SKIP() << "SRPO_LONG_TESTS is not set";
  judge_human_eval(8, 1);
}

TEST_F(SandboxLongTest, JudgesSomeOfHumanEval) { judge_human_eval(1, 8); }

}  // namespace
}  // namespace srpo::verify
