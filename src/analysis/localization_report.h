// How well wrong steps were named, as far as the right ones are known (method §7.2).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/known_steps.h"
#include "analysis/statistics.h"
#include "analysis/table.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// Resets whose named thought lies so many behind the first wrong one.
struct DeviationBin {
  uint64_t resets = 0;
  Proportion endings;      ///< of reward 1
  Proportion any_success;  ///< resets with at least one such ending
  Mean kept;               ///< fraction of the failed chain

  void add(const records::RolloutTree& tree);
  void merge(const DeviationBin& other);
};

/// Of one localizer.
struct LocalizerRow {
  uint64_t resets = 0;
  std::array<uint64_t, 4> statuses{};  ///< by records::ParseStatus
  Mean reply_tokens;
  Mean seconds;
  Mean thought;
  Mean thoughts;     ///< of the failed chain
  Mean position;     ///< named thought / thoughts
  Proportion first;  ///< named thought 1
  Proportion exact;  ///< of those whose first wrong thought is known
  Proportion within_1;
  Proportion within_2;
  Mean chance;             ///< how often a uniform draw would be exact
  DeviationBin clean;      ///< keeps no wrong thought: deviation <= 0
  DeviationBin erroneous;  ///< keeps one: deviation > 0
};

inline constexpr int kFarthest = 4;  ///< deviations beyond it share a bin

/// Constant memory.
struct LocalizationReport {
  /// `known`: borrowed. `min_words`: thoughts of fewer words do not count as steps
  /// between the named and the wrong one; 5 is the paper's eff5, 0 counts all.
  explicit LocalizationReport(const KnownSteps& known, uint32_t min_words = 0)
      : known_(&known), min_words_(min_words) {}

  LocalizerRow total;
  std::map<std::string, LocalizerRow> localizers;
  std::array<DeviationBin, 2 * kFarthest + 1> deviations;  ///< <= -4, -3 ... 3, >= 4
  std::array<Histogram, 2> positions = {Histogram(0, 1, 20), Histogram(0, 1, 20)};
  ///< named thought / thoughts; first wrong thought / thoughts
  uint64_t from_file = 0;  ///< lines of the file of known steps

  void add(const records::RolloutTree& tree);

 private:
  void add_to(LocalizerRow& row, const records::RolloutTree& tree) const;

  const KnownSteps* known_;
  uint32_t min_words_;
};

/// `localizers`, `parse`, `agreement`, `clean_or_erroneous`, `deviations`, `positions`;
/// Wilson 95 % intervals. The endings of a reset are counted as independent, which they
/// are not: intervals of `endings` are too narrow, those of `any_success` are not.
std::vector<Table> localization_tables(const LocalizationReport& report);

/// Success of the endings by deviation; by position when no wrong step is known.
std::string localization_svg(const LocalizationReport& report, const std::string& name);

}  // namespace srpo::analysis
