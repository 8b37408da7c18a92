#include "model/worker_pool.h"

#include "core/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace srpo::model {
namespace {

constexpr int kSpins =
    2000;  // some 50 us: longer than the serial parts of a decoding step

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

template <class Ready>
bool spin_until(Ready ready) {
  for (int i = 0; i < kSpins; ++i) {
    if (ready()) return true;
    relax();
  }
  return ready();
}

}  // namespace

WorkerPool::WorkerPool(int threads) {
  REQUIRE(threads >= 1 && threads <= 1024, kBadConfig,
          "threads is " << threads << " (expected 1 to 1024)");
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { serve(i); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_.store(true);
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::do_part(int index) const {
  const int64_t begin = count_ * index / threads();
  const int64_t end = count_ * (index + 1) / threads();
  if (begin < end) (*work_)(begin, end);
}

void WorkerPool::run(int64_t count, const std::function<void(int64_t, int64_t)>& work) {
  if (workers_.empty() || count <= 1) {
    if (count > 0) work(0, count);
    return;
  }
  work_ = &work;
  count_ = count;
  working_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    round_.fetch_add(1, std::memory_order_release);
  }
  start_.notify_all();
  do_part(0);
  const auto all_done = [this] { return working_.load(std::memory_order_acquire) == 0; };
  if (spin_until(all_done)) return;
  std::unique_lock lock(mutex_);
  done_.wait(lock, all_done);
}

void WorkerPool::serve(int index) {
  uint64_t seen = 0;
  const auto called = [&] {
    return round_.load(std::memory_order_acquire) != seen || ending_.load();
  };
  while (true) {
    if (!spin_until(called)) {
      std::unique_lock lock(mutex_);
      start_.wait(lock, called);
    }
    if (ending_.load()) return;
    ++seen;
    do_part(index);
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      const std::lock_guard lock(mutex_);
      done_.notify_one();
    }
  }
}

}  // namespace srpo::model
