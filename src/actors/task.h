// Coroutines of a rank: methods that wait for other calls, and programs of its own.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "actors/call_result.h"

namespace srpo::actors {

template <class R>
class Task;

namespace detail {

template <class R>
struct TaskResult {
  std::optional<R> value;
  void return_value(R result) { value.emplace(std::move(result)); }
  R take() { return std::move(*value); }
};
template <>
struct TaskResult<void> {
  void return_void() {}
  void take() {}
};

}  // namespace detail

/// Does nothing until it is awaited or given to Runtime::start(). Throws to whoever
/// awaits it. Owns its frame; one thread only: the reactor.
template <class R = void>
class [[nodiscard]] Task {
 public:
  // NOLINTNEXTLINE(readability-identifier-naming): the language's name
  struct promise_type : detail::TaskResult<R> {
    std::coroutine_handle<> continuation;
    std::exception_ptr error;

    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<promise_type> ended) noexcept {
        const auto next = ended.promise().continuation;
        return next ? next : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void unhandled_exception() { error = std::current_exception(); }
  };

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  auto operator co_await() && {
    struct Awaiter {
      std::coroutine_handle<promise_type> frame;
      bool await_ready() const { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
        frame.promise().continuation = awaiting;
        return frame;
      }
      R await_resume() {
        if (frame.promise().error) std::rethrow_exception(frame.promise().error);
        return frame.promise().take();
      }
    };
    return Awaiter{frame_};
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

/// A coroutine that is begun by its handle and frees itself when it ends: what runs a
/// Task. Must not throw.
struct Detached {
  // NOLINTNEXTLINE(readability-identifier-naming): the language's name
  struct promise_type {
    Detached get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    [[noreturn]] void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<> coroutine;
};

}  // namespace srpo::actors
