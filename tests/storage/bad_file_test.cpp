// Every kind of bad file in every place, found at the start of a writer.
#include <fcntl.h>

#include <gtest/gtest.h>

#include "core/archive.h"
#include "core/files.h"
#include "core/random.h"
#include "storage/file_seal.h"
#include "storage/replay_reader.h"
#include "storage/replay_writer.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;

const ReplayMetadata kMetadata = {"run: {}\n", "0123456789abcdef", 42, "feedbeef"};
const ReplayOptions kOptions = {4, Compression::kNone};

std::vector<RolloutTree> trees() { return test::RandomTrees(9).run(2, 5, 1); }  // 12

/// A folder of two shards and two trees in the journal; `of` another run perhaps.
void fill(const std::filesystem::path& folder,
          const ReplayMetadata& metadata = kMetadata) {
  const std::vector<RolloutTree> all = trees();
  ReplayWriter writer(folder, kOptions, metadata);
  for (size_t i = 0; i < 10; ++i) writer.accept(all[i]);
}

void spoil(const std::filesystem::path& file, const std::string& how) {
  std::string content = core::read_file(file);
  if (how == "corrupt") content[content.size() / 2] ^= 0x10;
  if (how == "truncated") content.resize(content.size() / 2);
  if (how == "empty") content.clear();
  if (how == "foreign") content = "\x89HDF\r\n\x1a\n and more of another program";
  if (how == "future") {
    if (file.extension() == ".wal") content[7] = '4';
    if (file.extension() == ".h5") content[12] = '4';
    if (file.extension() == ".jsonl")
      content.replace(content.find("\"version\":2"), 11, "\"version\":3");
  }
  core::write_file(file, content);
}

/// What could be kept is kept, the rest is told of, and everything can be accepted again.
void expect_recovery(const std::filesystem::path& folder, size_t least_kept,
                     const std::string& bad) {
  size_t kept = 0;
  {
    ReplayReader reader(folder);  // never stops at it
    while (reader.next()) ++kept;
    EXPECT_GE(kept, least_kept);
  }
  {
    ReplayWriter writer(folder, kOptions, kMetadata);
    EXPECT_GE(writer.num_accepted(), least_kept);
    for (const RolloutTree& tree : trees()) {
      if (const RolloutTree* found = writer.find(key_of(tree))) {
        EXPECT_EQ(core::to_bytes(*found), core::to_bytes(tree));
      }
      writer.accept(tree);
    }
    for (const RolloutTree& tree : trees()) {
      ASSERT_NE(writer.find(key_of(tree)), nullptr) << key_of(tree).to_string();
      EXPECT_EQ(core::to_bytes(*writer.find(key_of(tree))), core::to_bytes(tree));
    }
    writer.seal();
  }
  if (!bad.empty()) {
    EXPECT_TRUE(std::filesystem::exists(folder / "quarantine" / (bad + ".bad")));
    EXPECT_FALSE(core::read_file(folder / "quarantine" / (bad + ".bad.txt")).empty());
  }
  ReplayReader reader(folder);
  size_t count = 0;
  while (reader.next()) ++count;
  EXPECT_EQ(count, trees().size());
  EXPECT_EQ(reader.num_repeated(), 0U);
  EXPECT_EQ(reader.num_lost_trees(), 0U);
  EXPECT_TRUE(reader.damaged().empty());
}

TEST(BadFile, AShardGoesToQuarantineAndItsTreesCanBeDrawnAgain) {
  for (const char* how : {"corrupt", "truncated", "empty", "foreign", "future"}) {
    SCOPED_TRACE(how);
    const test::ScratchFolder folder;
    fill(folder / "r");
    spoil(folder / "r/shard-000000.h5", how);
    expect_recovery(folder / "r", 6, "shard-000000.h5");
  }
}

TEST(BadFile, AShardIsMadeAgainFromItsJournalWhereThatIsStillThere) {
  for (const char* how : {"corrupt", "truncated", "empty", "foreign", "future"}) {
    for (const bool listed : {false, true}) {
      SCOPED_TRACE(std::string(how) + (listed ? " listed" : " not listed"));
      const test::ScratchFolder folder;
      const std::vector<RolloutTree> all = trees();
      const auto r = folder / "r";
      {
        ReplayWriter writer(r, kOptions, kMetadata);
        for (size_t i = 0; i < 3; ++i) writer.accept(all[i]);
        std::filesystem::copy_file(r / "journal-000000.wal", folder / "kept");
        if (!listed) std::filesystem::copy_file(r / "MANIFEST.jsonl", folder / "before");
        writer.seal();
      }
      std::filesystem::rename(folder / "kept", r / "journal-000000.wal");
      if (!listed) std::filesystem::rename(folder / "before", r / "MANIFEST.jsonl");
      spoil(r / "shard-000000.h5", how);
      {
        ReplayWriter writer(r, kOptions, kMetadata);
        EXPECT_EQ(writer.num_accepted(), 3U);
        for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(writer.contains(key_of(all[i])));
      }
      expect_recovery(r, 3, "shard-000000.h5");
    }
  }
}

