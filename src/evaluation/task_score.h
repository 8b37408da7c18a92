// What a task's samples come to.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/correction_metrics.h"
#include "evaluation/evaluation_config.h"
#include "evaluation/exact_statistics.h"
#include "evaluation/sample.h"

namespace srpo::evaluation {

struct AtK {
  uint32_t k = 1;
  Estimate pass;      ///< unbiased, interval by bootstrap over items
  Estimate majority;  ///< the answer of most of k samples in a row is right
};

struct TaskScore {
  std::string name;
  std::string title;
  std::string kind;
  uint64_t items = 0;
  uint64_t samples = 0;         ///< all of them
  Estimate accuracy;            ///< mean over samples, bootstrap over items
  std::vector<double> by_seed;  ///< mean of each seed, in the job's order
  SeedMean over_seeds;
  std::vector<AtK> at_k;  ///< those k that every item has samples for
  std::map<std::string, analysis::Proportion> groups;
  std::map<std::string, uint64_t> verdicts;
  std::map<std::string, uint64_t> endings;  ///< why the last chain ended
  double mean_tokens = 0;                   ///< decoded for a sample, all attempts
  double mean_thoughts = 0;                 ///< of its last chain
  double mean_reward = 0;
  std::optional<CorrectionMetrics> correction;
};

/// `samples` of this task, in any order; all seeds of an item count for its pass@k.
/// `groups[item]` is the item's group. Throws kBadInput for none.
TaskScore score_task(const TaskConfig& task, const EvaluationConfig& config,
                     const std::vector<std::string>& groups, std::vector<Sample> samples);

/// maj@k: of blocks of k samples in a row, the share whose majority answer is right; a
/// rest of fewer than k is left out. No answer in a block is a wrong one. 1 <= k <=
/// number of samples.
double majority_at_k(const std::vector<std::string>& answers,
                     const std::vector<bool>& correct, uint32_t k);

}  // namespace srpo::evaluation
