#include "actors/frame_order.h"

namespace srpo::actors {

bool FrameOrder::accept(uint64_t sequence, Frame& frame, Time now) {
  if (sequence == next_) {
    ++next_;
    return true;
  }
  if (sequence < next_ || early_.contains(sequence)) {
    ++duplicates_;
    return false;
  }
  if (early_.empty()) gap_since_ = now;
  early_.emplace(sequence, std::move(frame));
  return false;
}

std::optional<Frame> FrameOrder::take() {
  const auto first = early_.begin();
  if (first == early_.end() || first->first != next_) return std::nullopt;
  ++next_;
  std::optional<Frame> frame(std::move(first->second));
  early_.erase(first);
  return frame;
}

bool FrameOrder::skip_gap(Time since) {
  if (early_.empty()) return false;
  const uint64_t first = early_.begin()->first;
  if (first == next_) return true;
  if (gap_since_ > since) return false;
  lost_ += first - next_;
  next_ = first;
  return true;
}

}  // namespace srpo::actors
