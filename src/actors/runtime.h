// The reactor of a rank: receives frames, runs actors, keeps deadlines.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "actors/actor.h"
#include "actors/envelope.h"
#include "actors/transport.h"
#include "core/deadline.h"

namespace srpo::actors {

struct RuntimeConfig {
  int polls_before_sleep = 200;                  ///< empty rounds before the thread rests
  std::chrono::microseconds longest_sleep{500};  ///< of an idle rank; doubles up to this
  std::chrono::seconds call_timeout{600};        ///< unless the call gives one
};

class Runtime;

/// A typed address: an actor of class A under a name on a rank. Cheap to copy; borrows
/// the runtime.
template <class A>
class Handle {
 public:
  Handle(Runtime& runtime, int rank, std::string_view name)
      : runtime_(&runtime), rank_(rank), actor_(name_hash(name)) {}

  int rank() const { return rank_; }

  /// Calls kMethod with the arguments (values are copied into the message). Calls from
  /// one rank to one actor arrive in order and run at most once. The future completes on
  /// this rank's reactor; with kTimeout at the latest.
  template <auto kMethod, class... Args>
  auto call(const Args&... args) const {
    return call_within<kMethod>(std::chrono::nanoseconds{0}, args...);
  }
  template <auto kMethod, class... Args>
  Future<typename SignatureOf<kMethod>::Result> call_within(
      std::chrono::nanoseconds timeout, const Args&... args) const;

 private:
  Runtime* runtime_;
  int rank_;
  uint32_t actor_;
};

/// One thread only: the one that owns the transport. Actors are borrowed and must outlive
/// it.
class Runtime {
 public:
  explicit Runtime(Transport& transport, RuntimeConfig config = {});

  int rank() const { return transport_.rank(); }
  int size() const { return transport_.size(); }

  /// Makes an actor reachable under a name on this rank.
  template <class A>
  void host(std::string_view name, A& actor);

  template <class A>
  Handle<A> find(int rank, std::string_view name) {
    return Handle<A>(*this, rank, name);
  }

  /// Receives and works until stop(). Rests when there is nothing to do.
  void run();
  /// One round; true if anything happened.
  bool poll();
  /// One round, and a rest if nothing happened.
  void turn() { rest_unless(poll()); }
  /// Rounds until the result is there; throws core::Error with the cause when the call
  /// failed.
  template <class R>
  R wait(Future<R> future) {
    while (!future.is_ready()) turn();
    return std::move(future.result().value());
  }

  /// Leaves run() after this round.
  void stop() { stopping_ = true; }
  bool is_stopping() const { return stopping_; }
  /// Tells every rank to leave run(), and waits (five seconds at most) until what was
  /// sent has gone out.
  void stop_all();

  /// Runs `action` in the loop when the process gets one of the signals.
  void on_signal(const std::vector<int>& signals, const std::function<void(int)>& action);

  /// Calls under way, oldest first: what this rank waits for.
  std::vector<std::string> pending_calls() const;

 private:
  template <class A>
  friend class Handle;

  using Receive = std::function<void(FrameKind, const core::Bytes&)>;
  struct PendingCall {
    Receive receive;
    core::Clock::time_point deadline;
    int rank;
    std::string what;
  };
  using Dispatch = std::function<void(int from, const Envelope&)>;

  template <auto kMethod, class A>
  void run_method(A& actor, int from, const Envelope& envelope);
  void start_call(int rank, uint32_t actor, uint16_t method, core::Bytes arguments,
                  std::chrono::nanoseconds timeout, Receive receive);
  void answer(int to, uint64_t call, FrameKind kind, core::Bytes payload);
  void handle(int from, const core::Bytes& frame);
  void handle_reply(const Envelope& envelope);
  void expire_calls();
  void rest_unless(bool busy);
  void wait_for_signal(const std::function<void(int)>& action);

  Transport& transport_;
  RuntimeConfig config_;
  boost::asio::io_context io_;
  std::unique_ptr<boost::asio::signal_set> signals_;
  std::unordered_map<uint32_t, Dispatch> actors_;
  std::vector<Actor*> workers_;
  std::unordered_map<uint64_t, PendingCall> calls_;
  std::set<std::pair<core::Clock::time_point, uint64_t>> deadlines_;
  uint64_t next_call_ = 1;
  uint64_t late_replies_ = 0;
  int idle_rounds_ = 0;
  bool stopping_ = false;
};

/// An error as the payload of a kError frame, and back.
core::Bytes encode_error(core::ErrorKind cause, const std::string& message);
CallError decode_error(const core::Bytes& payload);

template <class A>
template <auto kMethod, class... Args>
Future<typename SignatureOf<kMethod>::Result> Handle<A>::call_within(
    std::chrono::nanoseconds timeout, const Args&... args) const {
  using Signature = SignatureOf<kMethod>;
  using Result = typename Signature::Result;
  using Arguments = typename Signature::Arguments;
  constexpr int kIndex = A::Methods::template index_of<kMethod>();
  static_assert(kIndex >= 0, "this method is not in the actor's Methods list");
  static_assert(std::is_constructible_v<Arguments, const Args&...>,
                "the arguments do not fit the method's parameters");
  Future<Result> future;
  runtime_->start_call(
      rank_, actor_, static_cast<uint16_t>(kIndex), core::to_bytes(Arguments(args...)),
      timeout, [future](FrameKind kind, const core::Bytes& payload) mutable {
        if (kind == FrameKind::kReply) {
          future.complete(CallResult<Result>(core::from_bytes<Result>(payload)));
        } else {
          future.complete(CallResult<Result>(decode_error(payload)));
        }
      });
  return future;
}

template <auto kMethod, class A>
void Runtime::run_method(A& actor, int from, const Envelope& envelope) {
  using Signature = SignatureOf<kMethod>;
  using Result = typename Signature::Result;
  Reply<Result> reply([this, from, call = envelope.call](CallResult<Result> result) {
    if (result.has_value()) {
      answer(from, call, FrameKind::kReply, core::to_bytes(result.value()));
    } else {
      answer(from, call, FrameKind::kError,
             encode_error(result.error().cause, result.error().message));
    }
  });
  const auto apply = [&](auto&... each) {
    if constexpr (Signature::kDeferred) {
      (actor.*kMethod)(std::move(each)..., reply);
    } else if constexpr (std::is_same_v<Result, Done>) {
      (actor.*kMethod)(std::move(each)...);
      reply(Done{});
    } else {
      reply((actor.*kMethod)(std::move(each)...));
    }
  };
  try {
    auto arguments = core::from_bytes<typename Signature::Arguments>(envelope.payload);
    std::apply(apply, arguments);
  } catch (const core::Error& error) {
    reply.fail(error.kind(), error.what());
  } catch (const std::exception& error) {
    reply.fail(core::ErrorKind::kBug, error.what());
  }
}

template <class A>
void Runtime::host(std::string_view name, A& actor) {
  workers_.push_back(&actor);
  actors_[name_hash(name)] = [this, &actor](int from, const Envelope& envelope) {
    const bool known = A::Methods::visit(
        envelope.method, [&]<auto kMethod>() {
          run_method<kMethod>(actor, from, envelope);
        });
    if (!known) {
      answer(from, envelope.call, FrameKind::kError,
             encode_error(core::ErrorKind::kPeerLost,
                          "no method " + std::to_string(envelope.method)));
    }
  };
}

}  // namespace srpo::actors
