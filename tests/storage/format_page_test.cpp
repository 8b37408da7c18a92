// The page that describes a shard, held against a shard.
#include <cstdio>
#include <cstdlib>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "core/files.h"
#include "storage/replay_shard.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

ReplayShard sample() {
  ReplayShard shard;
  shard.metadata = {"run: {}\n", "0123456789abcdef", 42, "feedbeef"};
  shard.trees = test::RandomTrees(5).run(2, 6, 3);
  return shard;
}

TEST(FormatPage, ListsExactlyTheDatasetsOfAShard) {
  const std::string page = core::read_file(SRPO_SOURCE_DIR "/src/storage/FORMAT.md");
  const std::regex row(R"(\n\| `((trees|trajectories|localizations)/[a-z0-9_/]+)` \|)");
  std::set<std::string> described;
  for (std::sregex_iterator at(page.begin(), page.end(), row), end; at != end; ++at)
    described.insert((*at)[1]);
  const std::vector<std::string> list =
      Hdf5File::open("a.h5", encode_shard(sample(), Compression::kNone)).datasets();
  EXPECT_EQ(described, std::set<std::string>(list.begin(), list.end()));
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  char part[4096];
  while (pipe != nullptr && fgets(part, sizeof part, pipe) != nullptr) output += part;
  const int status = pipe == nullptr ? -1 : pclose(pipe);
  return status == 0 ? output : "failed: " + output;
}

TEST(FormatPage, AShardIsReadByTheToolsOfHdf5) {
  if (std::system("command -v h5dump > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "h5dump is not installed (hdf5-tools)";
  const test::ScratchFolder folder;
  for (const Compression compression : {Compression::kNone, Compression::kGzip}) {
    const auto path = folder / "a.h5";
    write_shard(path, sample(), compression);
    const std::string attribute =
        output_of("h5dump -a /format " + path.string() + " 2>&1");
    EXPECT_NE(attribute.find("\"srpo-replay\""), std::string::npos) << attribute;
    const std::string steps =
        output_of("h5dump -d /trees/step " + path.string() + " 2>&1");
    EXPECT_NE(steps.find("H5T_STD_U32LE"), std::string::npos) << steps;
    EXPECT_NE(steps.find("SIMPLE { ( 18 ) / ( 18 ) }"), std::string::npos) << steps;
    EXPECT_NE(output_of("h5dump " + path.string() + " 2>&1").find("fresh"),
              std::string::npos);
  }
}

TEST(FormatPage, ItsPythonExampleRunsWhereH5pyIs) {
  if (std::system("python3 -c 'import h5py' > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "python3 has no h5py here";
  const std::string page = core::read_file(SRPO_SOURCE_DIR "/src/storage/FORMAT.md");
  const size_t begin = page.find("```python\n") + 10;
  const test::ScratchFolder folder;
  core::write_file(folder / "example.py",
                   page.substr(begin, page.find("```", begin) - begin));
  write_shard(folder / "shard-000000.h5", sample(), Compression::kGzip);
  const std::string output = output_of("cd " + folder.path().string() +
                                       " && python3 example.py shard-000000.h5 2>&1");
  EXPECT_NE(output.find("What is "), std::string::npos) << output;
  EXPECT_EQ(output.rfind("failed: ", 0), std::string::npos) << output;
}

}  // namespace
}  // namespace srpo::storage
