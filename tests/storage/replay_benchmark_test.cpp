#include "storage/replay_benchmark.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "core/files.h"
#include "storage/replay_reader.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

/// Kilobytes of this process that are in memory.
long resident() {
  std::ifstream file("/proc/self/statm");
  long all = 0;
  long in_memory = 0;
  file >> all >> in_memory;
  return in_memory * 4;
}

/// SRPO_REPLAY_TRAJECTORIES asks for a larger folder.
ReplayBenchmarkOptions asked_options() {
  ReplayBenchmarkOptions options;
  options.trees = 600;
  options.tokens_per_chain = 100;
  options.shard_trees = 32;
  if (const char* asked = std::getenv("SRPO_REPLAY_TRAJECTORIES")) {
    options.trees = static_cast<uint32_t>(std::atoi(asked)) / options.chains_per_tree;
    options.shard_trees = 256;
  }
  return options;
}

TEST(ReplayBenchmark, MeasuresAndTheReaderNeedsTheMemoryOfOneShard) {
  const test::ScratchFolder scratch;
  const char* place = std::getenv("SRPO_REPLAY_FOLDER");
  const std::filesystem::path folder = place == nullptr ? scratch / "b" : place;
  const ReplayBenchmark result = measure_replay(folder, asked_options());
  std::printf(
      "%llu trajectories: append %.1f MB/s, plain writes and syncs %.1f MB/s "
      "(share %.2f), seal %.2f s, read %.1f MB/s (%.0f trajectories/s), "
      "recovery %.3f s\n",
      static_cast<unsigned long long>(result.trajectories),
      result.append_megabytes_per_second(), result.raw_megabytes_per_second(),
      result.append_share(), result.seal_seconds, result.read_megabytes_per_second(),
      static_cast<double>(result.trajectories) / result.read_seconds,
      result.recover_seconds);
  EXPECT_GT(result.append_share(), 0);
  ReplayReader reader(folder / "replay");
  long early = 0;
  long most = 0;
  for (uint64_t count = 0; reader.next(); ++count) {
    if (count % 50 != 0) continue;
    if (count <= result.trajectories / 36) early = std::max(early, resident());
    most = std::max(most, resident());
  }
  std::printf("reader: %ld kB in its first quarter, %ld kB at most\n", early, most);
  EXPECT_LT(most, early + early / 4 + 8192);
  test::expect_error(core::ErrorKind::kBadInput, "is not empty",
                     [&] { measure_replay(folder); });
}

}  // namespace
}  // namespace srpo::storage
