#include "analysis/unread_report.h"

#include <fstream>

#include <gtest/gtest.h>

#include "analysis/hand_made_trees.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

/// Three shards of two trees each.
void write_three(const std::filesystem::path& run) {
  std::vector<records::RolloutTree> trees;
  for (uint32_t i = 0; i < 6; ++i) trees.push_back(test::reset_tree(i / 2, i % 2));
  test::write_run(run, trees, 2);
}

uint64_t trees_in(const RunScan& scan) { return scan.total().training_trees; }

TEST(Unread, NamesADamagedShardAndCountsItsTreesWhileTheOthersAreRead) {
  const test::ScratchFolder folder;
  write_three(folder / "run");
  const RunScan whole = scan_run(folder / "run");
  EXPECT_EQ(trees_in(whole), 6U);
  EXPECT_TRUE(is_complete(whole));
  std::filesystem::resize_file(folder / "run/replay/shard-000001.h5", 700);
  const RunScan scan = scan_run(folder / "run");
  EXPECT_EQ(trees_in(scan), 4U);
  EXPECT_FALSE(is_complete(scan));
  const Table unread = unread_table(scan);
  ASSERT_EQ(unread.rows().size(), 2U);
  EXPECT_EQ(std::get<std::string>(unread.rows()[0][0]), "shard-000001.h5");
  EXPECT_EQ(std::get<uint64_t>(unread.rows()[1][1]), 2U);
}

TEST(Unread, RefusesAShardOfAnotherVersionByName) {
  const test::ScratchFolder folder;
  write_three(folder / "run");
  const auto path = folder / "run/replay/shard-000002.h5";
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
      << "srpo-replay 9\n";
  const RunScan scan = scan_run(folder / "run");
  EXPECT_EQ(trees_in(scan), 4U);
  ASSERT_EQ(scan.damaged.size(), 1U);
  EXPECT_EQ(scan.damaged[0].name, "shard-000002.h5");
}

TEST(Unread, ReadsShardsByTheirNamesWhenTheManifestIsLost) {
  const test::ScratchFolder folder;
  write_three(folder / "run");
  std::filesystem::remove(folder / "run/replay/MANIFEST.jsonl");
  const RunScan scan = scan_run(folder / "run");
  EXPECT_EQ(trees_in(scan), 6U);
  ASSERT_EQ(scan.damaged.size(), 1U);
  EXPECT_NE(scan.damaged[0].reason.find("is missing"), std::string::npos);
}

TEST(Unread, PassesOverDraftsAndATornJournal) {
  const test::ScratchFolder folder;
  test::write_run(folder / "run", {test::reset_tree(0, 0), test::reset_tree(0, 1)});
  std::ofstream(folder / "run/replay/shard-000007.h5.draft-1") << "half";
  const auto journal = folder / "run/replay/journal-000000.wal";
  std::filesystem::resize_file(journal, std::filesystem::file_size(journal) - 5);
  const RunScan scan = scan_run(folder / "run");
  EXPECT_EQ(trees_in(scan), 1U);
  EXPECT_TRUE(scan.damaged.empty());  // a torn tail was never accepted
}

TEST(Unread, SaysASentenceOfAnEmptyRun) {
  const test::ScratchFolder folder;
  test::write_run(folder / "run", {});
  EXPECT_NE(nothing_sentence(scan_run(folder / "run")).find("nothing has been recorded"),
            std::string::npos);
  write_three(folder / "bad");
  EXPECT_EQ(nothing_sentence(scan_run(folder / "bad")), "");
  for (int i = 0; i < 3; ++i)
    std::filesystem::resize_file(
        folder / "bad/replay" / ("shard-00000" + std::to_string(i) + ".h5"), 10);
  EXPECT_NE(nothing_sentence(scan_run(folder / "bad")).find("3 files are damaged"),
            std::string::npos);
}

}  // namespace
}  // namespace srpo::analysis
