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
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_.store(true);
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

/// False when all parts of the round are taken, or it is over.
bool WorkerPool::take_part(uint64_t round, Part& part) {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while (ticket >> 32 == (round & 0xFFFFFFFFU)) {
    part.of = static_cast<int64_t>((ticket >> 16) & 0xFFFFU);
    part.index = static_cast<int64_t>(ticket & 0xFFFFU);
    if (part.index >= part.of) return false;
    if (ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
      return true;
    }
  }
  return false;
}

void WorkerPool::do_parts(uint64_t round) {
  Part part;
  while (take_part(round, part)) {
    const int64_t begin = count_ * part.index / part.of;
    const int64_t end = count_ * (part.index + 1) / part.of;
    if (begin < end) (*work_)(begin, end);
    if (done_parts_.fetch_add(1, std::memory_order_acq_rel) + 1 == part.of) {
      const std::lock_guard lock(mutex_);
      done_.notify_one();
    }
  }
}

void WorkerPool::run(int64_t count, const std::function<void(int64_t, int64_t)>& work,
                     int64_t parts_each) {
  if (workers_.empty() || count <= 1) {
    if (count > 0) work(0, count);
    return;
  }
  const int64_t parts = threads() * parts_each;
  ENSURE(parts < 65536, parts << " parts");
  work_ = &work;
  count_ = count;
  done_parts_.store(0, std::memory_order_relaxed);
  uint64_t round = 0;
  {
    const std::lock_guard lock(mutex_);
    round = round_.load(std::memory_order_relaxed) + 1;
    ticket_.store(round << 32 | static_cast<uint64_t>(parts) << 16,
                  std::memory_order_release);
    round_.store(round, std::memory_order_release);
  }
  start_.notify_all();
  do_parts(round);
  const auto all_done = [&] {
    return done_parts_.load(std::memory_order_acquire) == parts;
  };
  if (spin_until(all_done)) return;
  std::unique_lock lock(mutex_);
  done_.wait(lock, all_done);
}

void WorkerPool::serve() {
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
    seen = round_.load(std::memory_order_acquire);
    do_parts(seen);
  }
}

}  // namespace srpo::model
