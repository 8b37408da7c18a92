#include "storage/replay_writer.h"

#include <fstream>

#include "core/archive.h"
#include "core/files.h"
#include "storage/replay_reader.h"
#include "support/expect_error.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using records::RolloutTree;
using test::expect_error;

const ReplayMetadata kMetadata = {"run: {}\n", "0123456789abcdef", 42, "feedbeef"};

std::vector<RolloutTree> trees() { return test::RandomTrees(9).run(3, 5, 2); }  // 21

void expect_all(ReplayWriter& writer, const std::vector<RolloutTree>& expected) {
  EXPECT_EQ(writer.num_accepted(), expected.size());
  for (const RolloutTree& tree : expected) {
    const RolloutTree* found = writer.find(key_of(tree));
    ASSERT_NE(found, nullptr) << key_of(tree).to_string();
    EXPECT_EQ(core::to_bytes(*found), core::to_bytes(tree)) << key_of(tree).to_string();
  }
}

TEST(ReplayWriter, FindsWhatItAcceptedInJournalAndShards) {
  const test::ScratchFolder folder;
  ReplayWriter writer(folder / "replay", {8, Compression::kNone}, kMetadata);
  for (const RolloutTree& tree : trees()) EXPECT_TRUE(writer.accept(tree));
  EXPECT_EQ(writer.num_shards(), 2U);
  EXPECT_EQ(writer.num_in_journal(), 5U);
  expect_all(writer, trees());
  EXPECT_EQ(writer.find({99, 0, false}), nullptr);
  writer.seal();
  EXPECT_EQ(writer.num_shards(), 3U);
  EXPECT_EQ(writer.num_in_journal(), 0U);
  expect_all(writer, trees());
}

TEST(ReplayWriter, TakesUpWhereAnotherLeftOff) {
  const test::ScratchFolder folder;
  const std::vector<RolloutTree> all = trees();
  for (size_t i = 0; i < all.size(); ++i) {
    ReplayWriter writer(folder / "replay", {4, Compression::kGzip}, kMetadata);
    EXPECT_EQ(writer.num_accepted(), i);
    writer.accept(all[i]);
  }
  ReplayWriter writer(folder / "replay", {4, Compression::kGzip}, kMetadata);
  EXPECT_EQ(writer.num_shards(), 5U);
  expect_all(writer, all);
}

TEST(ReplayWriter, CountsARepeatedKeyAndKeepsTheFirst) {
  const test::ScratchFolder folder;
  ReplayWriter writer(folder / "replay", {4, Compression::kNone}, kMetadata);
  const std::vector<RolloutTree> all = trees();
  EXPECT_EQ(writer.accept(std::span(all)), all.size());
  EXPECT_EQ(writer.num_shards(), 5U);
  EXPECT_EQ(writer.num_in_journal(), 1U);
  RolloutTree changed = all[0];
  changed.problem.question = "another";
  EXPECT_FALSE(writer.accept(changed));
  EXPECT_EQ(writer.num_repeated(), 1U);
  EXPECT_EQ(writer.find(key_of(changed))->problem.question, all[0].problem.question);
  const std::vector<RolloutTree> twice = {test::RandomTrees(1).training(50, 0),
                                          test::RandomTrees(1).training(50, 0)};
  EXPECT_EQ(writer.accept(std::span(twice)), 1U);
  EXPECT_EQ(writer.num_repeated(), 2U);
}

TEST(ReplayWriter, RemovesShardsOfOldStepsAndRemembersTheirTrees) {
  const test::ScratchFolder folder;
  const std::vector<RolloutTree> all = test::RandomTrees(9).run(6, 4, 0);
  {
    ReplayWriter writer(folder / "replay", {4, Compression::kNone, 2}, kMetadata);
    for (const RolloutTree& tree : all) EXPECT_TRUE(writer.accept(tree));
  }
  ReplayWriter writer(folder / "replay", {4, Compression::kNone, 2}, kMetadata);
  EXPECT_EQ(writer.num_accepted(), all.size());
  EXPECT_EQ(writer.num_shards(), 2U);
  EXPECT_TRUE(writer.contains(key_of(all[0])));
  EXPECT_EQ(writer.find(key_of(all[0])), nullptr);
  EXPECT_FALSE(writer.accept(all[0]));
  EXPECT_NE(writer.find(key_of(all[16])), nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder / "replay/shard-000000.h5"));
  ReplayReader reader(folder / "replay");
  size_t count = 0;
  while (reader.next()) ++count;
  EXPECT_EQ(count, 8U);
  EXPECT_EQ(reader.num_retired_trees(), 16U);
  EXPECT_EQ(reader.num_lost_trees(), 0U);
}

