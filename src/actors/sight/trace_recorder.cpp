#include "actors/sight/trace_recorder.h"

#include <algorithm>
#include <utility>

namespace srpo::actors {

void TraceRecorder::start(size_t events) {
  capacity_ = events;
  ring_.clear();
  ring_.reserve(events);
  next_ = 0;
  dropped_ = 0;
}

uint32_t TraceRecorder::static_name(std::string_view name) {
  const auto known = static_names_.find(name.data());
  if (known != static_names_.end()) return known->second;
  const uint32_t index = copied_name(name);
  static_names_.emplace(name.data(), index);
  return index;
}

uint32_t TraceRecorder::copied_name(std::string_view name) {
  const auto known = copied_names_.find(name);
  if (known != copied_names_.end()) return known->second;
  const auto index = static_cast<uint32_t>(names_.size());
  names_.emplace_back(name);
  copied_names_.emplace(std::string(name), index);
  return index;
}

void TraceRecorder::record(const Entry& entry, uint32_t name) {
  const TraceEvent event{entry.kind,
                         static_cast<uint8_t>(entry.failed),
                         name,
                         entry.peer,
                         entry.incarnation,
                         entry.id,
                         entry.bytes,
                         wire_.now().time_since_epoch().count()};
  if (ring_.size() < capacity_) {
    ring_.push_back(event);
    return;
  }
  ring_[next_] = event;
  next_ = (next_ + 1) % capacity_;
  ++dropped_;
}

RankTrace TraceRecorder::take() {
  RankTrace trace;
  trace.rank = wire_.slot();
  trace.incarnation = wire_.incarnation();
  trace.clock_offset_ns = clock_offset_ns_;
  trace.dropped = std::exchange(dropped_, 0);
  trace.names = names_;
  std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(next_),
              ring_.end());
  next_ = 0;
  trace.events = std::exchange(ring_, {});
  ring_.reserve(capacity_);
  return trace;
}

}  // namespace srpo::actors
