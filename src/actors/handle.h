// The caller's side: typed addresses of one actor and of a group.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "actors/reactor.h"

namespace srpo::actors {

namespace detail {

template <class Parameter, class Argument>
void write_argument(core::ByteWriter& writer, const Argument& argument) {
  if constexpr (std::is_same_v<Parameter, Argument>) {
    writer.write(argument);
  } else {
    writer.write(Parameter(argument));
  }
}

template <class... Parameters, class... Args>
void write_arguments(core::ByteWriter& writer, const std::tuple<Parameters...>*,
                     const Args&... args) {
  (write_argument<Parameters>(writer, args), ...);
}

template <class R>
CallResult<R> read_answer(const Answer& answer) {
  if (answer.kind == FrameKind::kError) return CallResult<R>(CallError(*answer.error));
  try {
    core::ByteReader reader(answer.arguments, answer.buffers);
    R value{};
    reader.read(value);
    return CallResult<R>(std::move(value));
  } catch (const core::Error& error) {
    return CallResult<R>(
        CallError{CallError::Kind::kUnknownOutcome, error.kind(), error.what()});
  } catch (const std::exception& error) {  // no memory for it
    return CallResult<R>(
        CallError{CallError::Kind::kUnknownOutcome, core::ErrorKind::kBug, error.what()});
  }
}

template <class Arguments, class... Args>
constexpr bool fits() {
  if constexpr (std::tuple_size_v<Arguments> != sizeof...(Args)) {
    return false;
  } else {
    return std::is_constructible_v<Arguments, const Args&...>;
  }
}

}  // namespace detail

/// A typed address: an actor of class A under a name on a rank. Cheap to copy, travels in
/// messages. Calls from one rank to one actor are received in the order they were made,
/// and run at most once unless the method is declared idempotent.
template <class A>
class Handle {
 public:
  Handle() : runtime_(Runtime::current()) {}
  Handle(Runtime& runtime, int rank, uint32_t actor)
      : runtime_(&runtime), rank_(rank), actor_(actor) {}

  int rank() const { return rank_; }
  /// Calls of this rank under way to the actor's rank.
  size_t load() const { return runtime_->calls().load(rank_); }
  /// False while its process is lost.
  bool is_up() const {
    const Wire& wire = runtime_->wire();
    return wire.is_slot(rank_) && wire.peer(rank_).state == Peer::State::kUp;
  }

  /// Calls kMethod. The future completes on this rank's reactor, at the deadline at the
  /// latest. A method that returns a Stream gives a StreamReader.
  template <auto kMethod, class... Args>
  auto call(const Args&... args) const {
    return call_with<kMethod>(CallOptions{}, args...);
  }
  template <auto kMethod, class... Args>
  auto call_within(std::chrono::nanoseconds timeout, const Args&... args) const {
    return call_with<kMethod>(CallOptions{timeout, {}, true}, args...);
  }
  /// kOverloaded at once when there is no credit.
  template <auto kMethod, class... Args>
  auto try_call(const Args&... args) const {
    return call_with<kMethod>(CallOptions{{}, {}, false}, args...);
  }
  template <auto kMethod, class... Args>
  auto call_with(const CallOptions& options, const Args&... args) const;
  /// Calls and drops the answer; errors are logged.
  template <auto kMethod, class... Args>
  void tell(const Args&... args) const;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("rank", self.rank_);
    visit("actor", self.actor_);
  }

 private:
  template <auto kMethod, class... Args>
  CallRequest request(const CallOptions& options, const Args&... args) const;
  template <class T>
  StreamReader<T> open_stream(CallRequest request) const;

  Runtime* runtime_;
  int rank_ = 0;
  uint32_t actor_ = 0;
};

/// Which member of a group gets a call.
enum class Pick {
  kRoundRobin,
  kLeastLoaded,  ///< the fewest calls of this rank under way; ties go to the first
};

/// Actors of one class under one name on several ranks. Copies share the round robin.
template <class A>
class Group {
 public:
  Group() = default;
  explicit Group(std::vector<Handle<A>> members,
                 Future<std::vector<CallResult<Done>>> started = {})
      : members_(std::move(members)),
        started_(std::move(started)),
        next_(std::make_shared<size_t>(0)) {}

  size_t size() const { return members_.size(); }
  const Handle<A>& operator[](size_t index) const { return members_[index]; }
  auto begin() const { return members_.begin(); }
  auto end() const { return members_.end(); }
  /// What the constructors said, in the order of the members: of a group from spawn().
  const Future<std::vector<CallResult<Done>>>& started() const { return started_; }

