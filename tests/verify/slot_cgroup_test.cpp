#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "sandbox_here.h"
#include "verify/sandbox.h"

namespace srpo::verify {
namespace {

namespace fs = std::filesystem;

class SlotCgroupTest : public SandboxedTest {};

/// The launcher of a sandbox: what its slots' cgroups are named after.
int launcher_of(const Sandbox& sandbox) {
  std::ifstream status("/proc/" + std::to_string(sandbox.slot_processes().at(0)) +
                       "/status");
  int launcher = 0;
  for (std::string word; status >> word;) {
    if (word == "PPid:") status >> launcher;
  }
  return launcher;
}

/// Cgroups of this launcher, wherever they are mounted.
size_t num_cgroups(int launcher) {
  size_t count = 0;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (auto entry = fs::recursive_directory_iterator("/sys/fs/cgroup", options, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->path().filename() == "srpo-sandbox-" + std::to_string(launcher)) ++count;
  }
  return count;
}

TEST_F(SlotCgroupTest, NoCgroupIsLeftBehind) {
  SandboxConfig config;
  config.slots = 2;
  size_t during = 0;
  int launcher = 0;
  bool has_cgroups = false;
  {
    Sandbox sandbox(config);
    has_cgroups = sandbox.rung() == SandboxRung::kA;
    launcher = launcher_of(sandbox);
    during = num_cgroups(launcher);
  }
  if (!has_cgroups) GTEST_SKIP() << "this machine delegates no cgroup";
  EXPECT_GE(during, 1u);
  EXPECT_EQ(num_cgroups(launcher), 0u);
}

TEST_F(SlotCgroupTest, BoundsTheMemoryOfAllProcessesTogether) {
  SandboxConfig config;
  config.slots = 1;
  config.memory_mb = 128;
  Sandbox sandbox(config);
  if (sandbox.rung() != SandboxRung::kA) {
    GTEST_SKIP() << "this machine delegates no cgroup";
  }
  SandboxRun run;
  run.program.command = {config.python, "-S", "-c",
                         "import os, time\n"
                         "for i in range(7):\n"
                         "    if os.fork() == 0: break\n"
                         "x = b'x' * (60 << 20)\n"
                         "time.sleep(20)\n"};
  run.inputs = {""};
  run.limits.memory_mb = 128;
  run.limits.wall_s = 3;
  EXPECT_EQ(sandbox.run(run).end, SandboxEnd::kMemoryLimit);
  run.program.command = {"/bin/echo", "next"};
  EXPECT_EQ(sandbox.run(run).outputs.at(0), "next\n");
}

TEST_F(SlotCgroupTest, AFolderThatIsNoCgroupIsSaidSo) {
  SandboxConfig config;
  config.slots = 1;
  config.rung = "A";
  config.cgroup = "/tmp";
  EXPECT_THROW(
      {
        try {
          Sandbox sandbox(config);
        } catch (const std::exception& error) {
          EXPECT_NE(std::string(error.what()).find("/tmp"), std::string::npos)
              << error.what();
          throw;
        }
      },
      std::exception);
}

}  // namespace
}  // namespace srpo::verify
