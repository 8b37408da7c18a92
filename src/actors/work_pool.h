// Threads for work that blocks.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace srpo::actors {

/// Starts its threads with the first job. The destructor waits for the jobs that run and
/// drops the others. submit() may be called on any thread.
class WorkPool {
 public:
  explicit WorkPool(int num_threads) : num_threads_(num_threads) {}
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  /// `job` must not throw.
  void submit(std::function<void()> job);
  /// Waits for the jobs that run and drops the others, now and later.
  void end();

 private:
  void work();

  int num_threads_;
  std::mutex mutex_;
  std::condition_variable jobs_changed_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace srpo::actors
