// Who is silent, who is stuck: a pure state machine over the times at which peers were
// heard.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/deadline.h"

namespace srpo::actors {

struct HeartbeatLimits {
  std::chrono::milliseconds every{250};
  std::chrono::milliseconds suspect_after{5'000};  ///< of silence
  std::chrono::milliseconds dead_after{15'000};    ///< of silence
  std::chrono::milliseconds stuck_after{30'000};   ///< of a reactor that does not move
  bool stuck_is_dead = false;  ///< a stuck reactor is lost after twice that time
};

struct HeartbeatFinding {
  enum class Kind {
    kSilent,  ///< suspect
    kDead,    ///< silent for too long; it is watched no more
    kStuck,   ///< its control thread lives, its reactor does not move
    kWell,    ///< was suspect or stuck
  };
  int peer = 0;
  Kind kind = Kind::kWell;
  std::string text;
};

/// Time in which the watcher itself did not run counts for nobody: who was stopped and
/// goes on must not declare the others dead. Thread-compatible.
class HeartbeatWatch {
 public:
  using Time = core::Clock::time_point;

  explicit HeartbeatWatch(HeartbeatLimits limits) : limits_(limits) {}

  void add(int peer, Time now);
  void remove(int peer) { watched_.erase(peer); }
  /// Bytes of any kind have arrived.
  void on_heard(int peer, Time when);
  /// `progress` of the peer's reactor (0: it does not run yet); `activity` where it is,
  /// if it says.
  void on_beat(int peer, uint64_t progress, const std::string& activity, Time when);

  /// Call it every limits.every. Each change of state is found once.
  std::vector<HeartbeatFinding> check(Time now);
  /// Peers that are silent or stuck now, with what is known.
  std::map<int, std::string> suspects() const;

 private:
  struct Watched {
    Time heard;
    Time moved;
    uint64_t progress = 0;
    std::string activity;
    HeartbeatFinding::Kind state = HeartbeatFinding::Kind::kWell;
    std::string text;
  };
  HeartbeatFinding::Kind judge(Watched& watched, Time now) const;

  HeartbeatLimits limits_;
  std::map<int, Watched> watched_;
  Time checked_{};
};

}  // namespace srpo::actors
