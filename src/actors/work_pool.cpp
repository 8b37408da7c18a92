#include "actors/work_pool.h"

#include <csignal>

namespace srpo::actors {

WorkPool::~WorkPool() { end(); }

void WorkPool::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    jobs_.clear();
  }
  jobs_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void WorkPool::submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    jobs_.push_back(std::move(job));
    if (threads_.empty()) {
      for (int i = 0; i < num_threads_; ++i) threads_.emplace_back([this] { work(); });
    }
  }
  jobs_changed_.notify_one();
}

void WorkPool::work() {
  sigset_t all;  // signals are for the reactor
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  while (true) {
    jobs_changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (ending_) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds is destroyed outside of the lock
    lock.lock();
  }
}

}  // namespace srpo::actors
