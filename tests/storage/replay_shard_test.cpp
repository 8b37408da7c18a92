#include "storage/replay_shard.h"

#include "core/archive.h"
#include "core/checksum.h"
#include "core/files.h"
#include "storage/file_seal.h"
#include "storage/replay_columns.h"
#include "storage/replay_schema.h"
#include "support/expect_error.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using records::RolloutTree;
using test::expect_error;

ReplayShard sample(uint32_t number = 3) {
  ReplayShard shard;
  shard.metadata = {"run:\n  seed: 42\n", "0123456789abcdef", 42, "feedbeef"};
  shard.number = number;
  shard.trees = test::RandomTrees(5).run(2, 6, 3);
  RolloutTree odd;  // nothing in it, and bytes that are no text
  odd.step = 4000000000U;
  odd.problem.question = std::string("\0\xff\xfe", 3);
  odd.fresh.emplace_back().logprobs = {-std::numeric_limits<float>::infinity(),
                                       std::nanf("")};
  shard.trees.push_back(odd);
  return shard;
}

/// A shard whose columns a test has changed, with a seal and attributes that are right.
core::Bytes forged(const std::function<void(ColumnMap&)>& change,
                   const std::string& format = "srpo-replay", uint64_t version = 3,
                   uint64_t num_trees = 19) {
  ColumnMap columns = columns_of(sample().trees);
  change(columns);
  Hdf5File file = Hdf5File::create("forged", Compression::kNone, kSealBytes);
  file.write_attribute("format", format);
  file.write_attribute("format_version", version);
  file.write_attribute("num_trees", num_trees);
  for (const char* name : {"shard", "seed"}) file.write_attribute(name, 1);
  for (const char* name : {"job_digest", "job_yaml", "writer", "replaces",
                           "tokenizer_digest", "content_digest"}) {
    file.write_attribute(name, std::string("x"));
  }
  for (const auto& [path, column] : columns) {
    std::visit([&, &name = path](const auto& values) { file.write(name, values); },
               column);
  }
  core::Bytes bytes = file.take_bytes();
  seal(bytes, kShardFormat);
  return bytes;
}

void expect_refused(const std::string& part,
                    const std::function<void(ColumnMap&)>& change) {
  expect_error(ErrorKind::kBadFile, part, [&] { decode_shard(forged(change), "a.h5"); });
}

template <class T>
std::vector<T>& column(ColumnMap& columns, const std::string& path) {
  return std::get<std::vector<T>>(columns.at(path));
}

TEST(ReplayShard, GivesBackEqualTreesAndMetadata) {
  const ReplayShard shard = sample();
  for (const Compression compression : {Compression::kNone, Compression::kGzip}) {
    const ReplayShard again = decode_shard(encode_shard(shard, compression), "a.h5");
    ASSERT_EQ(again.trees.size(), shard.trees.size());
    for (size_t i = 0; i < shard.trees.size(); ++i) {
      EXPECT_EQ(core::to_bytes(again.trees[i]), core::to_bytes(shard.trees[i])) << i;
    }
    EXPECT_EQ(again.number, 3U);
    EXPECT_EQ(again.metadata.job_yaml, shard.metadata.job_yaml);
    EXPECT_EQ(again.metadata.job_digest, shard.metadata.job_digest);
    EXPECT_EQ(again.metadata.tokenizer_digest, shard.metadata.tokenizer_digest);
    EXPECT_EQ(again.metadata.seed, 42U);
  }
}

TEST(ReplayShard, KeepsEveryResetOfATreeAndThePromptsOfSecondAttempts) {
  ReplayShard shard;
  shard.trees = {test::RandomTrees(3).two_resets(0, 0),
                 test::RandomTrees(3).training(0, 1),
                 test::RandomTrees(3).two_resets(0, 2)};
  shard.trees[2].fresh[1].prompt_tokens = {4, 5, 6};
  const ReplayShard again = decode_shard(encode_shard(shard, Compression::kNone), "a.h5");
  ASSERT_EQ(again.trees.size(), 3U);
  EXPECT_EQ(again.trees[0].further.size(), 1U);
  EXPECT_EQ(again.trees[2].fresh[1].prompt_tokens, (std::vector<int32_t>{4, 5, 6}));
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(core::to_bytes(again.trees[i]), core::to_bytes(shard.trees[i])) << i;
}

TEST(ReplayShard, MayHoldNoTreesAtAll) {
  ReplayShard shard = sample();
  shard.trees.clear();
  const core::Bytes bytes = encode_shard(shard, Compression::kNone);
  EXPECT_TRUE(decode_shard(bytes, "a.h5").trees.empty());
  EXPECT_EQ(
      Hdf5File::open("a.h5", bytes).datasets(),
      Hdf5File::open("b.h5", encode_shard(sample(), Compression::kNone)).datasets());
}

TEST(ReplayShard, IsAPureFunctionOfItsContent) {
  EXPECT_EQ(encode_shard(sample(), Compression::kNone),
            encode_shard(sample(), Compression::kNone));
}

