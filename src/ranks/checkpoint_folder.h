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

/// Keeps the newest `keep`.
void remove_old_checkpoints(const std::filesystem::path& folder, size_t keep);

}  // namespace srpo::ranks
