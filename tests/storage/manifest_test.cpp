#include "storage/manifest.h"

#include <thread>

#include "core/files.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using test::expect_error;

ManifestEntry entry(uint32_t number, const std::string& writer = "") {
  ManifestEntry entry;
  entry.number = number;
  entry.writer = writer;
  entry.mark = {1000 + number, 0xdeadbeef};
  entry.keys = {{number, 0, false}, {number, 1, true}};
  entry.num_trees = 2;
  entry.first_step = entry.last_step = number;
  return entry;
}

TEST(Manifest, ListsWhatWasAppended) {
  const test::ScratchFolder folder;
  for (uint32_t i = 0; i < 3; ++i) Manifest(folder.path(), "run").append(entry(i));
  const Manifest manifest(folder.path(), "run");
  ASSERT_EQ(manifest.entries().size(), 3U);
  EXPECT_EQ(manifest.entries()[2].name(), "shard-000002.h5");
  EXPECT_EQ(manifest.find("shard-000001.h5")->keys, entry(1).keys);
  EXPECT_EQ(manifest.find("shard-000001.h5")->mark, entry(1).mark);
  EXPECT_EQ(manifest.find("shard-000003.h5"), nullptr);
  EXPECT_EQ(entry(7, "w_1").name(), "shard-w_1-000007.h5");
  expect_error(ErrorKind::kBadFile, "belongs to another run",
               [&] { Manifest(folder.path(), "other"); });
}

TEST(Manifest, TellsWhatBecameOfShards) {
  const test::ScratchFolder folder;
  {
    Manifest manifest(folder.path(), "run");
    for (uint32_t i = 0; i < 5; ++i) manifest.append(entry(i));
    manifest.quarantine("shard-000000.h5", "bytes that are no UTF-8: \xff");
    manifest.retire("shard-000001.h5");
    ManifestEntry merged = entry(5);
    merged.replaces = {"shard-000002.h5", "shard-000003.h5"};
    manifest.append(merged);
    manifest.drop({{9, 4, false}, "its worker died three times"});
    manifest.lose_records("journal-000006.wal", 2, "damaged");
    manifest.append(entry(0));  // made again
  }
  const ManifestContent content = read_manifest(folder / kManifestName, {false, {}});
  const auto state = [&](uint32_t i) { return content.find(shard_name(i))->state; };
  EXPECT_EQ(state(0), ShardState::kLive);
  EXPECT_EQ(state(1), ShardState::kRetired);
  EXPECT_EQ(state(2), ShardState::kReplaced);
  EXPECT_EQ(state(3), ShardState::kReplaced);
  EXPECT_EQ(state(4), ShardState::kLive);
  EXPECT_EQ(content.entries.size(), 6U);
  EXPECT_EQ(content.dropped.at({9, 4, false}), "its worker died three times");
  EXPECT_EQ(content.num_lost_records, 2U);
  EXPECT_TRUE(content.entries[4].keys.empty());
  EXPECT_EQ(keys_of(folder / kManifestName, content.entries[4]), entry(4).keys);
  EXPECT_EQ(keys_of(folder / kManifestName, content.entries[0]), entry(0).keys);
}

TEST(Manifest, TakesOverWhatAnotherWriterAppends) {
  const test::ScratchFolder folder;
  Manifest first(folder.path(), "run");
  Manifest second(folder.path(), "run");
  first.append(entry(0));
  EXPECT_EQ(second.refresh(), 0U);
  second.append(entry(0, "b"));
  EXPECT_EQ(first.refresh(), 1U);
  EXPECT_EQ(first.entries().size(), 2U);
  EXPECT_EQ(read_manifest(folder / kManifestName).entries.size(), 2U);
}

TEST(Manifest, CutsATornLastLineOff) {
  const test::ScratchFolder folder;
  {
    Manifest manifest(folder.path(), "run");
    manifest.append(entry(0));
    manifest.append(entry(1));
  }
  const auto path = folder / kManifestName;
  const std::string whole = core::read_file(path);
  const size_t second_line = whole.find('\n', whole.find('\n') + 1) + 1;
  for (size_t size = second_line; size < whole.size(); ++size) {
    core::write_file(path, whole.substr(0, size));
    EXPECT_EQ(read_manifest(path).entries.size(), 1U);
    Manifest manifest(folder.path(), "run");
    manifest.append(entry(1));
    EXPECT_EQ(core::read_file(path), whole);
  }
}

TEST(Manifest, NamesTheLineThatIsNone) {
  const test::ScratchFolder folder;
  { Manifest(folder.path(), "run").append(entry(0)); }
  const auto path = folder / kManifestName;
  const std::string good = core::read_file(path);
  for (const std::string bad : {"{", "[]", "{\"shard\":1}", "\xff", "null"}) {
    core::write_file(path, good + bad + "\n" + good);
    expect_error(ErrorKind::kBadFile, "MANIFEST.jsonl:3: ", [&] { read_manifest(path); });
  }
}

TEST(Manifest, NoticesEveryFlippedBitAndKeepsItsOtherLines) {
  const test::ScratchFolder folder;
  {
    Manifest manifest(folder.path(), "run");
    manifest.append(entry(0));
    manifest.append(entry(1));
  }
  const auto path = folder / kManifestName;
  const std::string good = core::read_file(path);
  const size_t begin = good.find('\n') + 1;
  const size_t end = good.find('\n', begin);
  for (size_t at = begin; at < end; ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    core::write_file(path, bad);
    Manifest manifest(folder.path(), "run");
    EXPECT_EQ(manifest.find("shard-000000.h5"), nullptr) << at;
    ASSERT_NE(manifest.find("shard-000001.h5"), nullptr) << at;
    EXPECT_EQ(read_manifest(path).entries.size(), 1U);
    EXPECT_EQ(core::read_file(folder / "quarantine/MANIFEST.jsonl.bad"), bad);
    std::filesystem::remove_all(folder / "quarantine");
  }
}

TEST(Manifest, PutsAFutureVersionAsideAndStartsAnew) {
  const test::ScratchFolder folder;
  core::write_file(
      folder / kManifestName,
      "{\"format\":\"srpo-manifest\",\"version\":3,\"job_digest\":\"run\"}\n");
  expect_error(ErrorKind::kBadFile, "version 3 (this program reads srpo-manifest 1..2)",
               [&] { read_manifest(folder / kManifestName); });
  Manifest manifest(folder.path(), "run");
  manifest.append(entry(0));
  EXPECT_EQ(read_manifest(folder / kManifestName).entries.size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(folder / "quarantine/MANIFEST.jsonl.bad.txt"));
}

TEST(Manifest, RefusesANameThatLeadsElsewhere) {
  const test::ScratchFolder folder;
  std::string forged =
      "{\"shard\":0,\"name\":\"../../../passwd\",\"bytes\":1,\"crc32c\":1,"
      "\"num_trees\":0,\"first_step\":0,\"last_step\":0,\"trees\":[]}\n";
  core::write_file(folder / kManifestName, forged);
  expect_error(ErrorKind::kBadFile, "(expected shard-000000.h5)",
               [&] { read_manifest(folder / kManifestName); });
}

TEST(ManifestLock, WaitsForTheOtherWriter) {
  const test::ScratchFolder folder;
  auto first = std::make_unique<ManifestLock>(folder.path());
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    first.reset();
  });
  const ManifestLock second(folder.path());
  other.join();
  EXPECT_EQ(first, nullptr);
}

}  // namespace
}  // namespace srpo::storage