TEST(ReplayShard, IsPublishedWholeAndWithoutDrafts) {
  const test::ScratchFolder folder;
  const FileMark mark = write_shard(folder / "a.h5", sample(), Compression::kNone);
  const std::string content = core::read_file(folder / "a.h5");
  EXPECT_EQ(mark.bytes, content.size());
  EXPECT_EQ(mark.crc32c, core::crc32c(std::as_bytes(std::span(content))));
  EXPECT_EQ(read_shard(folder / "a.h5").trees.size(), sample().trees.size());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(ReplayShard, RefusesTruncatedAndBitFlippedFiles) {
  core::Bytes bytes = encode_shard(sample(), Compression::kNone);
  core::Rng rng(1, core::Purpose::kTest, 0);
  for (int i = 0; i < 300; ++i) {
    const size_t size = rng.below(bytes.size());
    EXPECT_THROW(decode_shard(std::span(bytes).first(size), "a.h5"), core::Error) << size;
    const size_t at = kSealBytes + rng.below(bytes.size() - kSealBytes);
    const auto bit = static_cast<std::byte>(1 << rng.below(8));
    bytes[at] ^= bit;
    expect_error(ErrorKind::kBadFile, "a.h5 is damaged",
                 [&] { decode_shard(bytes, "a.h5"); });
    bytes[at] ^= bit;
  }
  EXPECT_NO_THROW(decode_shard(bytes, "a.h5"));
}

TEST(ReplayShard, RefusesForeignFilesAndOtherVersions) {
  Hdf5File foreign = Hdf5File::create("foreign", Compression::kNone);
  foreign.write("data", std::vector<float>{1});
  const core::Bytes bytes = foreign.take_bytes();
  expect_error(ErrorKind::kBadFile,
               "a.h5 is an HDF5 file of another program (expected a srpo-replay 3 file)",
               [&] { decode_shard(bytes, "a.h5"); });
  core::Bytes newer = encode_shard(sample(), Compression::kNone);
  seal(newer, {"srpo-replay", 4});
  expect_error(ErrorKind::kBadFile,
               "a.h5 is of format 'srpo-replay 4' (this program reads srpo-replay 1..3)",
               [&] { decode_shard(newer, "a.h5"); });
  expect_error(ErrorKind::kBadFile, "attributes say format 'srpo-replay' version 9",
               [] { decode_shard(forged([](ColumnMap&) {}, "srpo-replay", 9), "a.h5"); });
  expect_error(ErrorKind::kBadFile, "cannot open /nowhere/a.h5",
               [] { read_shard("/nowhere/a.h5"); });
}

TEST(ReplayShard, NamesTheDatasetThatContradictsTheOthers) {
  expect_refused("a.h5: dataset trajectories/use is missing",
                 [](ColumnMap& c) { c.erase("trajectories/use"); });
  expect_refused("a.h5: dataset trees/slot holds float32 (expected uint32)",
                 [](ColumnMap& c) { c["trees/slot"] = std::vector<float>(19); });
  expect_refused("a.h5: dataset trees/slot has 4 rows",
                 [](ColumnMap& c) { column<uint32_t>(c, "trees/slot").resize(4); });
  expect_refused("a.h5: dataset trees/slot has 23 rows (expected 19)",
                 [](ColumnMap& c) { column<uint32_t>(c, "trees/slot").resize(23); });
  expect_refused("dataset trajectories/tokens/offsets gives row 1 the range",
                 [](ColumnMap& c) {
                   column<uint64_t>(c, "trajectories/tokens/offsets")[2] = 1ULL << 60;
                 });
  expect_refused("dataset trajectories/tokens/offsets gives row", [](ColumnMap& c) {
    column<int32_t>(c, "trajectories/tokens/values").resize(7);
  });
  expect_refused("use=77 (expected 0..4)",
                 [](ColumnMap& c) { column<uint8_t>(c, "trajectories/use")[0] = 77; });
  expect_refused("dataset trajectories/tree gives row 2 to tree 1 (expected 0)",
                 [](ColumnMap& c) { column<uint32_t>(c, "trajectories/tree")[2] = 1; });
  expect_refused("dataset trajectories/", [](ColumnMap& c) {
    column<uint32_t>(c, "trees/num_fresh")[0] = 4000000000U;
  });
  expect_refused("its trees have digest", [](ColumnMap&) {});
  expect_error(
      ErrorKind::kBadFile, "holds 19 trees (its attribute num_trees says 20)",
      [] { decode_shard(forged([](ColumnMap&) {}, "srpo-replay", 3, 20), "a.h5"); });
}

TEST(ReplayShard, LeavesNoDraftWhereItFindsNoRoom) {
  const test::ScratchFolder folder;
  std::filesystem::create_directory(folder / "full");
  EXPECT_THROW(write_shard("/dev/full/x.h5", sample(), Compression::kNone), core::Error);
  EXPECT_THROW(write_shard(folder / "absent" / "x.h5", sample(), Compression::kNone),
               core::Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "full"));
}

}  // namespace
}  // namespace srpo::storage
