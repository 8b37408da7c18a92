// What a run does when its disk is full: it says so, begins nothing new, and tries again.
#include "ranks/checkpoint_folder.h"
#include "ranks/scheduler_rank.h"

namespace srpo::ranks {
namespace {

constexpr std::chrono::seconds kBetweenTries{1};

uint64_t size_of(const std::filesystem::path& folder) {
  uint64_t size = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file()) size += entry.file_size();
  return size;
}

}  // namespace

/// Runs `action` now, or again and again until it no longer throws kNoSpace; actions that
/// wait keep their order.
void SchedulerRank::when_there_is_room(std::function<void()> action) {
  if (!waiting_for_room_.empty()) {
    waiting_for_room_.push_back(std::move(action));
    return;
  }
  try {
    action();
  } catch (const core::Error& error) {
    if (error.kind() != core::ErrorKind::kNoSpace) throw;
    wait_for_room(std::move(action), error.what());
  }
}

void SchedulerRank::wait_for_room(std::function<void()> action,
                                  const std::string& message) {
  waiting_for_room_.push_back(std::move(action));
  next_try_ = core::Deadline::in(kBetweenTries);
  if (!full_disk_.empty()) return;
  full_disk_ = message;
  progress_.print("ALARM: " + message +
                  "; nothing new is begun until there is space, nothing is lost");
  events_.emplace_back(scheduler::events::Admission{false, message});
  write_status("running", "no space: " + message);
}

/// True when something was done.
bool SchedulerRank::try_again() {
  if (waiting_for_room_.empty() || !next_try_.has_passed()) return false;
  try {
    while (!waiting_for_room_.empty()) {
      const auto action = waiting_for_room_.front();
      action();
      waiting_for_room_.pop_front();
    }
  } catch (const core::Error& error) {
    if (error.kind() != core::ErrorKind::kNoSpace) throw;
    full_disk_ = error.what();
    next_try_ = core::Deadline::in(kBetweenTries);
    return true;
  }
  full_disk_.clear();
  progress_.print("there is space again: the run goes on");
  events_.emplace_back(scheduler::events::Admission{true, ""});
  if (!finished_) write_status("running", "");
  return true;
}

/// Learners that write a checkpoint wait for each other: better not to begin than that
/// one of them fails. Throws kNoSpace.
void SchedulerRank::require_room_for_checkpoint() const {
  const auto known = list_checkpoints(folder_.checkpoints());
  if (known.empty()) return;
  std::error_code error;
  const auto disk = std::filesystem::space(folder_.path(), error);
  const uint64_t needed = size_of(known.front().path);
  REQUIRE(error || disk.available >= needed, kNoSpace,
          folder_.path().string() << " has " << disk.available << " bytes left (expected "
                                  << needed << ", the size of the last checkpoint)");
}

}  // namespace srpo::ranks
