// What a step gave, in numbers: for the progress lines, the metrics file and the end of a
// run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/deadline.h"
#include "learner/learner.h"
#include "records/rollout_tree.h"

namespace srpo::ranks {

/// Sums over the trees of one step.
struct DrawStatistics {
  uint64_t trees = 0;
  uint64_t trajectories = 0;
  uint64_t resets = 0;
  uint64_t decoded_tokens = 0;
  uint64_t prefilled_tokens = 0;
  uint64_t reset_prefill_tokens =
      0;                   ///< computed again for endings; 0 when every cache was forked
  double base_reward = 0;  ///< sum over base chains
  uint64_t base_chains = 0;
  double suffix_reward = 0;
  uint64_t suffix_chains = 0;
  double reset_gain = 0;  ///< sum over trees with a reset and a base group: mean suffix
                          ///< reward - mean base reward
  uint64_t compared_resets = 0;  ///< those trees

  void add(const records::RolloutTree& tree);
  void merge(const DrawStatistics& other);
  double mean_base_reward() const {
    return base_chains == 0 ? 0 : base_reward / static_cast<double>(base_chains);
  }
  double mean_suffix_reward() const {
    return suffix_chains == 0 ? 0 : suffix_reward / static_cast<double>(suffix_chains);
  }
  double mean_reset_gain() const {
    return compared_resets == 0 ? 0 : reset_gain / static_cast<double>(compared_resets);
  }
};

/// Seconds spent in each stage of a run, in the order of first use.
class StageClock {
 public:
  /// Ends the current stage and starts another.
  void enter(const std::string& stage);
  double seconds(const std::string& stage) const;
  /// The current stage; "" between stages.
  const std::string& name() const { return stage_; }
  /// Of the current stage, so far.
  double current() const { return watch_.seconds(); }
  std::vector<std::pair<std::string, double>> all() const;

 private:
  std::string stage_;
  core::Stopwatch watch_;
  std::vector<std::pair<std::string, double>> seconds_;
};

/// One JSON line of metrics.
std::map<std::string, double> step_metrics(const DrawStatistics& drawn,
                                           const learner::StepStats& trained,
                                           double draw_seconds);

}  // namespace srpo::ranks
