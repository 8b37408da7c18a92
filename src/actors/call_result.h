// What comes of a call: the value, or why there is none.
#pragma once

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
    kNotSent,         ///< the call never left: the method did not run
    kUnknownOutcome,  ///< the callee was lost: the method may have run
    kTimeout,         ///< the deadline passed: the method may have run
    kOverloaded,      ///< no credit, or the mailbox is full: the method did not run
    kCancelled,       ///< the caller asked for it: the method may have run
    kApplication,     ///< the method threw, or never answered
    kObjectLost,      ///< the owner of an object is gone
  };
  Kind kind = Kind::kApplication;
  core::ErrorKind cause = core::ErrorKind::kBug;
  std::string message;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("cause", self.cause);
    visit("message", self.message);
  }
};

/// What is handled in the catch block that calls this, as an error of a method.
CallError caught_error();

/// "timeout", "overloaded", ...
const char* to_string(CallError::Kind kind);

/// Either an R or a CallError.
template <class R>
class CallResult {
 public:
  using Value = R;
  explicit CallResult(R value) : state_(std::in_place_index<0>, std::move(value)) {}
  explicit CallResult(CallError error)
      : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  /// Throws core::Error with the cause when there is no value.
  R& value() & {
    check();
    return std::get<0>(state_);
  }
  const R& value() const& {
    check();
    return std::get<0>(state_);
  }
  /// By value, so that `for (auto& each : *co_await all)` does not refer to the dead.
  R value() && {
    check();
    return std::get<0>(std::move(state_));
  }
  R& operator*() & { return value(); }
  const R& operator*() const& { return value(); }
  R operator*() && { return std::move(*this).value(); }
  R* operator->() { return &value(); }
  const R* operator->() const { return &value(); }
  R value_or(R other) const {
    return has_value() ? std::get<0>(state_) : std::move(other);
  }
  const CallError& error() const { return std::get<1>(state_); }

 private:
  void check() const {
    if (!has_value()) throw core::Error(error().cause, error().message);
  }
  std::variant<R, CallError> state_;
};

}  // namespace srpo::actors
