// Folders that were written by format versions 1 and 2, kept as they were.
#include "storage/format_v1.h"

#include <gtest/gtest.h>

#include "core/archive.h"
#include "core/files.h"
#include "storage/replay_reader.h"
#include "storage/replay_writer.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;

constexpr const char* kFolder = SRPO_SOURCE_DIR "/tests/golden/replay_v1";

/// What the folder was made of.
std::map<TreeKey, core::Bytes> expected() {
  std::map<TreeKey, core::Bytes> trees;
  for (const RolloutTree& tree : test::RandomTrees(42).run(2, 3, 1))
    trees[key_of(tree)] = core::to_bytes(tree);
  return trees;
}

std::map<TreeKey, core::Bytes> read_all(const std::filesystem::path& folder) {
  std::map<TreeKey, core::Bytes> trees;
  ReplayReader reader(folder);
  while (const auto tree = reader.next()) trees[key_of(*tree)] = core::to_bytes(*tree);
  EXPECT_TRUE(reader.damaged().empty());
  EXPECT_EQ(reader.metadata()->seed, 42U);
  EXPECT_EQ(reader.job_digest(), "0123456789abcdef");
  return trees;
}

TEST(FormatV1, IsReadWithAllThatVersion2Adds) {
  EXPECT_EQ(read_all(kFolder), expected());
}

TEST(FormatV1, IsGoneOnWithByAWriterOfVersion2) {
  const test::ScratchFolder scratch;
  const auto folder = scratch / "replay";
  std::filesystem::copy(kFolder, folder);
  auto all = expected();
  {
    ReplayWriter writer(
        folder, {5, Compression::kNone},
        {"run: {name: old, seed: 42}\n", "0123456789abcdef", 42, "feedbeef"});
    EXPECT_TRUE(writer.damaged().empty());
    EXPECT_EQ(writer.num_accepted(), 8U);
    EXPECT_EQ(writer.num_in_journal(), 3U);
    for (const auto& [key, bytes] : all)
      EXPECT_EQ(core::to_bytes(*writer.find(key)), bytes) << key.to_string();
    const RolloutTree more = test::RandomTrees(42).training(5, 0);
    writer.accept(more);
    all[key_of(more)] = core::to_bytes(more);
  }
  EXPECT_EQ(read_all(folder), all);
  ReplayWriter(folder, {5, Compression::kNone}, {"", "0123456789abcdef", 42, ""}).seal();
  EXPECT_EQ(read_all(folder), all);
  EXPECT_EQ(read_shard(folder / "shard-000000.h5").version, 1U);
}

TEST(FormatV2, IsReadWithAllThatVersion3Adds) {
  std::map<TreeKey, core::Bytes> trees;
  for (uint32_t slot = 0; slot < 8; ++slot) {
    const RolloutTree tree = test::RandomTrees(42).training(0, slot);
    trees[key_of(tree)] = core::to_bytes(tree);
  }
  EXPECT_EQ(read_all(SRPO_SOURCE_DIR "/tests/golden/replay_v2"), trees);
}

TEST(FormatV1, EveryOtherVersionIsRefusedByASentence) {
  const std::string good = core::read_file(std::string(kFolder) + "/shard-000000.h5");
  for (const char version : {'0', '4', '9'}) {
    std::string other = good;
    other[12] = version;
    try {
      decode_shard(std::as_bytes(std::span(other)), "a.h5");
      ADD_FAILURE();
    } catch (const core::Error& error) {
      EXPECT_EQ(std::string(error.what()),
                std::string("a.h5 is of format 'srpo-replay ") + version +
                    "' (this program reads srpo-replay 1..3)");
    }
  }
}

}  // namespace
}  // namespace srpo::storage
