// How strong the learning signal of a token was, in base and in suffix groups
// (method §4.6).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/curve_svg.h"
#include "analysis/run_identity.h"
#include "analysis/statistics.h"
#include "analysis/table.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// Signals g = |A| / T * (1 - p) of active tokens, p as sampled: the size of the loss's
/// derivative by the logit of the sampled token, up to constants.
struct SignalSide {
  Mean signal;      ///< over groups with a variance: mean over their chains with A != 0
  Mean advantage;   ///< |A|, over chains with A != 0
  Mean length;      ///< T, over the same
  Mean surprise;    ///< 1 - p, over their active tokens
  Proportion flat;  ///< groups without variance
  Proportion success;  ///< chains of reward 1

  void merge(const SignalSide& other);
};

struct SignalRow {
  SignalSide base;
  SignalSide suffix;
  Moments ratio;  ///< over problems with both: suffix signal / base signal
  /// Of the same problems: means of either, whose quotient is the paper's ratio.
  Mean both_base;
  Mean both_suffix;

  void merge(const SignalRow& other);
};

inline constexpr size_t kMostThoughts = 20;

/// Constant memory but for a row a step.
struct GradientReport {
  explicit GradientReport(RunIdentity of = {}) : identity(std::move(of)) {}

  RunIdentity identity;
  SignalRow total;
  std::map<uint32_t, SignalRow> steps;
  /// By place of the thought, 1 .. 20 and later: mean over its active tokens.
  std::vector<Mean> base_thoughts = std::vector<Mean>(kMostThoughts + 1);
  std::vector<Mean> suffix_thoughts = std::vector<Mean>(kMostThoughts + 1);

  void add(const records::RolloutTree& tree);

  /// Quotient of the means over problems with both; nothing when there are none.
  static std::optional<double> ratio_of(const SignalRow& row);
  /// Success of the endings with the step.
  std::optional<double> trend() const;
};

/// `signal`, `thoughts` and `steps`.
std::vector<Table> gradient_tables(const GradientReport& report);

/// Ratio of the signals by step.
std::string gradient_svg(const GradientReport& report, const std::string& name);

}  // namespace srpo::analysis
