#include "actors/wire/frame_order.h"

#include <algorithm>

namespace srpo::actors {
namespace {

/// No honest sender is so far ahead; keeps the numbers from wrapping around.
constexpr uint64_t kFarthest = uint64_t{1} << 40;

}  // namespace

FrameOrder::Verdict FrameOrder::accept(uint64_t sequence, Frame& frame, Time now) {
  if (sequence == next_) {
    ++next_;
    return Verdict::kNext;
  }
  if (sequence < next_ || early_.contains(sequence)) {
    ++duplicates_;
    return Verdict::kDuplicate;
  }
  // One frame of any size may wait, so that nothing is too large to come early.
  const bool fits = early_.empty() || (early_.size() < kMaxEarly &&
                                       early_bytes_ + frame.size() <= kMaxEarlyBytes);
  if (!fits || sequence - next_ > kFarthest) return Verdict::kTooFar;
  early_bytes_ += frame.size();
  early_.emplace(sequence, Early{std::move(frame), now});
  return Verdict::kEarly;
}

std::optional<Frame> FrameOrder::take() {
  const auto first = early_.begin();
  if (first == early_.end() || first->first != next_) return std::nullopt;
  ++next_;
  std::optional<Frame> frame(std::move(first->second.frame));
  if (first->second.arrived == oldest_) oldest_.reset();
  early_.erase(first);
  early_bytes_ -= frame->size();
  return frame;
}

std::optional<FrameOrder::Time> FrameOrder::gap_since() const {
  if (early_.empty()) return std::nullopt;
  if (!oldest_) {
    // Every frame that came early says since then that the next one is missing.
    oldest_ = Time::max();
    for (const auto& [sequence, early] : early_)
      oldest_ = std::min(*oldest_, early.arrived);
  }
  return oldest_;
}

bool FrameOrder::skip_gap(Time since) {
  if (early_.empty()) return false;
  const uint64_t first = early_.begin()->first;
  if (first == next_) return true;
  if (*gap_since() > since) return false;
  lost_ += first - next_;
  next_ = first;
  return true;
}

}  // namespace srpo::actors
