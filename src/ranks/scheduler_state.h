// What the scheduler remembers beside a checkpoint: run folder/scheduler/<checkpoint>.
#pragma once

#include <filesystem>
#include <vector>

#include "ranks/checkpoint_folder.h"
#include "ranks/run_config.h"
#include "scheduler/progress.h"

namespace srpo::ranks {

/// Whether a run of this schedule cannot be gone on from progress and shards alone.
bool needs_state(const Schedule& schedule);

void save_scheduler_state(const std::filesystem::path& run_folder,
                          const scheduler::Progress& progress,
                          const scheduler::SchedulerState& state);

/// An empty state when none is needed. Throws kBadFile when the file is missing or torn.
scheduler::SchedulerState load_scheduler_state(const std::filesystem::path& run_folder,
                                               const scheduler::Progress& progress,
                                               bool needed);

/// Those whose checkpoint is not among `kept`.
void remove_old_scheduler_states(const std::filesystem::path& run_folder,
                                 const std::vector<CheckpointFolder>& kept);

}  // namespace srpo::ranks
