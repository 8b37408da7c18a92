// Resets of a run: where they went back to, what they kept, and what they gained.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/statistics.h"
#include "analysis/table.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// What the resets of some trees came to.
struct ResetRow {
  uint64_t trees = 0;     ///< training trees
  uint64_t resets = 0;    ///< of them, those that were gone back into
  Mean draws;             ///< fresh chains of a tree
  Mean thought;           ///< chosen, 1-based
  Mean position;          ///< chosen thought / thoughts of the failed chain, in (0, 1]
  Mean kept;              ///< tokens kept / tokens of the failed chain
  Proportion from_start;  ///< resets that keep nothing: four more fresh chains
  Mean base;              ///< rewards of the base chains of trees with a reset
  Mean suffix;            ///< rewards of the endings
  Moments gain;  ///< over resets: mean reward of the endings - mean of the base group
  Proportion flat_base;          ///< base groups without variance, all trees
  Proportion flat_suffix;        ///< suffix groups without variance
  Proportion flat_suffix_wrong;  ///< suffix groups that all have reward 0
  Proportion any_base;           ///< resets with a success in the base group
  Proportion any_suffix;         ///< resets with a success among the endings
  Proportion any;                ///< resets with a success in either
  Proportion rescued;  ///< of resets without a success in the base group: with one among
                       ///< the endings

  void add(const records::RolloutTree& tree);
};

/// Constant memory but for a row a step.
struct ResetReport {
  ResetRow total;
  std::map<uint32_t, ResetRow> steps;
  Histogram positions{0, 1, 20};     ///< chosen thought / thoughts (method §7.2)
  std::array<ResetRow, 10> by_kept;  ///< resets by kept fraction, tenths
  std::vector<uint64_t> thoughts = std::vector<uint64_t>(21, 0);  ///< 1..20, then more

  void add(const records::RolloutTree& tree);
};

/// `resets` (measures with intervals), `positions`, `thoughts`, `by_kept_fraction`, and
/// with `per_step` also `steps`.
std::vector<Table> reset_tables(const ResetReport& report, bool per_step);

/// The histogram of positions as a picture.
std::string reset_svg(const ResetReport& report, const std::string& name);

}  // namespace srpo::analysis
