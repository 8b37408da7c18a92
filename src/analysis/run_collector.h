// What a page shows of a run, gathered tree by tree in bounded memory.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/statistics.h"
#include "analysis/tree_sample.h"

namespace srpo::analysis {

/// A running mean with the 95 % interval of a normal distribution.
class Moments {
 public:
  void add(double value);
  void merge(const Moments& other);
  uint64_t count() const { return count_; }
  std::optional<double> mean() const;
  /// Half the interval, 1.96 x deviation / sqrt(n); nothing below two values.
  std::optional<double> half_width() const;

 private:
  uint64_t count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

/// Resets that went back to one thought.
struct ResetCell {
  uint64_t count = 0;
  double gain = 0;  ///< summed
};

/// The thoughts that are told apart; later ones are counted with the last.
inline constexpr size_t kMostThoughts = 24;

/// What the trees of one step, or of some neighbouring ones, come to.
struct StepTotals {
  uint64_t trees = 0;
  uint64_t trajectories = 0;
  Moments base;            ///< mean rewards of base groups, one a tree
  Moments suffix;          ///< of endings, one a tree
  Moments gain;            ///< their difference, one a tree
  Proportion flat_groups;  ///< base groups and endings whose rewards are all equal
  Mean thoughts;           ///< of a trajectory
  Mean length;             ///< tokens that were sampled for one
  Mean kept;               ///< share of the failed chain's tokens
  uint64_t resets = 0;
  uint64_t unclear_replies = 0;  ///< a localizer's reply without a number
  uint64_t decoded_tokens = 0;
  uint64_t prefilled_tokens = 0;
  std::array<uint64_t, 7> verdicts{};  ///< by records::VerdictKind
  std::array<uint64_t, 4> finishes{};  ///< by records::FinishReason
  std::vector<ResetCell> chosen;       ///< by thought - 1, at most kMostThoughts

  void add(const TreeDigest& tree);
  void merge(const StepTotals& other);
};

/// What one generator has drawn.
struct GeneratorTotals {
  uint64_t trajectories = 0;
  uint64_t tokens = 0;
  double seconds = 0;  ///< summed over trajectories, which overlap
};

struct CollectorLimits {
  size_t trees_per_outcome = 20;
  size_t newest_trees = 0;  ///< kept beside the sample
  size_t most_bins = 200;   ///< of a curve
  size_t most_heat_columns = 60;
  size_t text_bytes = 1500000;  ///< of all sampled trees together
};

/// Memory: some hundred bytes a step, and the sampled trees. Thread-compatible.
class RunCollector {
 public:
  explicit RunCollector(const CollectorLimits& limits = {});

  /// Whether add() would keep the text of a tree like this one.
  bool wants_text(const TreeDigest& tree) const { return sample_.wants(tree); }
  void add(TreeDigest tree);
  /// One line of metrics; lines of one step are laid over each other.
  void add_metrics(int64_t step, const std::map<std::string, double>& values);

  uint64_t num_trees() const { return num_trees_; }
  uint64_t num_trajectories() const { return num_trajectories_; }

  /// The parts of a run's document; docs/dashboard.md describes their fields.
  nlohmann::json totals() const;
  nlohmann::json steps() const;
  nlohmann::json validation() const;
  nlohmann::json resets() const;
  nlohmann::json metrics() const;
  nlohmann::json generators() const;
  nlohmann::json trees() const;

 private:
  std::vector<std::pair<uint32_t, StepTotals>> binned(size_t most, uint32_t* width) const;

  CollectorLimits limits_;
  std::map<uint32_t, StepTotals> steps_;
  std::map<uint32_t, Proportion> validation_;
  std::map<uint32_t, GeneratorTotals> generators_;
  std::map<int64_t, std::map<std::string, double>> metrics_;
  TreeSample sample_;
  uint64_t num_trees_ = 0;
  uint64_t num_trajectories_ = 0;
};

/// To five significant digits; null when it is not finite or absent.
nlohmann::json json_rounded(const std::optional<double>& value);

}  // namespace srpo::analysis
