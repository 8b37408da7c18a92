// One pass over all trees of a run, counted by step.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analysis/statistics.h"
#include "records/rollout_tree.h"
#include "storage/replay_reader.h"
#include "storage/replay_source.h"

namespace srpo::analysis {

/// What some trees add up to.
struct Tally {
  uint64_t training_trees = 0;
  uint64_t validation_trees = 0;
  std::array<uint64_t, 5> uses{};      ///< trajectories by records::Use
  std::array<uint64_t, 4> finishes{};  ///< training trajectories by records::FinishReason
  std::array<uint64_t, 7> verdicts{};  ///< training trajectories by records::VerdictKind
  std::array<uint64_t, 4> parse_statuses{};   ///< localizations by records::ParseStatus
  std::map<uint32_t, Proportion> validation;  ///< correct answers by policy version
  Mean base_reward;                           ///< over trajectories of the base groups
  Mean suffix_reward;                         ///< over endings
  Mean reset_gain;  ///< over trees with a reset: mean reward of the endings - mean reward
                    ///< of the base group
  Proportion flat_base_groups;  ///< groups whose rewards are all equal
  Proportion flat_suffix_groups;
  Mean thoughts;  ///< in a training trajectory, kept ones included
  Mean chosen_thought;
  Mean kept_fraction;   ///< of the failed chain's tokens
  Mean sampled_length;  ///< tokens of a training trajectory behind its kept prefix
  uint64_t max_sampled_length = 0;
  uint64_t decoded_tokens = 0;
  uint64_t prefilled_tokens = 0;
  uint64_t localization_tokens = 0;  ///< sampled for replies

  void add(const records::RolloutTree& tree);
  void merge(const Tally& other);
  uint64_t resets() const;
  uint64_t training_trajectories() const;
};

/// Rewards of the base group, and of the endings.
std::vector<double> base_rewards(const records::RolloutTree& tree);
std::vector<double> suffix_rewards(const records::RolloutTree& tree);

struct RunScan {
  std::filesystem::path replay;
  std::map<uint32_t, Tally> steps;
  std::map<uint32_t, std::set<uint32_t>> training_slots;  ///< by step
  std::vector<storage::DamagedFile> damaged;
  std::string job_digest;
  std::optional<storage::ReplayMetadata> metadata;  ///< as the shards say
  uint64_t num_lost_trees = 0;                      ///< in shards that cannot be read
  uint64_t num_lost_records = 0;                    ///< of damaged journals
  uint64_t num_retired = 0;   ///< trees that replay.keep has removed
  uint64_t num_dropped = 0;   ///< problems that the run gave up
  uint64_t num_repeated = 0;  ///< keys that stand in two shards
  uint64_t num_from_journal = 0;
  uint64_t num_shards = 0;

  Tally total() const;
};

using storage::replay_folder_of;

/// Is shown each tree, and the reader that it came from.
using TreeVisitor =
    std::function<void(const records::RolloutTree&, const storage::ReplayReader&)>;

/// Reads the whole run in the memory of one shard.
RunScan scan_run(const std::filesystem::path& run, const TreeVisitor& visit = {});

}  // namespace srpo::analysis
