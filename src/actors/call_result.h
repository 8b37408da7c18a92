// What comes of a call: the value, or why there is none.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/error.h"

namespace srpo::actors {

/// The result of a method that returns nothing.
struct Done {
  template <class Self, class Visit>
  static void visit_fields(Self&, Visit&&) {}
};

struct CallError {
  enum class Kind {
    kNotSent,      ///< the call never left: the method did not run
    kTimeout,      ///< the deadline passed: the method may have run
    kApplication,  ///< the method threw, or never answered
  };
  Kind kind = Kind::kApplication;
  core::ErrorKind cause = core::ErrorKind::kBug;
  std::string message;
};

template <class R>
class CallResult {
 public:
  explicit CallResult(R value) : state_(std::move(value)) {}
  explicit CallResult(CallError error) : state_(std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  R& value() {
    if (!has_value()) throw core::Error(error().cause, error().message);
    return std::get<0>(state_);
  }
  const CallError& error() const { return std::get<1>(state_); }

 private:
  std::variant<R, CallError> state_;
};

/// A result that will come. Copies share it. One thread only: the reactor of the rank
/// that called.
template <class R>
class Future {
 public:
  Future() : state_(std::make_shared<State>()) {}

  bool is_ready() const { return state_->result.has_value(); }
  CallResult<R>& result() { return *state_->result; }

  /// Runs `action` when the result is there (at once if it is). One action a future.
  void then(std::function<void(CallResult<R>&)> action) {
    if (is_ready()) {
      action(*state_->result);
    } else {
      state_->action = std::move(action);
    }
  }

  void complete(CallResult<R> result) {
    state_->result.emplace(std::move(result));
    if (state_->action) std::exchange(state_->action, nullptr)(*state_->result);
  }

 private:
  struct State {
    std::optional<CallResult<R>> result;
    std::function<void(CallResult<R>&)> action;
  };
  std::shared_ptr<State> state_;
};

}  // namespace srpo::actors
