// Puts the frames of one sender into the order in which they were sent, each once.
#pragma once

#include <cstdint>
#include <map>

#include "actors/frame.h"
#include "core/deadline.h"

namespace srpo::actors {

/// Counts from sequence 1. Thread-compatible.
class FrameOrder {
 public:
  using Time = core::Clock::time_point;

  /// A frame has arrived. True if it is the next one: handle it, then take() the ones
  /// that waited for it. False if it is kept for later or was seen before.
  bool accept(uint64_t sequence, Frame& frame, Time now);
  /// The next frame that waited, if its turn has come.
  std::optional<Frame> take();
  /// Gives missing frames up that have been waited for since before `since`; true if
  /// take() has something then.
  bool skip_gap(Time since);

  size_t num_early() const { return early_.size(); }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t lost() const { return lost_; }

 private:
  uint64_t next_ = 1;
  std::map<uint64_t, Frame> early_;
  Time gap_since_;
  uint64_t duplicates_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace srpo::actors
