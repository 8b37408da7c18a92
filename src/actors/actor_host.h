// The actors of a rank: whose turn it is, and the answers.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "actors/actor_cell.h"
#include "actors/wire/wire.h"

namespace srpo::actors {

/// One thread only: the reactor. Borrows the wire.
class ActorHost {
 public:
  struct Limits {
    size_t mailbox_calls = 16384;  ///< that wait at one actor; more are refused
    /// A call can arrive before the spawn() that another rank has sent: it waits so long
    /// for its actor.
    std::chrono::nanoseconds patience{std::chrono::seconds(1)};
  };
  ActorHost(Runtime& runtime, Wire& wire, Limits limits)
      : runtime_(runtime), wire_(wire), limits_(limits) {}
  ~ActorHost();
  /// The end: nothing is answered or started any more. Before what runs is destroyed.
  void close() { alive_.reset(); }
  /// Expires with close(): for what may outlive the host.
  std::weak_ptr<const bool> alive() const { return alive_; }
  ActorHost(const ActorHost&) = delete;
  ActorHost& operator=(const ActorHost&) = delete;

  /// Makes an actor reachable under its name; replaces one of the same name.
  void add(const std::shared_ptr<ActorCell>& cell);
  /// Calls that wait fail; calls that run are asked to stop.
  void remove(const std::string& name, const std::string& why);
  const ActorCell* find(const std::string& name) const;

  /// kCall, kCancel or kStreamWindow from a slot.
  void on_frame(int slot, const OpenFrame& open, Frame& frame);
  /// Nobody waits for what was called from there.
  void on_slot_lost(int slot);
  /// One slice of every actor's own work; true if one has more at once.
  bool work();
  /// Asks running calls to stop whose deadline has passed, whether or not their caller's
  /// word has come.
  void expire();
  /// When expire() or work() have something to do because time has passed.
  std::optional<core::Clock::time_point> next_timer() const;

  // For dispatch.h.
  /// Sends the answer, unless its caller was replaced.
  void answer(ActorCell& cell, const IncomingCall& call, FrameKind kind,
              core::Bytes bytes, std::vector<core::Buffer> buffers,
              const References& references = {});
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
  /// Repeated calls that came while the first one still ran.
  uint64_t repeats_dropped() const { return repeats_dropped_; }

 private:
  using Key = std::tuple<int, uint32_t, uint64_t>;  // slot, incarnation, call
  static Key key_of(const IncomingCall& call) {
    return {call.slot, call.incarnation, call.call};
  }
  std::vector<std::shared_ptr<RunningCall>> running_if(
      const std::function<bool(const Key&, const RunningCall&)>& wanted) const;

  void accept(uint32_t actor, IncomingCall call);
  void trace_answer(const ActorCell& cell, const IncomingCall& call, FrameKind kind,
                    size_t bytes, const std::vector<core::Buffer>& buffers);
  void enqueue(ActorCell& cell, IncomingCall call);
  bool is_repeat(const IncomingCall& call);
  bool may_start(const ActorCell& cell, uint16_t method) const;
  void start(ActorCell& cell, IncomingCall call, core::Clock::time_point now);
  void start_waiting(ActorCell& cell);
  void keep_homeless(uint32_t actor, IncomingCall call);
  void house(const ActorCell& cell);
  bool refuse_homeless();
  bool start_one_waiting(ActorCell& cell);

  Runtime& runtime_;
  Wire& wire_;
  Limits limits_;
  std::map<std::string, std::shared_ptr<ActorCell>> cells_;
  std::unordered_map<uint32_t, ActorCell*> by_hash_;
  std::vector<std::shared_ptr<ActorCell>> workers_;  // all cells, in order of arrival
  std::map<Key, std::shared_ptr<RunningCall>> running_;
  std::deque<std::pair<uint32_t, IncomingCall>> homeless_;  // no actor of that name yet
  core::Clock::time_point next_look_;
  uint64_t expired_ = 0;
  uint64_t refused_ = 0;
  uint64_t repeats_dropped_ = 0;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace srpo::actors
