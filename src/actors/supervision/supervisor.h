// Who takes the place of a lost process: a pure state machine. What happened in, what to
// do out; no clock, no messages.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "actors/supervision/actor_spec.h"
#include "core/deadline.h"

namespace srpo::actors {

namespace supervise {

/// Cut the process off: if it lives, it is a zombie.
struct Fence {
  int process;
};
/// Tell every process that a slot has lost its process.
struct AnnounceLost {
  int slot;
  bool will_be_filled;
  std::string reason;
};
/// Start one process more. Answer: on_joined() or on_spawn_failed().
struct SpawnProcess {
  int slot;
};
/// Give a slot to a process and make these actors there. Answer: on_started().
struct Fill {
  int slot;
  int process;
  uint32_t incarnation;
  std::vector<ActorSpec> specs;
};
/// Tell every process that a slot is filled again.
struct AnnounceFilled {
  int slot;
  int process;
  uint32_t incarnation;
};
/// Stop an actor and make it again where it is (one_for_all).
struct Restart {
  int slot;
  ActorSpec spec;
};
/// End the job.
struct Leave {
  int exit_code;
  std::string reason;
};

}  // namespace supervise

using SupervisorAction =
    std::variant<supervise::Fence, supervise::AnnounceLost, supervise::SpawnProcess,
                 supervise::Fill, supervise::AnnounceFilled, supervise::Restart,
                 supervise::Leave>;

/// Slots 0 .. num_slots-1 are filled by the processes of the same number; the processes
/// beyond are spares. Slot 0 supervises and cannot be replaced. Thread-compatible.
class Supervisor {
 public:
  using Time = core::Clock::time_point;
  using Actions = std::vector<SupervisorAction>;

  Supervisor(int num_slots, int num_processes, bool can_spawn);

  /// An actor was spawned; a second spec of the same name replaces the first.
  void add(ActorSpec spec);
  /// Which slots have an actor of that name; null when nobody spawned one.
  const ActorSpec* find(const std::string& name) const;

  Actions on_lost(int process, const std::string& reason, Time now);
  /// The actors of a slot that was filled are made, or one of them could not be.
  Actions on_started(int slot, uint32_t incarnation, bool whole,
                     const std::string& reason, Time now);
  /// A process that SpawnProcess asked for can be reached.
  Actions on_joined(int process, Time now);
  Actions on_spawn_failed(int slot, const std::string& reason, Time now);
  /// The last losses of a slot were the doing of a call, not of its actors: they do not
  /// count.
  void forgive(int slot, int losses);

  size_t num_spares() const { return spares_.size(); }
  uint64_t restarts() const { return restarts_; }

 private:
  enum class State { kUp, kWaitingForProcess, kStarting, kGone };
  struct Slot {
    State state = State::kUp;
    int process = 0;
    uint32_t incarnation = 1;
  };
  struct Watched {
    ActorSpec spec;
    std::deque<std::pair<Time, int>> restarts;  ///< when, and of which slot
  };

  std::vector<ActorSpec> specs_of(int slot) const;
  Actions replace(int slot, const std::string& reason, bool announce, Time now);
  void give_up(int slot, const std::string& reason, Actions& actions);
  /// Counts a restart; false when a group on the slot has none left.
  bool spend(int slot, Time now, bool& must_stop);
  int healthy(const ActorSpec& spec) const;

  std::vector<Slot> slots_;
  std::set<int> spares_;
  std::deque<int> waiting_for_process_;
  bool can_spawn_;
  std::map<std::string, Watched> watched_;
  uint64_t restarts_ = 0;
};

}  // namespace srpo::actors
