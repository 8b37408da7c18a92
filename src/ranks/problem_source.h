// The problems of a run: which ones a step works on, and demonstrations for the warm
// start.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ranks/protocol.h"
#include "ranks/run_config.h"
#include "records/problem.h"
#include "records/rollout_tree.h"
#include "storage/replay_source.h"
#include "text/tokenizer.h"

namespace srpo::ranks {

/// Every answer is a pure function of the job: nothing is drawn as the run goes.
/// Thread-compatible.
class ProblemSource {
 public:
  /// Reads the files. Throws kBadFile naming file and line, kBadConfig for a source that
  /// gives no problem, or recorded tokens of another tokenizer.
  explicit ProblemSource(const RunConfig& config);

  size_t num_train() const { return train_.size(); }

  /// The problems of a step, in slot order: epochs in seeded order, one after another.
  std::vector<records::Problem> of_step(uint32_t step) const;
  const std::vector<records::Problem>& validation() const { return validation_; }

  /// The trees of a step as data.replay has recorded them, in slot order. Throws kBadFile
  /// when their shard is damaged.
  std::vector<records::RolloutTree> recorded_step(uint32_t step) const;

  /// A batch of the warm start: made by its task, or recorded trajectories that were good
  /// enough, in seeded order, one epoch after another.
  std::vector<Demonstration> demonstrations(uint32_t batch,
                                            const text::Tokenizer& tokenizer) const;

 private:
  std::vector<Demonstration> recorded_demonstrations(uint32_t batch) const;

  const RunConfig& config_;
  std::vector<records::Problem> train_;
  std::vector<records::Problem> validation_;
  std::unique_ptr<storage::RecordedSteps> steps_;  // of data.replay, when there is one
  std::vector<Demonstration> recorded_;  // of the warm start, when it has a replay
};

}  // namespace srpo::ranks
