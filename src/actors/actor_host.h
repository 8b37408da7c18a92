// The actors of a rank: whose turn it is, and the answers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/actor_cell.h"
#include "actors/wire.h"

namespace srpo::actors {

/// One thread only: the reactor. Borrows the wire.
class ActorHost {
 public:
  struct Limits {
    size_t mailbox_calls = 16384;  ///< that wait at one actor; more are refused
  };
  ActorHost(Runtime& runtime, Wire& wire, Limits limits)
      : runtime_(runtime), wire_(wire), limits_(limits) {}
  ~ActorHost();
  ActorHost(const ActorHost&) = delete;
  ActorHost& operator=(const ActorHost&) = delete;

  /// Makes an actor reachable under its name; replaces one of the same name.
  void add(std::shared_ptr<ActorCell> cell);
  /// Calls that wait fail; calls that run are asked to stop.
  void remove(const std::string& name, const std::string& why);
  const ActorCell* find(const std::string& name) const;

  /// kCall, kCancel or kStreamWindow from a slot.
  void on_frame(int slot, const OpenFrame& open, Frame& frame);
  /// Nobody waits for what was called from there.
  void on_slot_lost(int slot);
  /// One slice of every actor's own work; true if one has more at once.
  bool work();

  // For dispatch.h.
  /// Sends the answer, unless its caller was replaced.
  void answer(ActorCell& cell, const IncomingCall& call, FrameKind kind,
              core::Bytes bytes, std::vector<core::Buffer> buffers);
  void answer_error(ActorCell& cell, const IncomingCall& call, const CallError& error);
  /// A call of this method has ended: the next one may run.
  void finished(ActorCell& cell, uint16_t method);
  std::shared_ptr<RunningCall> keep(ActorCell& cell, const IncomingCall& call);
  void forget(const IncomingCall& call);

  const std::map<std::string, std::shared_ptr<ActorCell>>& cells() const {
    return cells_;
  }
  std::vector<std::shared_ptr<const RunningCall>> running() const;
  uint64_t expired() const { return expired_; }
  uint64_t refused() const { return refused_; }

 private:
  using Key = std::pair<int, uint64_t>;  // calling slot, its number

  void enqueue(ActorCell& cell, IncomingCall call);
  bool may_start(const ActorCell& cell, uint16_t method) const;
  void start(ActorCell& cell, IncomingCall call, core::Clock::time_point now);
  void start_waiting(ActorCell& cell);
  bool start_one_waiting(ActorCell& cell);

  Runtime& runtime_;
  Wire& wire_;
  Limits limits_;
  std::map<std::string, std::shared_ptr<ActorCell>> cells_;
  std::unordered_map<uint32_t, ActorCell*> by_hash_;
  std::vector<std::shared_ptr<ActorCell>> workers_;  // all cells, in order of arrival
  std::map<Key, std::shared_ptr<RunningCall>> running_;
  uint64_t expired_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace srpo::actors
