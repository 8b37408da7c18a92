// Recorded trees and trajectories as training data for another run.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "records/rollout_tree.h"
#include "storage/replay_reader.h"

namespace srpo::storage {

/// Which trajectories are wanted.
struct ReplayFilter {
  uint32_t first_step = 0;
  uint32_t last_step = ~uint32_t{0};
  double min_reward = 0;
  bool validation = false;  ///< also those that measured the policy
  bool surplus = true;      ///< also those that were drawn and not trained
};

/// A trajectory with what it answers.
struct RecordedTrajectory {
  records::Problem problem;
  std::vector<int32_t> prompt_tokens;
  records::Trajectory chain;
};

/// The replay folder of a run folder, or the folder itself when it is one. Throws
/// kBadInput when it is neither.
std::filesystem::path replay_folder_of(const std::filesystem::path& run);

/// Streams in the memory of one shard, each tree once. Thread-compatible.
class ReplaySource {
 public:
  /// `run`: a run folder, or a replay folder. Throws kBadInput when it is neither.
  explicit ReplaySource(const std::filesystem::path& run,
                        const ReplayFilter& filter = {});

  /// The next tree within the steps of the filter, or nothing at the end.
  std::optional<records::RolloutTree> next_tree();
  /// The next trajectory that the filter wants, or nothing at the end.
  std::optional<RecordedTrajectory> next_trajectory();

  /// What could not be read, so far.
  const std::vector<DamagedFile>& damaged() const { return reader_.damaged(); }
  /// Digest of the tokenizer whose ids the tokens are; empty before a shard was read.
  std::string tokenizer_digest() const {
    return reader_.metadata() ? reader_.metadata()->tokenizer_digest : "";
  }

 private:
  ReplayFilter filter_;
  ReplayReader reader_;
  std::deque<RecordedTrajectory> pending_;
};

/// The training trees of a run by step, in slot order: an algorithm goes through them as
/// the run did, without drawing anything. Random access by the manifest; memory: the
/// keys, and the shard that was read last. Thread-compatible.
class RecordedSteps {
 public:
  explicit RecordedSteps(const std::filesystem::path& run);

  /// Steps with a training tree, sorted.
  std::vector<uint32_t> steps() const;
  /// Throws kBadFile when a shard of the step is damaged, kBadInput when the run has no
  /// such step.
  std::vector<records::RolloutTree> of_step(uint32_t step);

 private:
  std::filesystem::path folder_;
  std::map<uint32_t, std::set<std::string>> shards_;  // by step
  std::map<uint32_t, std::map<uint32_t, records::RolloutTree>> unsealed_;
  std::string cached_name_;
  std::vector<records::RolloutTree> cached_;
};

}  // namespace srpo::storage
