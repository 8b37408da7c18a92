#include "storage/compaction.h"

#include <sys/wait.h>
#include <unistd.h>

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

const ReplayMetadata kMetadata = {"run: {}\n", "0123456789abcdef", 9, "feedbeef"};

std::vector<RolloutTree> fill(const std::filesystem::path& folder, uint32_t shard_trees) {
  const std::vector<RolloutTree> all = test::RandomTrees(9).run(4, 5, 2);  // 28
  ReplayWriter writer(folder, {shard_trees, Compression::kNone}, kMetadata);
  for (const RolloutTree& tree : all) writer.accept(tree);
  return all;
}

void expect_all(const std::filesystem::path& folder,
                const std::vector<RolloutTree>& all) {
  std::map<TreeKey, core::Bytes> found;
  ReplayReader reader(folder);
  while (const auto tree = reader.next()) found[key_of(*tree)] = core::to_bytes(*tree);
  EXPECT_EQ(found.size(), all.size());
  for (const RolloutTree& tree : all)
    EXPECT_EQ(found[key_of(tree)], core::to_bytes(tree)) << key_of(tree).to_string();
  EXPECT_EQ(reader.num_repeated(), 0U);
  EXPECT_TRUE(reader.damaged().empty());
  EXPECT_EQ(reader.num_lost_trees(), 0U);
}

TEST(Compaction, MergesSmallShardsAndLeavesTheRest) {
  const test::ScratchFolder folder;
  const auto all = fill(folder / "r", 3);  // 9 shards and one tree in the journal
  const CompactionResult result = compact_replay(folder / "r", {12, Compression::kGzip});
  EXPECT_EQ(result.shards_before, 9U);
  EXPECT_EQ(result.shards_after, 3U);
  EXPECT_EQ(result.trees_moved, 24U);  // 4 and 4 shards; one is left
  EXPECT_LT(result.bytes_after, result.bytes_before);
  expect_all(folder / "r", all);
  EXPECT_EQ(compact_replay(folder / "r", {12, Compression::kGzip}).trees_moved, 0U);
  ReplayWriter writer(folder / "r", {3, Compression::kNone}, kMetadata);
  EXPECT_EQ(writer.num_accepted(), all.size());
  writer.accept(test::RandomTrees(9).training(8, 8));
  for (const RolloutTree& tree : all)
    EXPECT_EQ(core::to_bytes(*writer.find(key_of(tree))), core::to_bytes(tree));
  test::expect_error(ErrorKind::kBadInput, "is in use by process ",
                     [&] { compact_replay(folder / "r", {}); });
}

TEST(Compaction, SurvivesALostManifest) {
  const test::ScratchFolder folder;
  const auto all = fill(folder / "r", 3);
  compact_replay(folder / "r", {12, Compression::kNone});
  std::filesystem::remove(folder / "r/MANIFEST.jsonl");
  { ReplayWriter(folder / "r", {3, Compression::kNone}, kMetadata).seal(); }
  expect_all(folder / "r", all);
}

TEST(Compaction, IsFollowedByAReaderThatWasOpenedBefore) {
  const test::ScratchFolder folder;
  const auto all = fill(folder / "r", 3);
  ReplayReader reader(folder / "r");
  std::set<TreeKey> keys;
  for (int i = 0; i < 7; ++i) keys.insert(key_of(*reader.next()));
  compact_replay(folder / "r", {12, Compression::kNone});
  while (const auto tree = reader.next()) EXPECT_TRUE(keys.insert(key_of(*tree)).second);
  EXPECT_EQ(keys.size(), all.size());
  EXPECT_TRUE(reader.damaged().empty());
}

TEST(Compaction, LeavesAShardThatCannotBeReadAndSaysSo) {
  const test::ScratchFolder folder;
  fill(folder / "r", 3);
  std::filesystem::resize_file(folder / "r/shard-000001.h5", 3000);
  const CompactionResult result = compact_replay(folder / "r", {100, Compression::kNone});
  ASSERT_EQ(result.left_out.size(), 1U);
  EXPECT_NE(result.left_out[0].find("truncated or grown: 3000 bytes"), std::string::npos);
  EXPECT_EQ(result.trees_moved, 24U);
  EXPECT_TRUE(std::filesystem::exists(folder / "r/shard-000001.h5"));
}

/// Dies in the n-th call that changes the disk.
class DyingLayer : public FileLayer {
 public:
  explicit DyingLayer(int calls) : calls_left_(calls) {}
  ssize_t write(int file, const void* data, size_t size) override {
    if (calls_left_-- == 0) {
      FileLayer::write(file, data, size / 2);
      _exit(9);
    }
    return FileLayer::write(file, data, size);
  }
  int fdatasync(int file) override { return count(), FileLayer::fdatasync(file); }
  int fsync(int file) override { return count(), FileLayer::fsync(file); }
  int rename(const char* from, const char* to) override {
    return count(), FileLayer::rename(from, to);
  }
  int unlink(const char* path) override { return count(), FileLayer::unlink(path); }
  int ftruncate(int file, off_t size) override {
    return count(), FileLayer::ftruncate(file, size);
  }

 private:
  void count() {
    if (calls_left_-- == 0) _exit(9);
  }
  int calls_left_;
};

TEST(Compaction, LosesNothingWhereverASystemCallIsTheLast) {
  const test::ScratchFolder origin;
  const auto all = fill(origin / "r", 7);
  int status = 9;
  int calls = 0;
  for (; status == 9; ++calls) {
    SCOPED_TRACE("died in call " + std::to_string(calls));
    const test::ScratchFolder folder;
    std::filesystem::copy(origin / "r", folder / "r");
    const pid_t child = fork();
    if (child == 0) {
      DyingLayer layer(calls);
      const FileLayerScope scope(layer);
      compact_replay(folder / "r", {14, Compression::kNone});
      _exit(0);
    }
    int result = 0;
    waitpid(child, &result, 0);
    status = WIFEXITED(result) ? WEXITSTATUS(result) : 1;
    ASSERT_TRUE(status == 0 || status == 9);
    expect_all(folder / "r", all);
    if (calls % 2 == 0) compact_replay(folder / "r", {14, Compression::kNone});
    { ReplayWriter(folder / "r", {7, Compression::kNone}, kMetadata).seal(); }
    expect_all(folder / "r", all);
    for (const auto& entry : std::filesystem::directory_iterator(folder / "r")) {
      EXPECT_EQ(entry.path().filename().string().find(".draft"), std::string::npos);
    }
  }
  EXPECT_GT(calls, 15);
}

}  // namespace
}  // namespace srpo::storage
