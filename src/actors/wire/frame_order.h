// Puts the frames of one sender into the order in which they were sent, each once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "actors/wire/frame.h"
#include "core/deadline.h"

namespace srpo::actors {

/// Counts from sequence 1. Thread-compatible.
class FrameOrder {
 public:
  using Time = core::Clock::time_point;
  enum class Verdict {
    kNext,       ///< handle it, then take() the ones that waited for it
    kEarly,      ///< kept for later
    kDuplicate,  ///< was seen before
    kTooFar,     ///< more than kMaxEarly frames or kMaxEarlyBytes bytes would wait
  };
  static constexpr size_t kMaxEarly = 65536;
  static constexpr size_t kMaxEarlyBytes = size_t{256} << 20;

  /// A frame has arrived; it is moved from if it is kept for later.
  Verdict accept(uint64_t sequence, Frame& frame, Time now);
  /// The next frame that waited, if its turn has come.
  std::optional<Frame> take();
  /// Gives missing frames up that have been waited for since before `since`; true if
  /// take() has something then.
  bool skip_gap(Time since);
  /// Since when the next frame has been missing although later ones have come.
  std::optional<Time> gap_since() const;

  size_t num_early() const { return early_.size(); }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t lost() const { return lost_; }

 private:
  uint64_t next_ = 1;
  struct Early {
    Frame frame;
    Time arrived;
  };
  std::map<uint64_t, Early> early_;
  size_t early_bytes_ = 0;
  mutable std::optional<Time> oldest_;  // arrival among the early ones, once looked for
  uint64_t duplicates_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace srpo::actors