  /// Members whose process is lost are passed over, unless there is no other.
  const Handle<A>& pick(Pick policy) const {
    ENSURE(!members_.empty(), "pick() of an empty group");
    if (policy == Pick::kRoundRobin) return next_up((*next_)++);
    const Handle<A>* best = nullptr;
    for (const Handle<A>& member : members_) {
      if (member.is_up() && (best == nullptr || member.load() < best->load()))
        best = &member;
    }
    return best == nullptr ? members_.front() : *best;
  }
  /// The same member for the same key, as long as all members are up.
  const Handle<A>& pick_by_key(uint64_t key) const {
    ENSURE(!members_.empty(), "pick_by_key() of an empty group");
    return next_up(key * 0x9E3779B97F4A7C15u >> 32);
  }
  /// Calls every member; the results in the order of the members.
  template <auto kMethod, class... Args>
  auto broadcast(const Args&... args) const {
    static_assert(SignatureOf<kMethod>::kKind != detail::MethodKind::kStream,
                  "a streamed result comes from one member: call() each");
    using Result = typename SignatureOf<kMethod>::Result;
    std::vector<Future<Result>> futures;
    for (const Handle<A>& member : members_)
      futures.push_back(member.template call<kMethod>(args...));
    return when_all(futures);
  }

 private:
  const Handle<A>& next_up(size_t from) const {
    for (size_t i = 0; i < members_.size(); ++i) {
      const Handle<A>& member = members_[(from + i) % members_.size()];
      if (member.is_up()) return member;
    }
    return members_[from % members_.size()];
  }

  std::vector<Handle<A>> members_;
  Future<std::vector<CallResult<Done>>> started_;
  std::shared_ptr<size_t> next_;
};

template <class A>
template <auto kMethod, class... Args>
CallRequest Handle<A>::request(const CallOptions& options, const Args&... args) const {
  using Arguments = typename SignatureOf<kMethod>::Arguments;
  constexpr int kIndex = A::Methods::template index_of<kMethod>();
  static_assert(kIndex >= 0, "this method is not in the actor's Methods list");
  static_assert(detail::check_signature<kMethod>());
  static_assert(detail::fits<Arguments, Args...>(),
                "the arguments do not fit the method's parameters");
  CallRequest request;
  ReferenceCollector collector;
  core::ByteWriter writer = begin_frame(request.buffers);
  detail::write_arguments(writer, static_cast<const Arguments*>(nullptr), args...);
  request.references = collector.finish(writer);
  if (!request.references.empty()) request.flags |= kCarriesReferences;
  request.slot = rank_;
  request.actor = actor_;
  request.method = static_cast<uint16_t>(kIndex);
  static constexpr std::string_view kName = method_name<kMethod>();
  request.name = kName;
  static constexpr MethodOptions kOptions = A::Methods::template options<kMethod>();
  request.method_options = kOptions;
  request.options = options;
  request.bytes = writer.take();
  return request;
}

template <class A>
template <auto kMethod, class... Args>
auto Handle<A>::call_with(const CallOptions& options, const Args&... args) const {
  using Signature = SignatureOf<kMethod>;
  using Result = typename Signature::Result;
  CallRequest request = this->request<kMethod>(options, args...);
  if constexpr (Signature::kKind == detail::MethodKind::kStream) {
    return open_stream<Result>(std::move(request));
  } else {
    Future<Result> future;
    request.receive = [future](const Answer& answer) {
      future.complete(detail::read_answer<Result>(answer));
    };
    future.set_call(runtime_->calls().start(std::move(request)));
    return future;
  }
}

template <class A>
template <class T>
StreamReader<T> Handle<A>::open_stream(CallRequest request) const {
  auto state = std::make_shared<typename StreamReader<T>::State>();
  const std::weak_ptr weak = state;
  request.streams = true;
  request.receive = [weak](const Answer& answer) {
    const auto state = weak.lock();
    if (!state) return;
    if (answer.kind == FrameKind::kStreamItem) {
      auto item = detail::read_answer<T>(answer);
      if (item.has_value()) {
        state->push(std::move(item.value()));
      } else {
        state->finish(CallResult<Done>(item.error()));
      }
    } else {
      state->finish(detail::read_answer<Done>(answer));
    }
  };
  const uint64_t call = runtime_->calls().start(std::move(request));
  if (call == 0) return StreamReader<T>(std::move(state));
  CallTable& calls = runtime_->calls();
  const uint32_t step = std::max(1u, runtime_->config().stream_window / 2);
  state->taken = [&calls, alive = calls.alive(), call, step, count = 0u]() mutable {
    if (++count < step || alive.expired()) return;
    calls.grow_window(call, std::exchange(count, 0u));
  };
  state->cancel = [&calls, alive = calls.alive(), call] {
    if (alive.expired()) return;  // a reader that outlives the runtime
    calls.cancel(call, {CallError::Kind::kCancelled, core::ErrorKind::kTimeout,
                        "nobody reads the stream any more"});
  };
  return StreamReader<T>(std::move(state));
}

template <class A>
template <auto kMethod, class... Args>
void Handle<A>::tell(const Args&... args) const {
  static_assert(SignatureOf<kMethod>::kKind != detail::MethodKind::kStream,
                "a streamed result cannot be dropped: call() it");
  CallRequest request = this->request<kMethod>(CallOptions{}, args...);
  request.receive = [name = request.name, rank = rank_](const Answer& answer) {
    if (answer.kind == FrameKind::kError) log_dropped_error(name, rank, *answer.error);
  };
  runtime_->calls().start(std::move(request));
}

template <class A>
Handle<A> Runtime::find(int rank, std::string_view name) {
  return Handle<A>(*this, rank, name_hash(name));
}

}  // namespace srpo::actors
