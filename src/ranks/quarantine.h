// Files that reproduce what killed its workers: run folder/quarantine/<sequence>.json.
#pragma once

#include <filesystem>
#include <vector>

#include "ranks/run_config.h"
#include "scheduler/commands.h"

namespace srpo::ranks {

/// The problem, its prompt in tokens, sampling and limits, where and how it failed.
/// Returns the file.
std::filesystem::path save_quarantine(const std::filesystem::path& run_folder,
                                      const scheduler::commands::Quarantine& quarantine,
                                      const std::vector<int>& ranks,
                                      const RunConfig& config);

}  // namespace srpo::ranks
