// A few threads that split one loop after another between them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace srpo::model {

/// The caller's thread works too, so 1 thread starts none. Waiting threads spin for some
/// microseconds and then sleep: processors are shared with other ranks. `run` is called
/// from one thread at a time.
class WorkerPool {
 public:
  explicit WorkerPool(int threads = 1);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls work(begin, end) on contiguous, disjoint parts of 0 .. count-1, at most one a
  /// thread; returns when all are done. `work` must not throw.
  void run(int64_t count, const std::function<void(int64_t, int64_t)>& work);

 private:
  void serve(int index);
  void do_part(int index) const;

  std::vector<std::thread> workers_;
  const std::function<void(int64_t, int64_t)>* work_ = nullptr;
  int64_t count_ = 0;
  std::atomic<uint64_t> round_{0};
  std::atomic<int> working_{0};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
};

}  // namespace srpo::model
