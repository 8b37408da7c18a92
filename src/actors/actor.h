// What an actor is: an object whose listed methods other ranks may call.
//
//   class Counter : public actors::Actor {
//    public:
//     int64_t add(int64_t amount) { return total_ += amount; }            // answers when
//     it returns void wait_for(int64_t total, actors::Reply<int64_t> reply);         //
//     answers later using Methods = actors::MethodList<&Counter::add,
//     &Counter::wait_for>;
//   };
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "actors/call_result.h"
#include "core/archive.h"

namespace srpo::actors {

/// Methods and work() run on the reactor thread of its rank, one at a time.
class Actor {
 public:
  virtual ~Actor() = default;
  /// One slice of the actor's own work between messages; true if there is more at once.
  virtual bool work() { return false; }
};

/// Answers one call, now or later. Copies share the duty; when the last one goes
/// unanswered the caller gets an error.
template <class R>
class Reply {
 public:
  using Send = std::function<void(CallResult<R>)>;
  explicit Reply(Send send) : state_(std::make_shared<State>(std::move(send))) {}

  void operator()(R value) const { state_->answer(CallResult<R>(std::move(value))); }
  void fail(core::ErrorKind cause, std::string message) const {
    state_->answer(CallResult<R>(
        CallError{CallError::Kind::kApplication, cause, std::move(message)}));
  }

 private:
  struct State {
    explicit State(Send to) : send(std::move(to)) {}
    ~State() {
      answer(CallResult<R>(CallError{CallError::Kind::kApplication, core::ErrorKind::kBug,
                                     "the method ended without an answer"}));
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    void answer(CallResult<R> result) {
      if (send) std::exchange(send, nullptr)(std::move(result));
    }
    Send send;
  };
  std::shared_ptr<State> state_;
};

namespace detail {

template <class T>
struct IsReply : std::false_type {};
template <class R>
struct IsReply<Reply<R>> : std::true_type {
  using Result = R;
};

template <class... Args>
struct LastOf {
  using Type = void;
};
template <class First, class... Rest>
struct LastOf<First, Rest...> {
  using Type = typename LastOf<Rest...>::Type;
};
template <class Only>
struct LastOf<Only> {
  using Type = Only;
};

template <class Tuple, size_t... I>
auto first_of(std::index_sequence<I...>) -> std::tuple<std::tuple_element_t<I, Tuple>...>;

template <class Method>
struct Signature;
template <class A, class R, class... Args>
struct Signature<R (A::*)(Args...)> {
  using Owner = A;
  using Last = std::decay_t<typename LastOf<Args...>::Type>;
  static constexpr bool kDeferred = IsReply<Last>::value;
  using All = std::tuple<std::decay_t<Args>...>;
  using Arguments = decltype(first_of<All>(
      std::make_index_sequence<sizeof...(Args) - (kDeferred ? 1 : 0)>{}));
  template <bool kLater, class>
  struct ResultOf {
    using Type = std::conditional_t<std::is_void_v<R>, Done, std::decay_t<R>>;
  };
  template <class ReplyType>
  struct ResultOf<true, ReplyType> {
    using Type = typename IsReply<ReplyType>::Result;
  };
  using Result = typename ResultOf<kDeferred, Last>::Type;
};

}  // namespace detail

/// Argument tuple, result and owner of a method of an actor.
template <auto kMethod>
using SignatureOf = detail::Signature<decltype(kMethod)>;

template <auto kA, auto kB>
constexpr bool same_method() {
  if constexpr (std::is_same_v<decltype(kA), decltype(kB)>) {
    return kA == kB;
  } else {
    return false;
  }
}

/// The methods that may be called from other ranks; the place in the list is the method's
/// number on the wire.
template <auto... kMethods>
struct MethodList {
  template <auto kMethod>
  static constexpr int index_of() {
    int index = 0;
    int found = -1;
    ((same_method<kMethod, kMethods>() ? found = index : index, ++index), ...);
    return found;
  }

  /// Calls `visit.template operator()<kMethod>()` for the method with this number; false
  /// if there is none.
  template <class Visit>
  static bool visit(uint16_t number, Visit&& visit) {
    uint16_t index = 0;
    bool found = false;
    ((index++ == number ? (visit.template operator()<kMethods>(), found = true) : false),
     ...);
    return found;
  }
};

}  // namespace srpo::actors
