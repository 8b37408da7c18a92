// Disks that are full, fail, turn read-only or vanish, below a writer that is at work.
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/archive.h"
#include "storage/file_layer.h"
#include "storage/replay_reader.h"
#include "storage/replay_writer.h"
#include "support/expect_error.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using records::RolloutTree;
using test::expect_error;

const ReplayMetadata kMetadata = {"run: {}\n", "0123456789abcdef", 42, "feedbeef"};
const ReplayOptions kOptions = {8, Compression::kNone};

/// Refuses calls by number, and notes a file that is synced again after a failed sync.
class BadDisk : public FileLayer {
 public:
  int error = EIO;
  std::set<int> bad_syncs;  // numbers of fdatasync and fsync calls, together
  std::set<int> bad_writes;
  bool all_syncs = false;
  bool all_writes = false;
  bool read_only = false;
  int num_syncs = 0;
  int num_writes = 0;
  int retried_syncs = 0;

  int open(const char* path, int flags, mode_t mode) override {
    if (read_only && (flags & (O_WRONLY | O_RDWR)) != 0) return errno = EROFS, -1;
    const int file = FileLayer::open(path, flags, mode);
    spoiled_.erase(file);
    return file;
  }
  ssize_t write(int file, const void* data, size_t size) override {
    if (read_only) return errno = EROFS, -1;
    if (all_writes || bad_writes.contains(num_writes++)) {
      FileLayer::write(file, data, size / 2);
      return errno = error, -1;
    }
    return FileLayer::write(file, data, size);
  }
  int fdatasync(int file) override { return sync(file); }
  int fsync(int file) override { return sync(file); }

 private:
  int sync(int file) {
    retried_syncs += spoiled_.contains(file) ? 1 : 0;
    if (all_syncs || bad_syncs.contains(num_syncs++)) {
      spoiled_.insert(file);
      return errno = error, -1;
    }
    return FileLayer::fsync(file);
  }
  std::set<int> spoiled_;
};

void expect_all(const std::filesystem::path& folder,
                const std::vector<RolloutTree>& all) {
  std::map<TreeKey, core::Bytes> found;
  ReplayReader reader(folder);
  while (const auto tree = reader.next()) found[key_of(*tree)] = core::to_bytes(*tree);
  for (const RolloutTree& tree : all)
    EXPECT_EQ(found[key_of(tree)], core::to_bytes(tree)) << key_of(tree).to_string();
  EXPECT_EQ(reader.num_repeated(), 0U);
  EXPECT_TRUE(reader.damaged().empty());
}

TEST(DiskFault, OneFailedSyncAnywhereCostsNothingAndIsNeverTriedAgain) {
  const auto all = test::RandomTrees(9).run(2, 6, 1);  // 14
  int failures = 0;
  for (int bad = 0;; ++bad) {
    SCOPED_TRACE("sync " + std::to_string(bad));
    const test::ScratchFolder folder;
    BadDisk disk;
    const FileLayerScope scope(disk);
    ReplayWriter writer(folder / "r", kOptions, kMetadata);
    if (bad == 0) failures = disk.num_syncs;  // those of opening end it by a sentence
    disk.bad_syncs = {failures + bad};
    std::vector<RolloutTree> accepted;
    for (const RolloutTree& tree : all) {
      try {
        writer.accept(tree);
      } catch (const core::Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
        writer.accept(tree);  // the sealing of a shard failed; it is made again
      }
      EXPECT_TRUE(writer.contains(key_of(tree)));
      accepted.push_back(tree);
    }
    expect_all(folder / "r", accepted);
    EXPECT_EQ(disk.retried_syncs, 0);
    if (disk.num_syncs <= failures + bad) break;
    ASSERT_LT(bad, 200);
  }
}

TEST(DiskFault, WhenTheFreshJournalFailsTooTheWriterStopsAndLosesNothing) {
  for (const bool on_write : {false, true}) {
    const test::ScratchFolder folder;
    const auto all = test::RandomTrees(9).run(1, 6, 0);
    BadDisk disk;
    {
      const FileLayerScope scope(disk);
      ReplayWriter writer(folder / "r", kOptions, kMetadata);
      for (int i = 0; i < 4; ++i) writer.accept(all[static_cast<size_t>(i)]);
      (on_write ? disk.all_writes : disk.all_syncs) = true;
      expect_error(ErrorKind::kBadFile, "Input/output error",
                   [&] { writer.accept(all[4]); });
      EXPECT_FALSE(writer.contains(key_of(all[4])));
      expect_error(ErrorKind::kBadFile, "Input/output error",
                   [&] { writer.accept(all[4]); });
      EXPECT_EQ(disk.retried_syncs, 0);
      (on_write ? disk.all_writes : disk.all_syncs) = false;  // it was the cable
      EXPECT_TRUE(writer.accept(all[4]));
      EXPECT_GE(writer.num_journals_replaced(), on_write ? 0U : 1U);
    }
    expect_all(folder / "r", {all.begin(), all.begin() + 5});
    ReplayWriter writer(folder / "r", kOptions, kMetadata);
    EXPECT_EQ(writer.num_accepted(), 5U);
    EXPECT_TRUE(writer.damaged().empty());
  }
}

