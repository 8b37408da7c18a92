#include "storage/replay_reader.h"

#include <fstream>

#include "core/archive.h"
#include "core/files.h"
#include "support/expect_error.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using records::RolloutTree;

const ReplayMetadata kMetadata = {"run: {}\n", "0123456789abcdef", 42, "feedbeef"};

std::vector<RolloutTree> read_all(ReplayReader& reader) {
  std::vector<RolloutTree> trees;
  while (auto tree = reader.next()) trees.push_back(std::move(*tree));
  return trees;
}

std::vector<RolloutTree> fill(const std::filesystem::path& folder, uint32_t shard_trees) {
  const std::vector<RolloutTree> all = test::RandomTrees(9).run(3, 5, 2);
  ReplayWriter writer(folder, {shard_trees, Compression::kNone}, kMetadata);
  for (const RolloutTree& tree : all) writer.accept(tree);
  return all;
}

TEST(ReplayReader, GivesEachTreeOnceFromShardsAndJournal) {
  const test::ScratchFolder folder;
  std::map<TreeKey, core::Bytes> expected;
  for (const RolloutTree& tree : fill(folder / "r", 8))
    expected[key_of(tree)] = core::to_bytes(tree);
  ReplayReader reader(folder / "r");
  EXPECT_EQ(reader.num_listed_shards(), 2U);
  std::map<TreeKey, core::Bytes> found;
  for (const RolloutTree& tree : read_all(reader))
    found[key_of(tree)] = core::to_bytes(tree);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(reader.num_from_journal(), 5U);
  EXPECT_EQ(reader.num_repeated(), 0U);
  EXPECT_TRUE(reader.damaged().empty());
}

TEST(ReplayReader, SeesARunAsItWasWhenOpenedThoughAWriterSealsMeanwhile) {
  const test::ScratchFolder folder;
  ReplayWriter writer(folder / "r", {100, Compression::kNone}, kMetadata);
  for (const RolloutTree& tree : test::RandomTrees(2).run(1, 6, 0)) writer.accept(tree);
  ReplayReader reader(folder / "r");
  writer.seal();
  writer.accept(test::RandomTrees(2).training(7, 7));
  EXPECT_EQ(read_all(reader).size(), 6U);
}

TEST(ReplayReader, PassesOverDamagedShardsAndTellsOfThem) {
  const test::ScratchFolder folder;
  fill(folder / "r", 5);
  std::filesystem::resize_file(folder / "r/shard-000001.h5", 3000);
  {
    std::fstream file(folder / "r/shard-000003.h5",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000);
    file.put('\x55');
  }
  ReplayReader reader(folder / "r");
  EXPECT_EQ(read_all(reader).size(), 11U);
  ASSERT_EQ(reader.damaged().size(), 2U);
  EXPECT_EQ(reader.damaged()[0].name, "shard-000001.h5");
  EXPECT_NE(reader.damaged()[0].reason.find("3000 bytes of another content"),
            std::string::npos);
  EXPECT_EQ(reader.num_lost_trees(), 10U);
}

TEST(ReplayReader, ReadsAFolderWithATornJournalWithoutChangingIt) {
  const test::ScratchFolder folder;
  fill(folder / "r", 100);
  const auto journal = folder / "r/journal-000000.wal";
  std::filesystem::resize_file(journal, std::filesystem::file_size(journal) - 10);
  const std::string before = core::read_file(journal);
  ReplayReader reader(folder / "r");
  EXPECT_EQ(read_all(reader).size(), 20U);
  EXPECT_EQ(core::read_file(journal), before);
}

TEST(ReplayReader, RefusesAFolderThatIsNotThere) {
  test::expect_error(ErrorKind::kBadFile, "/nowhere is not a folder",
                     [] { ReplayReader reader("/nowhere"); });
}

}  // namespace
}  // namespace srpo::storage