TEST(ReplayWriter, SharesAFolderWithOthersOfOtherNames) {
  const test::ScratchFolder folder;
  const std::vector<RolloutTree> all = trees();
  const auto options = [](const std::string& name) {
    return ReplayOptions{4, Compression::kNone, 0, name};
  };
  {
    ReplayWriter a(folder / "replay", options("a"), kMetadata);
    ReplayWriter b(folder / "replay", options("b"), kMetadata);
    for (size_t i = 0; i < 10; ++i) a.accept(all[i]);
    for (size_t i = 8; i < all.size(); ++i) b.accept(all[i]);  // two of them twice
    a.seal();
    b.seal();
    EXPECT_EQ(a.num_repeated() + b.num_repeated(), 2U);
    expect_error(ErrorKind::kBadInput, "is in use by process ",
                 [&] { ReplayWriter(folder / "replay", options("a"), kMetadata); });
    b.accept(test::RandomTrees(9).training(70, 0));  // and b dies
  }
  expect_error(ErrorKind::kBadConfig, "writer name 'A/'",
               [&] { ReplayWriter(folder / "replay2", options("A/"), kMetadata); });
  ReplayWriter chief(folder / "replay", options(""), kMetadata);
  EXPECT_EQ(chief.num_accepted(), all.size() + 1);
  EXPECT_EQ(chief.num_in_journal(), 0U);
  for (const RolloutTree& tree : all)
    EXPECT_EQ(core::to_bytes(*chief.find(key_of(tree))), core::to_bytes(tree));
  ReplayReader reader(folder / "replay");
  size_t count = 0;
  while (reader.next()) ++count;
  EXPECT_EQ(count, all.size() + 1);
  EXPECT_EQ(reader.num_repeated(), 0U);
}

TEST(ReplayWriter, RefusesASecondWriterAndAnotherRun) {
  const test::ScratchFolder folder;
  {
    ReplayWriter writer(folder / "replay", {}, kMetadata);
    writer.accept(trees()[0]);
    expect_error(ErrorKind::kBadInput, "is in use by process ",
                 [&] { ReplayWriter(folder / "replay", {}, kMetadata); });
  }
  ReplayMetadata other = kMetadata;
  other.job_digest = "fedcba9876543210";
  expect_error(ErrorKind::kBadFile, "belongs to another run",
               [&] { ReplayWriter(folder / "replay", {}, other); });
}

TEST(ReplayWriter, RefusesAnUnsoundTreeAndBadOptions) {
  const test::ScratchFolder folder;
  ReplayWriter writer(folder / "replay", {}, kMetadata);
  RolloutTree bad = trees()[0];
  bad.fresh[0].prefix_length = 100000;
  expect_error(ErrorKind::kBadFile, "prefix_length=100000", [&] { writer.accept(bad); });
  EXPECT_EQ(writer.num_accepted(), 0U);
  expect_error(ErrorKind::kBadConfig, "replay.shard_trees=0", [&] {
    ReplayWriter(folder / "b", {0, Compression::kNone}, kMetadata);
  });
}

TEST(ReplayWriter, RemovesDraftsAndListsAPublishedShard) {
  const test::ScratchFolder folder;
  const std::vector<RolloutTree> all = trees();
  {
    ReplayWriter writer(folder / "replay", {100, Compression::kNone}, kMetadata);
    writer.accept(std::span(all));
    writer.seal();
  }
  core::write_file(folder / "replay/shard-000001.h5.draft-77", "torn");
  std::filesystem::remove(folder / "replay/MANIFEST.jsonl");
  ReplayWriter writer(folder / "replay", {100, Compression::kNone}, kMetadata);
  EXPECT_FALSE(std::filesystem::exists(folder / "replay/shard-000001.h5.draft-77"));
  EXPECT_EQ(writer.num_shards(), 1U);
  expect_all(writer, all);
}

