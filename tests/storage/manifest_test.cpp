#include "storage/manifest.h"

#include "core/files.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using test::expect_error;

ManifestEntry entry(uint32_t number) {
  return {number, {1000 + number, 0xdeadbeef}, {{number, 0, false}, {number, 1, true}}};
}

TEST(Manifest, ListsWhatWasAppended) {
  const test::ScratchFolder folder;
  for (uint32_t i = 0; i < 3; ++i) Manifest(folder / "M").append(entry(i));
  const Manifest manifest(folder / "M");
  ASSERT_EQ(manifest.entries().size(), 3U);
  EXPECT_EQ(manifest.entries()[2].name(), "shard-000002.h5");
  EXPECT_EQ(manifest.find(1)->keys, entry(1).keys);
  EXPECT_EQ(manifest.find(1)->mark, entry(1).mark);
  EXPECT_EQ(manifest.find(3), nullptr);
}

TEST(Manifest, CutsATornLastLineOff) {
  const test::ScratchFolder folder;
  {
    Manifest manifest(folder / "M");
    manifest.append(entry(0));
    manifest.append(entry(1));
  }
  const std::string whole = core::read_file(folder / "M");
  const size_t first_line = whole.find('\n') + 1;
  for (size_t size = first_line; size < whole.size(); size += 5) {
    core::write_file(folder / "M", whole.substr(0, size));
    EXPECT_EQ(read_manifest(folder / "M").size(), 1U);
    Manifest manifest(folder / "M");
    manifest.append(entry(1));
    EXPECT_EQ(core::read_file(folder / "M"), whole);
  }
}

TEST(Manifest, NamesTheLineThatIsNone) {
  const test::ScratchFolder folder;
  { Manifest(folder / "M").append(entry(0)); }
  const std::string good = core::read_file(folder / "M");
  for (const std::string bad : {"{", "[]", "{\"shard\":1}", "\xff", "null"}) {
    core::write_file(folder / "M", good + bad + "\n" + good);
    expect_error(ErrorKind::kBadFile, "M:2: not a line of a manifest",
                 [&] { read_manifest(folder / "M"); });
  }
}

TEST(Manifest, RefusesANameThatLeadsElsewhere) {
  const test::ScratchFolder folder;
  { Manifest(folder / "M").append(entry(0)); }
  std::string forged = core::read_file(folder / "M");
  forged.replace(forged.find("shard-000000.h5"), 15, "../../../passwd");
  core::write_file(folder / "M", forged);
  expect_error(ErrorKind::kBadFile, "(expected shard-000000.h5)",
               [&] { read_manifest(folder / "M"); });
}

}  // namespace
}  // namespace srpo::storage
