// status.json: how a run stands, for scripts and for the next start.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace srpo::ranks {

struct RunStatus {
  std::string state;   ///< "running", "complete", "stopped" or "failed"
  std::string reason;  ///< of "stopped" and "failed"
  uint64_t steps = 0;
  uint64_t accepted = 0;  ///< recorded problems, validation included
  uint64_t dropped = 0;
};

void save_status(const std::filesystem::path& path, const RunStatus& status);
/// Nothing where there is no such file, or none that can be read.
std::optional<RunStatus> load_status(const std::filesystem::path& path);

}  // namespace srpo::ranks
