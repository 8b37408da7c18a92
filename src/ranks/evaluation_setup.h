// What an evaluation is about to do: read and checked by rank 0 before any work.
#pragma once

#include <string>
#include <vector>

#include "evaluation/evaluation_config.h"
#include "evaluation/task_file.h"
#include "ranks/run_config.h"
#include "ranks/weight_sync.h"

namespace srpo::ranks {

struct EvaluationOptions {
  std::string job_file;
  std::vector<std::string> assignments;  ///< `key=value`, laid over the job
};

/// Which ranks draw and which judge. Rank 0 leads.
struct EvaluationLayout {
  std::vector<int> generators;
  std::vector<int> verifiers;

  /// `verifiers` 0: rank 0 with fewer than four ranks, else one rank in eight. Throws
  /// kBadConfig when no rank is left to draw.
  static EvaluationLayout plan(int size, uint32_t verifiers);
};

struct EvaluationSetup {
  RunConfig run;
  evaluation::EvaluationConfig evaluation;
  std::vector<std::vector<evaluation::TaskItem>> items;  ///< of each task
  WeightUpdate weights;      ///< the adapter's; empty for none
  std::string resolved_job;  ///< with all defaults
  std::string worker_job;

  /// Throws kBadConfig or kBadFile, before anything was written.
  static EvaluationSetup read(const EvaluationOptions& options);

  size_t num_samples() const;
};

}  // namespace srpo::ranks
