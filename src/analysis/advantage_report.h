// How advantages lie: by group, by what a group's rewards were, by place and by length.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "analysis/run_identity.h"
#include "analysis/statistics.h"
#include "analysis/table.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// Advantages of the chains of some groups.
struct AdvantageSide {
  Moments advantage;  ///< zero ones included
  Mean size;          ///< |A|
  Proportion zero;    ///< chains that teach nothing
  Proportion positive;
  Proportion negative;
  Correlation with_length;  ///< of A and active tokens, chains with A != 0
  Histogram values{-4, 4, 32};
  std::vector<Moments> places = std::vector<Moments>(16);  ///< by place in launch order
  /// Groups by (chains, chains of reward 1); graded rewards count as 0 here.
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> compositions;
  uint64_t groups = 0;
};

/// Constant memory but for a row a step.
struct AdvantageReport {
  explicit AdvantageReport(RunIdentity of = {}) : identity(std::move(of)) {}

  RunIdentity identity;
  AdvantageSide base;
  AdvantageSide suffix;
  struct Step {
    Moments advantage;
    Proportion zero_base;
    Proportion zero_suffix;
  };
  std::map<uint32_t, Step> steps;

  void add(const records::RolloutTree& tree);
};

/// `advantages`, `groups` (by how many of them succeed), `values`, `places`, and with
/// `per_step` also `steps`.
std::vector<Table> advantage_tables(const AdvantageReport& report, bool per_step);

/// The histogram of advantages that are not 0.
std::string advantage_svg(const AdvantageReport& report, const std::string& name);

}  // namespace srpo::analysis
