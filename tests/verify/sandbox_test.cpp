#include "verify/sandbox.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <signal.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/deadline.h"
#include "core/error.h"
#include "sandbox_here.h"

namespace srpo::verify {
namespace {

SandboxConfig two_slots() {
  SandboxConfig config;
  config.slots = 2;
  return config;
}

Sandbox& sandbox() {
  static Sandbox sandbox(two_slots());
  return sandbox;
}

class SandboxTest : public SandboxedTest {};

SandboxRun shell(const std::string& script, const std::string& input = "") {
  SandboxRun run;
  run.program.command = {"/bin/sh", "-c", script};
  run.inputs = {input};
  run.limits.wall_s = 5;
  return run;
}

TEST_F(SandboxTest, RunsAProgramWithItsInput) {
  const SandboxResult result =
      sandbox().run(shell("cat; echo said >&2; exit 3", "hello"));
  EXPECT_EQ(result.end, SandboxEnd::kExited) << result.error;
  EXPECT_EQ(result.exit_code, 3);
  ASSERT_EQ(result.outputs.size(), 1u);
  EXPECT_EQ(result.outputs[0], "hello");
  EXPECT_EQ(result.error, "said\n");
}

TEST_F(SandboxTest, SaysWhichRungItStandsOn) {
  EXPECT_NE(sandbox().rung(), SandboxRung::kNone);
  EXPECT_NE(sandbox().description().find("rung"), std::string::npos);
}

TEST_F(SandboxTest, GivesFilesToTheProgramAndForgetsThemAfterwards) {
  SandboxRun run = shell("ls /tmp; cat note");
  run.program.files = {{"note", std::string("a\0b", 3), false}};
  EXPECT_EQ(sandbox().run(run).outputs[0], "note\n" + std::string("a\0b", 3));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(sandbox().run(shell("ls -A /tmp; touch left")).outputs[0], "");
  }
}

TEST_F(SandboxTest, AnswersInputAfterInput) {
  SandboxRun run = shell("while read line; do echo \"<$line>\"; printf END; done");
  run.inputs = {"one\n", "two\n", "three\n"};
  run.terminator = "END";
  const SandboxResult result = sandbox().run(run);
  EXPECT_EQ(result.end, SandboxEnd::kExited);
  EXPECT_EQ(result.outputs,
            (std::vector<std::string>{"<one>\n", "<two>\n", "<three>\n"}));
}

TEST_F(SandboxTest, KeepsTheAnswersBeforeTheOneThatTakesTooLong) {
  SandboxRun run = shell("read a; printf 1END; read b; sleep 60");
  run.inputs = {"x\n", "y\n", "z\n"};
  run.terminator = "END";
  run.limits.wall_s = 0.3;
  const SandboxResult result = sandbox().run(run);
  EXPECT_EQ(result.end, SandboxEnd::kWallLimit);
  EXPECT_EQ(result.outputs, std::vector<std::string>{"1"});
}

TEST_F(SandboxTest, ConnectsAProgramWithItsTester) {
  SandboxRun run = shell("while read n; do echo $((n * 2)); done");
  run.inputs.clear();
  run.tester = SandboxProgram{
      {"/bin/sh", "-c", "echo 21; read answer; echo \"got $answer\" >&2"}, {}};
  for (int i = 0; i < 3; ++i) {
    const SandboxResult result = sandbox().run(run);
    EXPECT_EQ(result.end, SandboxEnd::kExited) << result.error;
    EXPECT_EQ(result.outputs, std::vector<std::string>{"got 42\n"});
  }
}

TEST_F(SandboxTest, KeepsTheFirstBytesOfALongOutput) {
  SandboxRun run = shell("head -c 1000000 /dev/zero");
  run.limits.output_bytes = 1000;
  const SandboxResult result = sandbox().run(run);
  EXPECT_EQ(result.end, SandboxEnd::kExited);
  EXPECT_EQ(result.outputs[0], std::string(1000, '\0'));
  EXPECT_TRUE(result.output_was_cut);
}

TEST_F(SandboxTest, ReportsAProgramThatIsNotThere) {
  SandboxRun run;
  run.program.command = {"/usr/bin/no_such_program"};
  run.inputs = {""};
  const SandboxResult result = sandbox().run(run);
  EXPECT_EQ(result.end, SandboxEnd::kFailed);
  EXPECT_NE(result.error.find("cannot execute"), std::string::npos) << result.error;
}

TEST_F(SandboxTest, RefusesRunsThatMakeNoSense) {
  SandboxRun run = shell("true");
  run.inputs = {"a", "b"};
  EXPECT_THROW(sandbox().run(run), core::Error);
  run = shell("true");
  run.program.files = {{"../escape", "", false}};
  EXPECT_THROW(sandbox().run(run), core::Error);
  run.program = {};
  EXPECT_THROW(sandbox().run(run), core::Error);
}

TEST_F(SandboxTest, IsNotRootAndHasNoRights) {
  const std::string status =
      sandbox()
          .run(shell("id -u; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' "
                     "/proc/self/status"))
          .outputs[0];
  EXPECT_EQ(status,
            "65534\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
            "NoNewPrivs:\t1\nSeccomp:\t2\n");
}

TEST_F(SandboxTest, RunsManyAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i, &good] {
      for (int j = 0; j < 3; ++j) {
        const std::string text = std::to_string(10 * i + j);
        if (sandbox().run(shell("cat", text)).outputs.at(0) == text) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 24);
}

TEST_F(SandboxTest, ADeadSlotCostsItsRunOnly) {
  Sandbox own(two_slots());
  SandboxResult result;
  std::thread victim([&] { result = own.run(shell("sleep 30")); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  for (const int process : own.slot_processes()) {
    if (process > 1) ::kill(process, SIGKILL);
  }
  victim.join();
  EXPECT_EQ(result.end, SandboxEnd::kFailed);
  EXPECT_EQ(own.run(shell("sleep 0.01; echo 1")).outputs.at(0), "1\n");
  EXPECT_EQ(own.run(shell("echo 2")).outputs.at(0), "2\n");
}

TEST_F(SandboxTest, StopsWithoutWaitingForItsRuns) {
  Sandbox own(two_slots());
  const core::Stopwatch watch;
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      SandboxRun run = shell("sleep 30");
      run.limits.wall_s = 30;
      if (own.run(run).end == SandboxEnd::kFailed) ++failed;
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  own.stop();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 4);
  EXPECT_EQ(own.run(shell("echo 1")).end, SandboxEnd::kFailed);
  EXPECT_LT(watch.seconds(), 10);
}

TEST_F(SandboxTest, ComesBackWhenItsLauncherIsKilled) {
  Sandbox own(two_slots());
  std::ifstream status("/proc/" + std::to_string(own.slot_processes()[0]) + "/status");
  int launcher = 0;
  for (std::string word; status >> word;) {
    if (word == "PPid:") status >> launcher;
  }
  ASSERT_GT(launcher, 1);
  ::kill(launcher, SIGKILL);
  SandboxResult result = own.run(shell("echo 1"));  // may be the one that finds out
  if (result.end == SandboxEnd::kFailed) result = own.run(shell("echo 1"));
  EXPECT_EQ(result.outputs.at(0), "1\n");
  EXPECT_EQ(own.run(shell("echo 2")).outputs.at(0), "2\n");
}

TEST_F(SandboxTest, RungBWorksWithoutACgroup) {
  SandboxConfig config = two_slots();
  config.rung = "B";
  Sandbox own(config);
  EXPECT_EQ(own.rung(), SandboxRung::kB);
  EXPECT_EQ(own.run(shell("echo yes")).outputs.at(0), "yes\n");
}

TEST_F(SandboxTest, RungCIsRefusedUnlessAllowed) {
  SandboxConfig config = two_slots();
  config.rung = "C";
  try {
    Sandbox own(config);
    FAIL() << "it started";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadConfig);
    EXPECT_NE(std::string(error.what()).find("allow_weak"), std::string::npos)
        << error.what();
  }
}

TEST_F(SandboxTest, RungCHidesFilesAndTheNetwork) {
  SandboxConfig config = two_slots();
  config.rung = "C";
  config.allow_weak = true;
  Sandbox own(config);
  EXPECT_EQ(own.run(shell("echo yes; touch left")).outputs.at(0), "yes\n");
  EXPECT_EQ(own.run(shell("ls")).outputs.at(0), "");
  const SandboxResult hidden =
      own.run(shell("cat /etc/passwd /proc/1/environ; kill -0 $PPID && echo killed"));
  EXPECT_EQ(hidden.outputs.at(0), "");
  SandboxRun run = shell("");
  run.program.command = {config.python, "-S", "-c",
                         "import socket\ntry:\n  socket.socket(socket.AF_INET)\n"
                         "except OSError as e: print('no', e.errno)"};
  EXPECT_EQ(own.run(run).outputs.at(0), "no 1\n");
  run = shell("(sleep 50 &) ; (sleep 51 &) ; sleep 52");
  run.limits.wall_s = 0.3;
  EXPECT_EQ(own.run(run).end, SandboxEnd::kWallLimit);
}

}  // namespace
}  // namespace srpo::verify
