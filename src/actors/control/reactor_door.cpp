#include "actors/control/reactor_door.h"

#include <algorithm>
#include <sstream>
#include <unistd.h>

namespace srpo::actors {
namespace {

constexpr size_t kMostBytes = size_t{256} << 20;
constexpr std::chrono::milliseconds kStackWait{500};

}  // namespace

std::optional<ControlEvent> ReactorDoor::take() {
  if (!has_some_.load(std::memory_order_acquire)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (events_.empty()) return std::nullopt;
  ControlEvent event = std::move(events_.front());
  events_.pop_front();
  bytes_ -= event.message.size();
  has_some_.store(!events_.empty(), std::memory_order_release);
  return event;
}

bool ReactorDoor::put(ControlEvent event) {
  const std::lock_guard lock(mutex_);
  if (bytes_ + event.message.size() > kMostBytes) return false;
  bytes_ += event.message.size();
  events_.push_back(std::move(event));
  has_some_.store(true, std::memory_order_release);
  return true;
}

void ReactorDoor::set_snapshot(std::function<std::string()> snapshot) {
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_ = std::move(snapshot);
}

std::string ReactorDoor::diagnose() {
  std::ostringstream text;
  text << "pid " << ::getpid() << ", reactor round " << progress() << "\n";
  const auto lines = stack_.capture(kStackWait);
  text << "stack of the reactor's thread"
       << (lines.empty() ? ": it does not answer (in the kernel)" : "") << "\n";
  for (const std::string& line : lines) text << "  " << line << "\n";
  const std::lock_guard lock(snapshot_mutex_);
  if (snapshot_) text << snapshot_() << "\n";
  return text.str();
}

std::string ReactorDoor::where_it_is() {
  const auto lines = stack_.capture(kStackWait);
  if (lines.empty()) return "the kernel";
  std::string text;
  constexpr size_t kMostLines = 6;
  for (size_t i = 0; i < std::min(lines.size(), kMostLines); ++i)
    text += (i == 0 ? "" : " < ") + lines[i];
  return text;
}

Beat ReactorDoor::make_beat(core::Clock::time_point now,
                            std::chrono::milliseconds stuck_after) {
  const uint64_t current = progress();
  if (current == 0 || current != seen_progress_) {
    seen_progress_ = current;
    moved_ = now;
    activity_.clear();
  } else if (now - moved_ >= stuck_after * 3 / 4 &&  // it is told in time
             (activity_.empty() || now - looked_ >= stuck_after)) {
    activity_ = where_it_is();
    looked_ = now;
  }
  return {current, activity_};
}

}  // namespace srpo::actors
