// The duty to answer one call, now or later.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "actors/call_result.h"

namespace srpo::actors {

/// A method that takes one as its last parameter answers when it likes. Copies share the
/// duty; when the last one goes unanswered the caller gets an error. One thread only: the
/// reactor.
template <class R>
class Reply {
 public:
  using Send = std::function<void(CallResult<R>)>;
  Reply(Send send, std::stop_token stop)
      : state_(std::make_shared<State>(std::move(send), std::move(stop))) {}

  void operator()(R value) const { state_->answer(CallResult<R>(std::move(value))); }
  void fail(core::ErrorKind cause, std::string message) const {
    state_->answer(CallResult<R>(
        CallError{CallError::Kind::kApplication, cause, std::move(message)}));
  }
  /// Asked to stop when the caller has cancelled the call or its deadline has passed.
  const std::stop_token& stop_token() const { return state_->stop; }

 private:
  struct State {
    State(Send to, std::stop_token token) : send(std::move(to)), stop(std::move(token)) {}
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
    std::stop_token stop;
  };
  std::shared_ptr<State> state_;
};

}  // namespace srpo::actors
