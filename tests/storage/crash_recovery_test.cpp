// Kills a writer before, within and after every system call that changes the disk, and at
// random moments; then recovers.
#include <csignal>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/archive.h"
#include "storage/replay_reader.h"
#include "storage/replay_writer.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace {

// How many of the calls below the process still makes; it dies in the one after.
// Negative: no limit.
int calls_left = -1;

bool dies_here() { return calls_left >= 0 && calls_left-- == 0; }

}  // namespace

// These stand in for the C library's in this program. A write dies with half of its bytes
// written.
extern "C" {
ssize_t write(int file, const void* data, size_t size) {
  if (!dies_here()) return syscall(SYS_write, file, data, size);
  syscall(SYS_write, file, data, size / 2);
  _exit(9);
}
int fdatasync(int file) {
  if (dies_here()) _exit(9);
  return static_cast<int>(syscall(SYS_fdatasync, file));
}
int fsync(int file) {
  if (dies_here()) _exit(9);
  return static_cast<int>(syscall(SYS_fsync, file));
}
int rename(const char* from, const char* to) noexcept {
  if (dies_here()) _exit(9);
  return static_cast<int>(syscall(SYS_rename, from, to));
}
int unlink(const char* path) noexcept {
  if (dies_here()) _exit(9);
  return static_cast<int>(syscall(SYS_unlink, path));
}
int ftruncate(int file, off_t size) noexcept {
  if (dies_here()) _exit(9);
  return static_cast<int>(syscall(SYS_ftruncate, file, size));
}
}

