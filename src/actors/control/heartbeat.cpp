#include "actors/control/heartbeat.h"

#include <algorithm>
#include <cstdio>

namespace srpo::actors {
namespace {

std::string seconds_text(core::Clock::duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s",
                std::chrono::duration<double>(duration).count());
  return text;
}

}  // namespace

void HeartbeatWatch::add(int peer, Time now) {
  Watched watched;
  watched.heard = now;
  watched.moved = now;
  watched_[peer] = watched;
}

void HeartbeatWatch::on_heard(int peer, Time when) {
  const auto at = watched_.find(peer);
  if (at != watched_.end()) at->second.heard = std::max(at->second.heard, when);
}

void HeartbeatWatch::on_beat(int peer, uint64_t progress, const std::string& activity,
                             Time when) {
  const auto at = watched_.find(peer);
  if (at == watched_.end()) return;
  Watched& watched = at->second;
  watched.heard = std::max(watched.heard, when);
  watched.activity = activity;
  if (progress == 0 || progress != watched.progress) watched.moved = when;
  watched.progress = progress;
}

HeartbeatFinding::Kind HeartbeatWatch::judge(Watched& watched, Time now) const {
  using Kind = HeartbeatFinding::Kind;
  const auto silence = now - watched.heard;
  const auto standstill = now - watched.moved;
  if (silence >= limits_.dead_after) {
    watched.text = "it was silent for " + seconds_text(silence);
    return Kind::kDead;
  }
  if (silence >= limits_.suspect_after) {
    watched.text = "it is silent for " + seconds_text(silence);
    return Kind::kSilent;
  }
  if (standstill < limits_.stuck_after) {
    watched.text.clear();
    return Kind::kWell;
  }
  watched.text = "its reactor has not moved for " + seconds_text(standstill);
  if (!watched.activity.empty()) watched.text += "; it is in " + watched.activity;
  return limits_.stuck_is_dead && standstill >= 2 * limits_.stuck_after ? Kind::kDead
                                                                        : Kind::kStuck;
}

std::vector<HeartbeatFinding> HeartbeatWatch::check(Time now) {
  if (checked_ != Time{} && now - checked_ > 4 * limits_.every) {
    const auto away = now - checked_ - limits_.every;
    for (auto& [peer, watched] : watched_) {
      watched.heard = std::min(now, watched.heard + away);
      watched.moved = std::min(now, watched.moved + away);
    }
  }
  checked_ = now;
  std::vector<HeartbeatFinding> findings;
  for (auto at = watched_.begin(); at != watched_.end();) {
    Watched& watched = at->second;
    const auto state = judge(watched, now);
    if (state != watched.state) findings.push_back({at->first, state, watched.text});
    watched.state = state;
    at = state == HeartbeatFinding::Kind::kDead ? watched_.erase(at) : std::next(at);
  }
  return findings;
}

std::map<int, std::string> HeartbeatWatch::suspects() const {
  std::map<int, std::string> suspects;
  for (const auto& [peer, watched] : watched_) {
    if (watched.state != HeartbeatFinding::Kind::kWell)
      suspects.emplace(peer, watched.text);
  }
  return suspects;
}

}  // namespace srpo::actors
