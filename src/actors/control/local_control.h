// The control channel between threads of one process, each playing a process; deaths are
// emulated.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "actors/control/control_channel.h"

namespace srpo::actors {

/// The star of all processes. Thread-safe.
class LocalControlStar {
 public:
  /// All of them are connected from the start.
  explicit LocalControlStar(int processes);

  /// One process more connects.
  void add(int process);
  /// The process dies: process 0 notices at once; when it is process 0, all do. What the
  /// dead one sends from then on is dropped.
  void kill(int process, const std::string& reason = "killed");

  void send(int from, int to, core::Bytes message);
  void fence(int from, int process);
  std::optional<ControlEvent> take(int process);

 private:
  struct Place {
    std::deque<ControlEvent> events;
    bool alive = true;
  };
  bool is_alive(int process) const;
  void cut(int process, const std::string& reason);

  std::mutex mutex_;
  std::map<int, Place> places_;
};

/// One process's end; borrows the star.
class LocalControl final : public ControlChannel {
 public:
  LocalControl(LocalControlStar& star, int process) : star_(star), process_(process) {}

  void send(int to, core::Bytes message) override {
    star_.send(process_, to, std::move(message));
  }
  std::optional<ControlEvent> poll() override { return star_.take(process_); }
  void fence(int peer) override { star_.fence(process_, peer); }

 private:
  LocalControlStar& star_;
  int process_;
};

}  // namespace srpo::actors
