// How much one rank may have under way at one actor: what bounds memory at both ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace srpo::actors {

/// Limits of one caller rank at one actor.
struct Credits {
  uint32_t calls = 64;              ///< sent and not answered
  size_t bytes = size_t{16} << 20;  ///< of their arguments and buffers
  uint32_t waiting_calls = 1024;    ///< that wait at the caller for credit
  size_t waiting_bytes = size_t{64} << 20;
};

/// Counts what is under way and keeps the order of what waits. A message larger than all
/// credit goes when nothing else is under way. Thread-compatible.
class CreditLine {
 public:
  explicit CreditLine(const Credits& limits) : limits_(&limits) {}

  bool can_send(size_t bytes) const { return waiting_.empty() && fits(bytes); }
  bool can_wait(size_t bytes) const {
    return waiting_.size() < limits_->waiting_calls &&
           (waiting_.empty() || waiting_bytes_ + bytes <= limits_->waiting_bytes);
  }
  void sent(size_t bytes) {
    ++calls_;
    bytes_ += bytes;
  }
  void answered(size_t bytes) {
    --calls_;
    bytes_ -= bytes;
  }
  void wait(uint64_t call, size_t bytes) {
    waiting_.push_back({call, bytes});
    waiting_bytes_ += bytes;
  }
  /// The first waiting call if there is credit for it; 0 otherwise. It is taken out.
  uint64_t next_ready() {
    if (waiting_.empty() || !fits(waiting_.front().bytes)) return 0;
    return take_first();
  }
  /// Takes the first waiting call out, credit or not; 0 when none waits.
  uint64_t take_first() {
    if (waiting_.empty()) return 0;
    const Waiting first = waiting_.front();
    waiting_.pop_front();
    waiting_bytes_ -= first.bytes;
    return first.call;
  }
  /// A waiting call has been given up.
  void forget(uint64_t call) {
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
      if (at->call != call) continue;
      waiting_bytes_ -= at->bytes;
      waiting_.erase(at);
      return;
    }
  }

  uint32_t calls() const { return calls_; }
  size_t bytes() const { return bytes_; }
  size_t num_waiting() const { return waiting_.size(); }
  size_t waiting_bytes() const { return waiting_bytes_; }

 private:
  struct Waiting {
    uint64_t call;
    size_t bytes;
  };
  bool fits(size_t bytes) const {
    return calls_ == 0 || (calls_ < limits_->calls && bytes_ + bytes <= limits_->bytes);
  }

  const Credits* limits_;
  uint32_t calls_ = 0;
  size_t bytes_ = 0;
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;
};

}  // namespace srpo::actors