TEST(BadFile, AJournalKeepsItsIntactRecords) {
  for (const char* how : {"corrupt", "truncated", "empty", "foreign", "future"}) {
    SCOPED_TRACE(how);
    const test::ScratchFolder folder;
    fill(folder / "r");
    spoil(folder / "r/journal-000002.wal", how);
    const bool is_torn = std::string(how) == "truncated";
    expect_recovery(folder / "r", std::string(how) == "future" ? 10 : 8,
                    is_torn || std::string(how) == "corrupt" ? "" : "journal-000002.wal");
  }
}

TEST(BadFile, AManifestIsMadeAnewFromTheShards) {
  for (const char* how : {"corrupt", "empty", "foreign", "future"}) {
    SCOPED_TRACE(how);
    const test::ScratchFolder folder;
    fill(folder / "r");
    spoil(folder / "r/MANIFEST.jsonl", how);
    const bool is_cut = std::string(how) == "empty" || std::string(how) == "foreign";
    expect_recovery(folder / "r", is_cut ? 2 : 10, is_cut ? "" : "MANIFEST.jsonl");
  }
}

TEST(BadFile, FilesOfAnotherRunGoToQuarantine) {
  ReplayMetadata other = kMetadata;
  other.job_digest = "fedcba9876543210";
  const test::ScratchFolder folder;
  fill(folder / "r");
  fill(folder / "other", other);
  std::filesystem::copy_file(folder / "other/shard-000001.h5",
                             folder / "r/shard-000005.h5");
  std::filesystem::copy_file(folder / "other/journal-000002.wal",
                             folder / "r/journal-000006.wal");
  ReplayWriter writer(folder / "r", kOptions, kMetadata);
  EXPECT_EQ(writer.num_accepted(), 10U);
  ASSERT_EQ(writer.damaged().size(), 2U);
  for (const DamagedFile& file : writer.damaged())
    EXPECT_NE(file.reason.find("belongs to another run"), std::string::npos);
}

TEST(BadFile, AJournalCutAtEveryByteOfItsLastRecordsLosesOnlyWhatIsCut) {
  const test::ScratchFolder folder;
  std::vector<RolloutTree> all;  // small ones
  for (uint32_t slot = 0; slot < 3; ++slot)
    all.push_back(test::RandomTrees(9).validation(0, slot));
  const auto r = folder / "r";
  std::vector<uint64_t> ends;
  const auto path = r / "journal-000000.wal";
  {
    ReplayWriter writer(r, {100, Compression::kNone}, kMetadata);
    for (size_t i = 0; i < 3; ++i) {
      writer.accept(all[i]);
      ends.push_back(std::filesystem::file_size(path));
    }
  }
  const std::string whole = core::read_file(path);
  for (size_t size = ends[0]; size <= whole.size(); ++size) {
    FileHandle file(path, O_WRONLY | O_TRUNC);
    file.write_all(std::as_bytes(std::span(whole)).first(size));
    const size_t expected = size >= ends[2] ? 3 : size >= ends[1] ? 2 : 1;
    ReplayReader reader(r);
    size_t count = 0;
    while (reader.next()) ++count;
    ASSERT_EQ(count, expected) << size;
    ASSERT_TRUE(reader.damaged().empty()) << size;
    if (size % 64 != 0) continue;
    ReplayWriter writer(r, {100, Compression::kNone}, kMetadata);
    ASSERT_EQ(writer.num_accepted(), expected) << size;
    ASSERT_TRUE(writer.damaged().empty()) << size;
    writer.accept(all[2]);
    ASSERT_TRUE(writer.contains(key_of(all[2])));
  }
}

TEST(BadFile, AnyBytesInAnyFileNeverStopAReaderOrAWriter) {
  core::Rng rng(11, core::Purpose::kTest, 0);
  const test::ScratchFolder folder;
  fill(folder / "r");
  for (int round = 0; round < 60; ++round) {
    const auto r = folder / "copy";
    std::filesystem::remove_all(r);
    std::filesystem::copy(folder / "r", r);
    for (const char* name : {"shard-000001.h5", "journal-000002.wal", "MANIFEST.jsonl"}) {
      if (rng.below(2) == 0) continue;
      std::string content = core::read_file(r / name);
      for (uint64_t i = 0; i <= rng.below(4); ++i)
        content[rng.below(content.size())] = static_cast<char>(rng.below(256));
      if (rng.below(4) == 0) content.resize(rng.below(content.size()));
      FileHandle file(r / name, O_WRONLY | O_TRUNC);
      file.write_all(std::as_bytes(std::span(content)));
    }
    ReplayReader reader(r);
    while (reader.next()) {
    }
    try {
      ReplayWriter writer(r, kOptions, kMetadata);
      for (const RolloutTree& tree : trees()) writer.accept(tree);
      ASSERT_EQ(writer.num_accepted(), 12U) << round;
    } catch (const core::Error& error) {
      // A header that became another run's, and stayed a header: a chance of 2^-32.
      ADD_FAILURE() << round << ": " << error.what();
    }
  }
}

}  // namespace
}  // namespace srpo::storage
