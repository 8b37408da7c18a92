// A run folder with synthetic trees in shards and journal.
#pragma once

#include <filesystem>
#include <vector>

#include "storage/replay_writer.h"
#include "support/random_trees.h"

namespace srpo::test {

/// Fills `run`/replay with a run of seed 7; what does not fill a shard stays in the
/// journal. Returns its trees.
inline std::vector<records::RolloutTree> record_run(const std::filesystem::path& run,
                                                    uint32_t steps, uint32_t slots,
                                                    uint32_t validations,
                                                    uint32_t shard_trees) {
  const std::vector<records::RolloutTree> trees =
      RandomTrees(7).run(steps, slots, validations);
  storage::ReplayWriter writer(run / "replay", {shard_trees, storage::Compression::kNone},
                               {"run: {}\n", "0123456789abcdef", 7, "feedbeef"});
  writer.accept(std::span(trees));
  return trees;
}

}  // namespace srpo::test
