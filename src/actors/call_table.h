// The calls that this rank has made and that are not answered: credit, deadlines,
// repetition, cancellation.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "actors/actor_cell.h"
#include "actors/sight/trace_recorder.h"
#include "actors/timer_wheel.h"
#include "actors/wire/wire.h"

namespace srpo::actors {

/// How one call is made. (With constructors: g++ 12 destroys an aggregate or a closure
/// twice that is made inside a co_await expression.)
struct CallOptions {
  CallOptions() = default;
  explicit CallOptions(std::chrono::nanoseconds longest, std::stop_token token = {},
                       bool waits = true)
      : timeout(longest), stop(std::move(token)), wait_for_credit(waits) {}

  std::chrono::nanoseconds timeout{0};  ///< 0: the method's, or the runtime's
  std::stop_token stop;                 ///< cancels the call; may be asked on any thread
  bool wait_for_credit = true;          ///< false: kOverloaded at once without credit
};

/// What came back for a call.
struct Answer {
  FrameKind kind = FrameKind::kReply;
  std::span<const std::byte> arguments;
  std::span<const core::Buffer> buffers;
  const CallError* error = nullptr;  ///< of kError
  core::Clock::time_point arrived;   ///< of kReply
};

struct CallRequest {
  int slot = 0;
  uint32_t actor = 0;
  uint16_t method = 0;
  uint8_t flags = 0;
  std::string_view name;  ///< of the method
  MethodOptions method_options;
  CallOptions options;
  core::Bytes bytes;  ///< of a writer from begin_frame()
  std::vector<core::Buffer> buffers;
  References references;  ///< held until the call is answered
  bool streams = false;
  std::function<void(const Answer&)> receive;
};

/// One thread only: the reactor. Borrows the wire and the limits.
class CallTable {
 public:
  using Post = std::function<void(std::function<void()>)>;
  struct Limits {
    Credits credits;
    std::chrono::nanoseconds call_timeout{std::chrono::seconds(600)};
    std::chrono::nanoseconds credit_hold{std::chrono::seconds(60)};
  };
  /// `post` runs an action on the reactor and may be called on any thread.
  CallTable(Wire& wire, TimerWheel& timers, const Limits& limits, Post post);

  /// Sends the call, or lets it wait for credit. Its number; 0 when it failed at once
  /// (and `receive` has been called).
  uint64_t start(CallRequest request);
  /// kReply, kError or kStreamItem from a slot.
  void on_answer(int slot, const OpenFrame& open, const Frame& frame);
  /// A deadline or a time to repeat has come.
  void on_timer(uint64_t key);
  void cancel(uint64_t call, const CallError& error);
  /// The reader of a streamed result can take more.
  void grow_window(uint64_t call, uint32_t count);

  /// The process of a slot is lost: calls that were sent fail with kUnknownOutcome unless
  /// they are idempotent; the others wait for the replacement.
  void on_slot_lost(int slot, const std::string& reason);
  void on_slot_filled(int slot);
  /// Told when one call was under way in so many processes of a slot that were lost: it
  /// is to blame, not they.
  void on_poison(std::function<void(int slot, int losses)> action) {
    poison_ = std::move(action);
  }
  /// Every call to it fails.
  void on_slot_gone(int slot, const std::string& reason);

  /// Calls under way to a slot: sent and waiting.
  size_t load(int slot) const;
  size_t size() const { return used_; }
  /// Calls that were given up here and that the callee still has: they keep their credit
  /// until its answer comes, it is lost, or Limits::credit_hold has passed.
  size_t num_abandoned() const { return abandoned_; }
  void set_trace(TraceRecorder* trace) { trace_ = trace; }
  uint64_t late_replies() const { return late_replies_; }
  uint64_t repeated() const { return repeated_; }
  uint64_t overloaded() const { return overloaded_; }
  const LatencyHistogram& round_trips() const { return round_trips_; }

  /// "Counter::add of slot 3, sent 0.2 s ago": oldest first.
  std::vector<std::string> describe() const;
  std::string describe(uint64_t call) const;

  /// Expires with the table: for what may outlive it.
  std::weak_ptr<const bool> alive() const { return alive_; }

  static constexpr uint64_t kRepeatKey = uint64_t{1} << 62;

 private:
  using StopCallback = std::stop_callback<std::function<void()>>;
  struct Pending {
    uint64_t id = 0;  ///< 0: free
    uint32_t generation = 0;
    CallRequest request;
    FrameHeader header;
    size_t bytes = 0;
    core::Clock::time_point deadline;
    core::Clock::time_point started;
    uint32_t timer = 0;
    uint32_t repeat_timer = 0;
    int64_t items = 0;  ///< of a stream, received so far
    bool sent = false;
    bool abandoned = false;  ///< the caller has its answer, the callee still has the call
    int repeats_left = 0;
    int lost_callees = 0;
    std::unique_ptr<StopCallback> stop;
  };

  Pending& take_free();
  Pending* find(uint64_t call);
  const Pending* find(uint64_t call) const;
  void transmit(Pending& pending, core::Clock::time_point now);
  void trace(TraceKind kind, const Pending& pending, bool failed);
  /// Tells the receiver. The call is taken out, or abandoned if the callee still has it.
  void finish(Pending& pending, const Answer& answer, bool callee_has_it = false);
  /// Gives credit and place of a call back.
  void release(Pending& pending);
  void fail(Pending& pending, CallError::Kind kind, core::ErrorKind cause,
            const std::string& why, bool callee_has_it = false);
  void send_waiting(int slot, uint32_t actor);
  void send_cancel(const Pending& pending);
  std::string describe(const Pending& pending) const;

  Wire& wire_;
  TimerWheel& timers_;
  const Limits& limits_;
  Post post_;
  std::function<void(int, int)> poison_;
  TraceRecorder* trace_ = nullptr;
  std::deque<Pending> table_;
  std::vector<uint32_t> free_;
  size_t used_ = 0;
  size_t abandoned_ = 0;
  std::vector<size_t> load_;
  uint64_t late_replies_ = 0;
  uint64_t repeated_ = 0;
  uint64_t overloaded_ = 0;
  LatencyHistogram round_trips_;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace srpo::actors
