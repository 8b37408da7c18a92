// What a reactor and the control thread beside it pass to each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "actors/control/control_channel.h"
#include "actors/control/control_frame.h"
#include "actors/control/thread_stack.h"
#include "core/deadline.h"

namespace srpo::actors {

/// Made on the reactor's thread.
class ReactorDoor {
 public:
  // --- reactor
  std::optional<ControlEvent> take();
  void beat() {
    progress_.store(progress_.load(std::memory_order_relaxed) + 1,
                    std::memory_order_relaxed);
  }

  // --- any thread
  /// A text about the reactor that can be made on another thread while it is stuck.
  void set_snapshot(std::function<std::string()> snapshot);

  // --- control thread
  /// False when the reactor has left 256 MiB lying.
  bool put(ControlEvent event);
  uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }
  /// What the reactor's thread does: its stack and the snapshot. Takes half a second at
  /// most, and the snapshot's time.
  std::string diagnose();
  /// For a heartbeat; says where the reactor is once it has not moved for so long.
  Beat make_beat(core::Clock::time_point now, std::chrono::milliseconds stuck_after);

 private:
  std::string where_it_is();

  ThreadStack stack_;
  std::atomic<uint64_t> progress_{0};
  std::mutex mutex_;
  std::deque<ControlEvent> events_;  // under mutex_
  size_t bytes_ = 0;                 // under mutex_
  std::atomic<bool> has_some_{false};
  std::mutex snapshot_mutex_;
  std::function<std::string()> snapshot_;

  // control thread
  uint64_t seen_progress_ = 0;
  core::Clock::time_point moved_ = core::Clock::now();
  std::string activity_;
  core::Clock::time_point looked_{};
};

}  // namespace srpo::actors
