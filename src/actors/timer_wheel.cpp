#include "actors/timer_wheel.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::actors {

uint32_t TimerWheel::add(Time at, uint64_t key) {
  uint32_t timer = 0;
  if (free_.empty()) {
    timer = static_cast<uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    timer = free_.back();
    free_.pop_back();
  }
  // A time that has passed goes where the next expire() looks first.
  const auto tick = std::max(tick_of(at), last_tick_);
  Entry& entry = entries_[timer];
  entry = {at, key, 0, 0, static_cast<uint32_t>(tick % kTicks), true};
  entry.next = heads_[entry.bucket];
  if (entry.next != 0) entries_[entry.next].previous = timer;
  heads_[entry.bucket] = timer;
  ++used_;
  return timer;
}

void TimerWheel::remove(uint32_t timer) {
  Entry& entry = entries_[timer];
  ENSURE(entry.used, "timer " << timer << " is not set");
  if (entry.previous != 0) {
    entries_[entry.previous].next = entry.next;
  } else {
    heads_[entry.bucket] = entry.next;
  }
  if (entry.next != 0) entries_[entry.next].previous = entry.previous;
  entry.used = false;
  free_.push_back(timer);
  --used_;
}

void TimerWheel::collect(uint32_t bucket, Time now, std::vector<uint32_t>& due) const {
  for (uint32_t timer = heads_[bucket]; timer != 0; timer = entries_[timer].next) {
    if (entries_[timer].at <= now) due.push_back(timer);
  }
}

void TimerWheel::expire(Time now, const std::function<void(uint64_t)>& fire) {
  const uint64_t tick = tick_of(now);
  if (used_ == 0) {
    last_tick_ = tick;
    return;
  }
  std::vector<uint32_t> due;
  const uint64_t steps =
      std::min<uint64_t>(tick - std::min(last_tick_, tick), kTicks - 1);
  for (uint64_t t = tick - steps; t <= tick; ++t)
    collect(static_cast<uint32_t>(t % kTicks), now, due);
  last_tick_ = tick;
  if (due.empty()) return;
  std::sort(due.begin(), due.end(), [this](uint32_t a, uint32_t b) {
    return std::pair(entries_[a].at, entries_[a].key) <
           std::pair(entries_[b].at, entries_[b].key);
  });
  for (const uint32_t timer : due) {
    // An earlier one may have taken it back, and another one may have taken its place.
    if (!entries_[timer].used || entries_[timer].at > now) continue;
    const uint64_t key = entries_[timer].key;
    remove(timer);
    fire(key);
  }
}

std::optional<TimerWheel::Time> TimerWheel::next() const {
  std::optional<Time> earliest;
  for (const Entry& entry : entries_) {
    if (entry.used && (!earliest || entry.at < *earliest)) earliest = entry.at;
  }
  return earliest;
}

}  // namespace srpo::actors