namespace srpo::storage {
namespace {

using records::RolloutTree;

const ReplayMetadata kMetadata = {"run: {}\n", "0123456789abcdef", 42, "feedbeef"};
const ReplayOptions kOptions = {4, Compression::kNone};
constexpr int kDied = 9;

/// Accepts all trees that are missing, telling `acknowledge` the number of each, and
/// seals.
void work(const std::filesystem::path& folder, const std::vector<RolloutTree>& trees,
          int acknowledge) {
  ReplayWriter writer(folder, kOptions, kMetadata);
  for (size_t i = 0; i < trees.size(); ++i) {
    if (writer.contains(key_of(trees[i]))) continue;
    writer.accept(trees[i]);
    const auto number = static_cast<uint8_t>(i);
    syscall(SYS_write, acknowledge, &number, 1);
  }
  writer.seal();
}

/// A child that works until it is done or dead, and what it had acknowledged by then.
struct Outcome {
  int status = 0;
  std::vector<uint8_t> acknowledged;
};

Outcome run_child(const std::filesystem::path& folder,
                  const std::vector<RolloutTree>& trees, int calls,
                  std::chrono::microseconds kill_after = {}) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    calls_left = calls;
    try {
      work(folder, trees, ends[1]);
    } catch (const std::exception& error) {
      calls_left = -1;
      fprintf(stderr, "child: %s\n", error.what());
      _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  if (kill_after.count() > 0) {
    usleep(static_cast<useconds_t>(kill_after.count()));
    kill(child, SIGKILL);
  }
  Outcome outcome;
  uint8_t number = 0;
  while (read(ends[0], &number, 1) == 1) outcome.acknowledged.push_back(number);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : kDied;
  return outcome;
}

/// Every acknowledged tree is there and equal, for a reader that changes nothing and for
/// the next writer.
void expect_nothing_lost(const std::filesystem::path& folder,
                         const std::vector<RolloutTree>& trees,
                         const std::vector<uint8_t>& acknowledged) {
  if (std::filesystem::exists(folder)) {
    ReplayReader reader(folder);
    std::map<TreeKey, core::Bytes> found;
    while (const auto tree = reader.next()) found[key_of(*tree)] = core::to_bytes(*tree);
    EXPECT_TRUE(reader.damaged().empty());
    EXPECT_EQ(reader.num_repeated(), 0U);
    for (const uint8_t i : acknowledged)
      EXPECT_EQ(found[key_of(trees[i])], core::to_bytes(trees[i]));
  }
  ReplayWriter writer(folder, kOptions, kMetadata);
  EXPECT_TRUE(writer.damaged().empty());
  for (const uint8_t i : acknowledged) {
    const RolloutTree* tree = writer.find(key_of(trees[i]));
    ASSERT_NE(tree, nullptr) << "tree " << static_cast<int>(i)
                             << " was acknowledged and is lost";
    EXPECT_EQ(core::to_bytes(*tree), core::to_bytes(trees[i]));
  }
}

void expect_complete(const std::filesystem::path& folder,
                     const std::vector<RolloutTree>& trees) {
  EXPECT_EQ(run_child(folder, trees, -1).status, 0);
  ReplayReader reader(folder);
  size_t count = 0;
  while (reader.next()) ++count;
  EXPECT_EQ(count, trees.size());
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(name == ".lock" || name == ".manifest.lock" || name == kManifestName ||
                name.rfind("shard-", 0) == 0)
        << name;
    EXPECT_EQ(name.find(".draft"), std::string::npos) << name;
  }
}

TEST(CrashRecovery, LosesNothingWhereverASystemCallIsTheLast) {
  const std::vector<RolloutTree> trees = test::RandomTrees(3).run(2, 3, 2);
  int calls = 0;
  for (int status = kDied; status == kDied; ++calls) {
    const test::ScratchFolder folder;
    const Outcome outcome = run_child(folder / "r", trees, calls);
    status = outcome.status;
    SCOPED_TRACE("died in call " + std::to_string(calls));
    expect_nothing_lost(folder / "r", trees, outcome.acknowledged);
    expect_complete(folder / "r", trees);
  }
  RecordProperty("crash_points", calls);
  EXPECT_GT(calls, 50);
}

TEST(CrashRecovery, LosesNothingWhenRecoveryIsKilledAgainAndAgain) {
  const std::vector<RolloutTree> trees = test::RandomTrees(4).run(3, 5, 1);
  core::Rng rng(7, core::Purpose::kTest, 0);
  for (int round = 0; round < 8; ++round) {
    const test::ScratchFolder folder;
    std::vector<uint8_t> acknowledged;
    for (int status = kDied; status == kDied;) {
      const Outcome outcome =
          run_child(folder / "r", trees, static_cast<int>(rng.below(30)));
      status = outcome.status;
      ASSERT_TRUE(status == kDied || status == 0);
      acknowledged.insert(acknowledged.end(), outcome.acknowledged.begin(),
                          outcome.acknowledged.end());
    }
    EXPECT_EQ(acknowledged.size(),
              std::set<uint8_t>(acknowledged.begin(), acknowledged.end()).size());
    expect_nothing_lost(folder / "r", trees, acknowledged);
    expect_complete(folder / "r", trees);
  }
}

/// SRPO_KILLS asks for more.
int num_kills() {
  const char* asked = std::getenv("SRPO_KILLS");
  return asked == nullptr ? 40 : std::atoi(asked);
}

TEST(CrashRecovery, LosesNothingInKillsAtRandomMoments) {
  std::vector<RolloutTree> trees = test::RandomTrees(5).run(10, 20, 5);
  core::Rng rng(8, core::Purpose::kTest, 0);
  int kills = 0;
  const int wanted = num_kills();
  while (kills < wanted) {
    const test::ScratchFolder folder;
    std::vector<uint8_t> acknowledged;
    for (int status = kDied; status == kDied && kills < wanted;) {
      const std::chrono::microseconds moment(1000 + rng.below(25000));
      const Outcome outcome = run_child(folder / "r", trees, -1, moment);
      status = outcome.status;
      kills += status == kDied ? 1 : 0;
      acknowledged.insert(acknowledged.end(), outcome.acknowledged.begin(),
                          outcome.acknowledged.end());
      expect_nothing_lost(folder / "r", trees, acknowledged);
    }
  }
}

}  // namespace
}  // namespace srpo::storage
