#include "ranks/checkpoint_folder.h"

#include <algorithm>
#include <cstdio>

namespace srpo::ranks {

std::string checkpoint_name(const scheduler::Progress& progress) {
  char name[64];
  std::snprintf(name, sizeof name, "warm%06u_step%06u", progress.demonstration_batches,
                progress.steps);
  return name;
}

std::vector<CheckpointFolder> list_checkpoints(const std::filesystem::path& folder) {
  std::vector<CheckpointFolder> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    scheduler::Progress progress;
    const std::string name = entry.path().filename();
    if (std::sscanf(name.c_str(), "warm%u_step%u", &progress.demonstration_batches,
                    &progress.steps) == 2 &&
        name == checkpoint_name(progress)) {
      found.push_back({entry.path(), progress});
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::make_pair(a.progress.steps, a.progress.demonstration_batches) >
           std::make_pair(b.progress.steps, b.progress.demonstration_batches);
  });
  return found;
}

void remove_old_checkpoints(const std::filesystem::path& folder, size_t keep) {
  const auto checkpoints = list_checkpoints(folder);
  for (size_t i = keep; i < checkpoints.size(); ++i) {
    std::filesystem::remove_all(checkpoints[i].path);
  }
}

}  // namespace srpo::ranks
