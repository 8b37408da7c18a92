#include "actors/control/local_control.h"

#include "core/error.h"

namespace srpo::actors {

LocalControlStar::LocalControlStar(int processes) {
  for (int process = 0; process < processes; ++process) add(process);
}

void LocalControlStar::add(int process) {
  const std::lock_guard lock(mutex_);
  ENSURE(places_.count(process) == 0, "process " << process << " was there already");
  Place& place = places_[process];
  if (process == 0) return;
  place.events.push_back({ControlEvent::Kind::kJoined, 0, {}, ""});
  places_[0].events.push_back({ControlEvent::Kind::kJoined, process, {}, ""});
}

bool LocalControlStar::is_alive(int process) const {
  const auto at = places_.find(process);
  return at != places_.end() && at->second.alive;
}

void LocalControlStar::cut(int process, const std::string& reason) {
  Place& place = places_[process];
  place.alive = false;
  place.events.push_back({ControlEvent::Kind::kLost, 0, {}, reason});
}

void LocalControlStar::kill(int process, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (!is_alive(process)) return;
  if (process == 0) {
    places_[0].alive = false;
    for (auto& [other, place] : places_) {
      if (other != 0 && place.alive) cut(other, reason);
    }
    return;
  }
  places_[process].alive = false;
  places_[process].events.clear();
  if (is_alive(0))
    places_[0].events.push_back({ControlEvent::Kind::kLost, process, {}, reason});
}

void LocalControlStar::send(int from, int to, core::Bytes message) {
  const std::lock_guard lock(mutex_);
  const bool is_spoke = from == 0 || to == 0 || from == to;
  if (!is_spoke || !is_alive(from) || !is_alive(to)) return;
  places_[to].events.push_back(
      {ControlEvent::Kind::kMessage, from, std::move(message), ""});
}

void LocalControlStar::fence(int from, int process) {
  const std::lock_guard lock(mutex_);
  if (from != 0 || process == 0 || !is_alive(process)) return;
  cut(process, "it refuses this process: it was declared dead");
}

std::optional<ControlEvent> LocalControlStar::take(int process) {
  const std::lock_guard lock(mutex_);
  Place& place = places_[process];
  if (place.events.empty()) return std::nullopt;
  ControlEvent event = std::move(place.events.front());
  place.events.pop_front();
  return event;
}

}  // namespace srpo::actors
