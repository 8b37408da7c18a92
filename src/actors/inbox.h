// Actions from other threads for the reactor, and the reactor's rest between them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

namespace srpo::actors {

/// post() may be called on any thread; the rest is the reactor's.
class Inbox {
 public:
  void post(std::function<void()> action) {
    {
      const std::lock_guard lock(mutex_);
      actions_.push_back(std::move(action));
      has_some_.store(true, std::memory_order_release);
    }
    changed_.notify_one();
  }
  /// Runs what was posted; true if there was anything.
  bool run() {
    if (!has_some_.load(std::memory_order_acquire)) return false;
    std::vector<std::function<void()>> actions;
    {
      const std::lock_guard lock(mutex_);
      actions.swap(actions_);
      has_some_.store(false, std::memory_order_release);
    }
    for (auto& action : actions) action();
    return true;
  }
  /// Sleeps until something is posted, or so long.
  void rest(std::chrono::nanoseconds longest) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, longest, [this] { return !actions_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> actions_;
  std::atomic<bool> has_some_{false};
};

}  // namespace srpo::actors