TEST(DiskFault, AFullDiskStopsAdmissionUntilThereIsRoom) {
  const test::ScratchFolder folder;
  const auto all = test::RandomTrees(9).run(3, 6, 1);
  BadDisk disk;
  disk.error = ENOSPC;
  const FileLayerScope scope(disk);
  ReplayWriter writer(folder / "r", kOptions, kMetadata);
  size_t refusals = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i % 3 == 1) {
      disk.all_writes = true;
      for (int again = 0; again < 3; ++again, ++refusals)
        expect_error(ErrorKind::kNoSpace, "No space left",
                     [&] { writer.accept(all[i]); });
      disk.all_writes = false;
    }
    if (!writer.contains(key_of(all[i]))) writer.accept(all[i]);
  }
  EXPECT_GT(refusals, 10U);
  EXPECT_EQ(disk.retried_syncs, 0);
  expect_all(folder / "r", all);
}

TEST(DiskFault, ARealSmallDiskFillsUpAndGoesOn) {
  const test::ScratchFolder folder;
  const auto place = folder / "disk";
  std::filesystem::create_directory(place);
  if (mount("none", place.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "this user may not mount a file system";
  const auto all = test::RandomTrees(9).run(40, 8, 0);
  std::vector<RolloutTree> accepted;
  {
    ReplayWriter writer(place / "r", {64, Compression::kNone}, kMetadata);
    bool full = false;
    for (const RolloutTree& tree : all) {
      try {
        writer.accept(tree);
      } catch (const core::Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kNoSpace) << error.what();
        full = true;
        if (!writer.contains(key_of(tree))) break;
      }
      accepted.push_back(tree);
    }
    EXPECT_TRUE(full);
    EXPECT_EQ(writer.num_accepted(), accepted.size());
    ASSERT_EQ(mount("none", place.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
    for (const RolloutTree& tree : all) writer.accept(tree);
  }
  expect_all(place / "r", all);
  // Read-only now: a reader reads, a writer says so.
  ASSERT_EQ(mount("none", place.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  expect_all(place / "r", all);
  expect_error(ErrorKind::kBadFile, "Read-only file system",
               [&] { ReplayWriter(place / "r", kOptions, kMetadata); });
  umount2(place.c_str(), MNT_DETACH);
}

TEST(DiskFault, AFileSizeLimitIsAFullDisk) {
  const test::ScratchFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {60000, 60000};
    setrlimit(RLIMIT_FSIZE, &limit);
    int code = 1;
    try {
      ReplayWriter writer(folder / "r", {1000, Compression::kNone}, kMetadata);
      for (const RolloutTree& tree : test::RandomTrees(9).run(20, 8, 0))
        writer.accept(tree);
    } catch (const core::Error& error) {
      code = error.kind() == ErrorKind::kNoSpace ? 7 : 2;
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  ReplayReader reader(folder / "r");
  size_t count = 0;
  while (reader.next()) ++count;
  EXPECT_GT(count, 3U);
  EXPECT_EQ(ReplayWriter(folder / "r", kOptions, kMetadata).num_accepted(), count);
}

TEST(DiskFault, AFolderThatVanishesOrTurnsReadOnlyIsNoticedBeforeAnythingIsPromised) {
  const test::ScratchFolder folder;
  const auto all = test::RandomTrees(9).run(1, 6, 0);
  BadDisk disk;
  const FileLayerScope scope(disk);
  ReplayWriter writer(folder / "r", kOptions, kMetadata);
  writer.accept(all[0]);
  disk.read_only = true;
  expect_error(ErrorKind::kBadFile, "Read-only file system",
               [&] { writer.accept(all[1]); });
  expect_error(ErrorKind::kBadFile, "Read-only file system",
               [&] { ReplayWriter(folder / "r2", kOptions, kMetadata); });
  disk.read_only = false;
  EXPECT_TRUE(writer.accept(all[1]));
  expect_all(folder / "r", {all[0], all[1]});
  std::filesystem::remove_all(folder / "r");
  expect_error(ErrorKind::kBadFile, "journal-", [&] { writer.accept(all[2]); });
  EXPECT_FALSE(writer.contains(key_of(all[2])));
}

TEST(DiskFault, ATimeOfDayThatJumpsChangesNothing) {
  const auto all = test::RandomTrees(9).run(2, 6, 1);
  const test::ScratchFolder folder;
  for (const char* name : {"calm", "jumpy"}) {
    for (size_t i = 0; i < all.size(); ++i) {
      ReplayWriter writer(folder / name, kOptions, kMetadata);
      writer.accept(all[i]);
      if (std::string(name) == "calm") continue;
      for (const auto& entry : std::filesystem::directory_iterator(folder / name)) {
        const auto hour = std::chrono::hours(i % 2 == 0 ? 10000 : -10000);
        std::filesystem::last_write_time(
            entry.path(), std::filesystem::file_time_type::clock::now() + hour);
      }
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder / "calm")) {
    const auto name = entry.path().filename();
    if (name.string()[0] == '.') continue;
    EXPECT_EQ(read_file(entry.path()), read_file(folder / "jumpy" / name)) << name;
  }
}

}  // namespace
}  // namespace srpo::storage
