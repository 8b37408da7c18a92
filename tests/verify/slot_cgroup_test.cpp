#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "verify/sandbox.h"

namespace srpo::verify {
namespace {

namespace fs = std::filesystem;

/// Cgroups of sandboxes, wherever they are mounted.
size_t num_cgroups() {
  size_t count = 0;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (auto entry = fs::recursive_directory_iterator("/sys/fs/cgroup", options, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->path().filename().string().starts_with("srpo-sandbox-")) ++count;
  }
  return count;
}

TEST(SlotCgroupTest, NoCgroupIsLeftBehind) {
  SandboxConfig config;
  config.slots = 2;
  size_t during = 0;
  bool has_cgroups = false;
  {
    Sandbox sandbox(config);
    has_cgroups = sandbox.rung() == SandboxRung::kA;
    during = num_cgroups();
  }
  if (!has_cgroups) GTEST_SKIP() << "this machine delegates no cgroup";
  EXPECT_LT(num_cgroups(), during);
}

TEST(SlotCgroupTest, BoundsTheMemoryOfAllProcessesTogether) {
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

TEST(SlotCgroupTest, AFolderThatIsNoCgroupIsSaidSo) {
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
