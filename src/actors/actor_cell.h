// An actor as the runtime holds it: its methods, the calls that wait and the calls that
// run.
#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/actor.h"
#include "actors/call_context.h"
#include "actors/objects/object_store.h"
#include "actors/wire/frame.h"

namespace srpo::actors {

class Runtime;
struct ActorCell;

/// A call that has arrived.
struct IncomingCall {
  int slot = 0;              ///< of the caller
  uint32_t incarnation = 0;  ///< of the caller, which alone may get the answer
  uint64_t call = 0;
  uint16_t method = 0;
  Frame frame;
  std::span<const std::byte> arguments;  ///< in the frame
  core::Clock::time_point deadline;
  core::Clock::time_point arrived;
  size_t bytes = 0;
  uint64_t items = 0;  ///< of a stream: elements before the one that is sent, or in all
  References references;  ///< held until the arguments have been read
};

/// A method as data: how to run it, made from its type by dispatch.h.
struct MethodInfo {
  std::string_view name;
  MethodOptions options;
  bool runs_on = false;  ///< it may go on after invoke() has returned
  void (*invoke)(Runtime&, ActorCell&, IncomingCall) = nullptr;
};

/// Times of calls, in powers of two of nanoseconds.
struct LatencyHistogram {
  std::array<uint64_t, 48> counts{};
  uint64_t total = 0;

  void add(std::chrono::nanoseconds time);
  /// The upper edge of the bucket that holds quantile q; 0 without calls.
  std::chrono::nanoseconds quantile(double q) const;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    for (auto& count : self.counts) visit("count", count);
    visit("total", self.total);
  }
};

struct MethodState {
  const MethodInfo* info = nullptr;
  int running = 0;
  std::deque<IncomingCall> waiting;  ///< of a re-entrant method
  uint64_t calls = 0;
  uint64_t errors = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  LatencyHistogram service;  ///< from arrival to answer
};

/// One actor of this rank. Ordered methods share one lane; a re-entrant method has its
/// own.
struct ActorCell : std::enable_shared_from_this<ActorCell> {
  std::string name;
  uint32_t hash = 0;
  std::string_view class_name;
  const std::string_view* work_name = nullptr;  ///< of its own work(), if it has one
  uint64_t class_hash = 0;
  Actor* actor = nullptr;
  std::unique_ptr<Actor> owned;  ///< when it was spawned; empty when it is borrowed
  std::string failure;           ///< why there is no actor: its constructor threw
  std::vector<MethodState> methods;
  bool ordered_running = false;
  std::deque<IncomingCall> ordered_waiting;
  size_t num_waiting = 0;
  bool stopped = false;
  bool starting = false;  ///< in the loop that starts what waits

  size_t num_running() const;
};

/// A call or a task that goes on after the turn in which it began.
struct RunningCall {
  CallContext context;
  std::weak_ptr<ActorCell> cell;
  uint16_t method = 0;
  std::coroutine_handle<> coroutine;          ///< destroyed with the runtime
  std::function<void(uint32_t)> grow_window;  ///< of a stream
  std::function<void()> cancel_stream;
};

}  // namespace srpo::actors
