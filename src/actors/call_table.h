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
#include "actors/timer_wheel.h"
#include "actors/wire.h"

namespace srpo::actors {

/// How one call is made.
struct CallOptions {
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
  void cancel(uint64_t call, CallError error);
  /// The reader of a streamed result can take more.
  void grow_window(uint64_t call, uint32_t count);

  /// The process of a slot is lost: calls that were sent fail with kUnknownOutcome unless
  /// they are idempotent; the others wait for the replacement.
  void on_slot_lost(int slot, const std::string& reason);
  void on_slot_filled(int slot);
  /// Every call to it fails.
  void on_slot_gone(int slot, const std::string& reason);

  /// Calls under way to a slot: sent and waiting.
  size_t load(int slot) const;
  size_t size() const { return used_; }
  uint64_t late_replies() const { return late_replies_; }
  uint64_t repeated() const { return repeated_; }
  uint64_t overloaded() const { return overloaded_; }
  const LatencyHistogram& round_trips() const { return round_trips_; }

  /// "Counter::add of slot 3, sent 0.2 s ago": oldest first.
  std::vector<std::string> describe() const;
  std::string describe(uint64_t call) const;

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
    bool sent = false;
    int repeats_left = 0;
    int lost_callees = 0;
    std::unique_ptr<StopCallback> stop;
  };

  Pending& take_free();
  Pending* find(uint64_t call);
  const Pending* find(uint64_t call) const;
  void transmit(Pending& pending, core::Clock::time_point now);
  /// Takes the call out and tells its receiver.
  void finish(Pending& pending, const Answer& answer);
  void fail(Pending& pending, CallError::Kind kind, core::ErrorKind cause,
            const std::string& why);
  void send_waiting(int slot, uint32_t actor);
  void send_cancel(const Pending& pending);
  std::string describe(const Pending& pending) const;

  Wire& wire_;
  TimerWheel& timers_;
  const Limits& limits_;
  Post post_;
  std::deque<Pending> table_;
  std::vector<uint32_t> free_;
  size_t used_ = 0;
  std::vector<size_t> load_;
  uint64_t late_replies_ = 0;
  uint64_t repeated_ = 0;
  uint64_t overloaded_ = 0;
  LatencyHistogram round_trips_;
};

}  // namespace srpo::actors
