// The recorded trajectories judged again by another verifier.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "analysis/table.h"

namespace srpo::analysis {

struct RescoreOptions {
  std::string verifier;  ///< a kind of verify/make_verifier.h; "": each problem's own
  uint64_t most_changes = 100;   ///< rows of the table of changes
  std::optional<uint32_t> step;  ///< only trees of this step
};

/// Three tables: `rewards` (old and new mean for each use), `verdicts` (how many of each
/// old verdict got each new one) and `changes` (the first trajectories whose reward
/// differs). Reads the shards in the memory of one; writes nothing. Throws kBadInput for
/// an unknown kind.
std::vector<Table> rescore_report(const std::filesystem::path& run,
                                  const RescoreOptions& options);

}  // namespace srpo::analysis
