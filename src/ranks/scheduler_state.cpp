#include "ranks/scheduler_state.h"

#include <algorithm>
#include <span>

#include "core/archive.h"
#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"

namespace srpo::ranks {
namespace {

constexpr const char* kFolder = "scheduler";

}  // namespace

bool needs_state(const Schedule& schedule) {
  return schedule.mode == scheduler::Mode::kAsync || schedule.curriculum.pool_factor > 1;
}

void save_scheduler_state(const std::filesystem::path& run_folder,
                          const scheduler::Progress& progress,
                          const scheduler::SchedulerState& state) {
  const core::Bytes content = core::to_bytes(state);
  const core::Bytes file = core::to_bytes(std::make_pair(core::crc32c(content), content));
  std::filesystem::create_directories(run_folder / kFolder);
  core::write_file(run_folder / kFolder / checkpoint_name(progress),
                   std::span<const std::byte>(file));
}

scheduler::SchedulerState load_scheduler_state(const std::filesystem::path& run_folder,
                                               const scheduler::Progress& progress,
                                               bool needed) {
  if (!needed) return {};
  const auto path = run_folder / kFolder / checkpoint_name(progress);
  const std::string text = core::read_file(path);
  try {
    const auto [crc, content] = core::from_bytes<std::pair<uint32_t, core::Bytes>>(
        std::as_bytes(std::span(text)));
    REQUIRE(crc == core::crc32c(content), kBadFile, "its checksum does not hold");
    return core::from_bytes<scheduler::SchedulerState>(content);
  } catch (const core::Error& error) {
    throw core::Error(core::ErrorKind::kBadFile,
                      path.string() + " is not a scheduler's state: " + error.what());
  }
}

void remove_old_scheduler_states(const std::filesystem::path& run_folder,
                                 const std::vector<CheckpointFolder>& kept) {
  std::error_code none;
  for (const auto& entry :
       std::filesystem::directory_iterator(run_folder / kFolder, none)) {
    const bool is_kept = std::any_of(kept.begin(), kept.end(), [&](const auto& each) {
      return each.path.filename() == entry.path().filename();
    });
    if (!is_kept) std::filesystem::remove(entry.path(), none);
  }
}

}  // namespace srpo::ranks