TEST(ReplayWriter, MovesAnUnlistedShardThatIsNotWholeToQuarantine) {
  const test::ScratchFolder folder;
  { ReplayWriter(folder / "replay", {}, kMetadata).accept(trees()[0]); }
  core::write_file(folder / "replay/shard-000000.h5", "not a shard");
  ReplayWriter writer(folder / "replay", {}, kMetadata);
  EXPECT_TRUE(std::filesystem::exists(folder / "replay/quarantine/shard-000000.h5.bad"));
  writer.seal();
  EXPECT_EQ(writer.num_accepted(), 1U);
  EXPECT_EQ(read_shard(folder / "replay/shard-000000.h5").trees.size(), 1U);
}

TEST(ReplayWriter, TellsOfListedShardsThatAreGoneOrDamaged) {
  const test::ScratchFolder folder;
  const std::vector<RolloutTree> all = trees();
  {
    ReplayWriter writer(folder / "replay", {7, Compression::kNone}, kMetadata);
    for (const RolloutTree& tree : all) writer.accept(tree);
  }
  std::filesystem::remove(folder / "replay/shard-000001.h5");
  {
    std::fstream file(folder / "replay/shard-000002.h5",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000);
    file.put('\x55');
  }
  ReplayWriter writer(folder / "replay", {7, Compression::kNone}, kMetadata);
  ASSERT_EQ(writer.damaged().size(), 1U);
  EXPECT_EQ(writer.damaged()[0].name, "shard-000001.h5");
  EXPECT_EQ(writer.num_accepted(), 14U);
  EXPECT_NE(writer.find(key_of(all[0])), nullptr);
  EXPECT_EQ(writer.find(key_of(all[8])), nullptr);
  EXPECT_EQ(writer.find(key_of(all[20])), nullptr);  // and those of its shard are gone
  EXPECT_EQ(writer.num_accepted(), 7U);
  ASSERT_EQ(writer.damaged().size(), 2U);
  EXPECT_NE(writer.damaged()[1].reason.find("shard-000002.h5 is damaged"),
            std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder / "replay/quarantine/shard-000002.h5.bad"));
  {
    ReplayReader reader(folder / "replay");
    size_t count = 0;
    while (reader.next()) ++count;
    EXPECT_EQ(count, 7U);
    EXPECT_EQ(reader.num_lost_trees(), 14U);
    EXPECT_TRUE(reader.damaged().empty());  // the manifest knows
  }
  for (const RolloutTree& tree : all) writer.accept(tree);
  expect_all(writer, all);
  ReplayReader reader(folder / "replay");
  while (reader.next()) {
  }
  EXPECT_EQ(reader.num_lost_trees(), 0U);
}

TEST(ReplayWriter, KeepsWhatADamagedJournalStillHolds) {
  const test::ScratchFolder folder;
  {
    ReplayWriter writer(folder / "replay", {}, kMetadata);
    for (const RolloutTree& tree : trees()) writer.accept(tree);
  }
  {
    std::fstream file(folder / "replay/journal-000000.wal",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000);
    file.put('\x55');
  }
  ReplayWriter writer(folder / "replay", {}, kMetadata);
  EXPECT_EQ(writer.num_accepted(), trees().size() - 1);
  ASSERT_EQ(writer.damaged().size(), 1U);
  EXPECT_NE(writer.damaged()[0].reason.find("damaged frame at offset "),
            std::string::npos);
  EXPECT_TRUE(
      std::filesystem::exists(folder / "replay/quarantine/journal-000000.wal.bad"));
  for (const RolloutTree& tree : trees()) writer.accept(tree);
  EXPECT_EQ(writer.num_repeated(), trees().size() - 1);
  writer.seal();
  expect_all(writer, trees());
  ReplayReader reader(folder / "replay");
  while (reader.next()) {
  }
  EXPECT_EQ(reader.num_lost_records(), 1U);
}

}  // namespace
}  // namespace srpo::storage
