// The checkpoints of a run on disk: their names, their order, how many are kept.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scheduler/commands.h"

namespace srpo::ranks {

struct CheckpointFolder {
  std::filesystem::path path;
  scheduler::Progress progress;
};

/// `warm000300_step000008`
std::string checkpoint_name(const scheduler::Progress& progress);

/// Newest first; other entries of the folder are left out.
std::vector<CheckpointFolder> list_checkpoints(const std::filesystem::path& folder);

/// Remembers how good the policy of a step is, for remove_old_checkpoints().
void record_score(const std::filesystem::path& folder, uint32_t step, double score);

/// Keeps the newest `keep`, and the `keep_best` whose steps have the highest scores (the
/// newer one of equals).
void remove_old_checkpoints(const std::filesystem::path& folder, size_t keep,
                            size_t keep_best = 0);

}  // namespace srpo::ranks
