// Streamed results: a method that answers many times, and the caller's end of it.
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "actors/future.h"

namespace srpo::actors {

/// What a stream's elements go through; the runtime's. Not for users.
template <class T>
struct StreamSink {
  std::function<void(T)> send;
  std::function<void(const std::exception_ptr&)> ended;  ///< destroys the stream
  uint32_t window = 0;  ///< elements the reader can take now
  bool cancelled = false;
  std::coroutine_handle<> waiting;  ///< at a co_yield, for window
};

/// The result type of a method that is a coroutine and says `co_yield element`. It is
/// suspended while the reader has not taken what was sent (back-pressure), and ends at
/// its next co_yield when the reader has gone. It may co_await calls in between. Owns its
/// frame; one thread only: the reactor.
template <class T>
class [[nodiscard]] Stream {
 public:
  // NOLINTNEXTLINE(readability-identifier-naming): the language's name
  struct promise_type {
    StreamSink<T>* sink = nullptr;
    std::exception_ptr error;

    Stream get_return_object() {
      return Stream(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      void await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        const std::exception_ptr error = self.promise().error;
        self.promise().sink->ended(error);
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    struct Yield {
      StreamSink<T>* sink;
      bool await_ready() const { return !sink->cancelled && sink->window > 0; }
      void await_suspend(std::coroutine_handle<> self) const {
        if (sink->cancelled) {
          sink->ended(nullptr);
        } else {
          sink->waiting = self;
        }
      }
      void await_resume() const {}
    };
    Yield yield_value(T value) {
      if (!sink->cancelled) {
        --sink->window;
        sink->send(std::move(value));
      }
      return {sink};
    }
    void return_void() {}
    void unhandled_exception() { error = std::current_exception(); }
  };

  Stream(Stream&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Stream() {
    if (frame_) frame_.destroy();
  }

  /// Begins; `sink` must outlive the stream.
  void start(StreamSink<T>& sink) {
    frame_.promise().sink = &sink;
    frame_.resume();
  }

 private:
  explicit Stream(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

/// The caller's end. Copies share it; the producer is told to end when the last one is
/// gone. One thread only: the reactor.
///
///   auto lines = log.call<&Log::tail>("generator/3");
///   while (auto line = *co_await lines.next()) std::puts(line->c_str());
template <class T>
class StreamReader {
 public:
  struct State {
    std::deque<T> items;
    std::optional<CallResult<Done>> end;
    std::optional<Future<std::optional<T>>> waiting;
    std::function<void()> taken;   ///< one element has left the queue
    std::function<void()> cancel;  ///< nobody reads any more
    ~State() {
      if (!end && cancel) cancel();
    }
    void push(T value) {
      items.push_back(std::move(value));
      serve();
    }
    void finish(CallResult<Done> result) {
      end.emplace(std::move(result));
      serve();
    }
    void serve() {
      if (!waiting || (items.empty() && !end)) return;
      const Future<std::optional<T>> future = std::move(*waiting);
      waiting.reset();
      if (!items.empty()) {
        std::optional<T> item(std::move(items.front()));
        items.pop_front();
        if (!end && taken) taken();
        future.complete(CallResult<std::optional<T>>(std::move(item)));
      } else if (end->has_value()) {
        future.complete(CallResult<std::optional<T>>(std::optional<T>{}));
      } else {
        future.complete(CallResult<std::optional<T>>(end->error()));
      }
    }
  };

  explicit StreamReader(std::shared_ptr<State> state) : state_(std::move(state)) {}

  /// The next element; nothing after the last one; the error that ended the stream. One
  /// at a time.
  Future<std::optional<T>> next() const {
    Future<std::optional<T>> future;
    state_->waiting = future;
    const auto keep = state_;
    keep->serve();
    return future;
  }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace srpo::actors
