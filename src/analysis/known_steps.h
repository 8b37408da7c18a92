// Which thought of a failed chain is known to be the first wrong one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "records/rollout_tree.h"

namespace srpo::analysis {

/// The first wrong thought (1-based) of each chain that somebody has judged: by a file,
/// or by recomputing it where the task allows that.
class KnownSteps {
 public:
  /// Only recomputed ones.
  KnownSteps() = default;
  /// JSON lines `{"step":3,"slot":5,"thought":2}`; other keys are ignored, thought 0
  /// (none is wrong, or not known) leaves the tree out. Memory: 16 bytes or so a line.
  /// Throws kBadFile naming file and line.
  static KnownSteps read(const std::filesystem::path& path);

  /// Of the failed chain of a tree: what the file says, or else what recompute gives.
  /// Nothing when neither knows.
  std::optional<uint32_t> first_wrong(const records::RolloutTree& tree) const;
  size_t num_from_file() const { return thoughts_.size(); }

 private:
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> thoughts_;  // by (step, slot)
};

/// The first wrong thought of the failed chain of a problem of the arithmetic task
/// (`12 +7 -5 *3`, one operation a thought), by doing the operations: a thought is right
/// when it begins with the operation that is due, on the right running value, and gives
/// the right result. A thought that jumps to the answer is right when that is the answer.
/// Nothing for other problems, and when every thought is right.
std::optional<uint32_t> recompute_first_wrong(const records::RolloutTree& tree);

}  // namespace srpo::analysis
