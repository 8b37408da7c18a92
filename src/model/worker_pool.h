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
/// microseconds and then sleep, and what a thread has not begun another one does:
/// processors are shared with other ranks. `run` is called from one thread at a time.
class WorkerPool {
 public:
  explicit WorkerPool(int threads = 1);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls work(begin, end) on contiguous, disjoint parts of 0 .. count-1, `parts_each`
  /// for each thread and of nearly equal size: part p begins at count * p / parts.
  /// Returns when all are done. `work` must not throw.
  void run(int64_t count, const std::function<void(int64_t, int64_t)>& work,
           int64_t parts_each = 1);

 private:
  struct Part {
    int64_t index = 0;
    int64_t of = 0;
  };

  void serve();
  void do_parts(uint64_t round);
  bool take_part(uint64_t round, Part& part);

  std::vector<std::thread> workers_;
  // Of the round under way. Written before the ticket, and read by those that have taken
  // a part: then the round cannot end.
  const std::function<void(int64_t, int64_t)>* work_ = nullptr;
  int64_t count_ = 0;
  /// The round's low half, the number of its parts, and the next one. One number: a
  /// thread that comes late takes nothing of a round it does not know.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<int64_t> done_parts_{0};
  std::atomic<uint64_t> round_{0};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::condition_variable start_;
  std::condition_variable done_;
};

}  // namespace srpo::model
