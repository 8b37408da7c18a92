// What a run's metrics file and summary say of time, read without trusting either.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace srpo::analysis {

/// Seconds of one step; of a step that was repeated after a crash, the last time counts.
struct StepTime {
  double draw_seconds = 0;
  double train_seconds = 0;
  double collective_seconds = 0;  ///< of train_seconds, waiting for other learners
  double trained_tokens = 0;      ///< that went through the learner, shared ones once
};

struct RankUse {
  uint32_t rank = 0;
  std::string role;
  double cpu_seconds = 0;
  double peak_megabytes = 0;
};

/// Memory: a row a step.
struct RunTimes {
  std::map<int64_t, StepTime> steps;  ///< 1-based: the step that ended
  double warm_start_seconds = 0;
  /// Of the start that ended last, in their order; empty until a run has ended.
  std::vector<std::pair<std::string, double>> stages;
  std::vector<RankUse> ranks;
  uint64_t num_lines = 0;
  uint64_t num_bad_lines = 0;       ///< of the metrics file: no JSON object with a step
  std::vector<std::string> unread;  ///< a sentence for each file that cannot be read

  double draw_seconds() const;
  double train_seconds() const;
  double collective_seconds() const;
  double trained_tokens() const;
  /// Nothing when the run has not ended, or had no such stage.
  std::optional<double> stage(const std::string& name) const;
  /// Sum of all stages; nothing when the run has not ended.
  std::optional<double> stage_total() const;
};

/// Reads metrics.jsonl and summary.json beside the replay folder, line by line; what is
/// absent is left empty. A torn last line (of a run that is writing) counts as bad.
RunTimes read_run_times(const std::filesystem::path& run);

}  // namespace srpo::analysis
