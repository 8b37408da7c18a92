// What a reactor is doing at this moment, for threads that wonder why it does not answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/deadline.h"

namespace srpo::actors {

/// Set by the reactor, read on any thread. A name must live for ever: those of methods
/// and classes do.
class RunningNow {
 public:
  /// The name itself lives in static memory too.
  using Name = const std::string_view*;

  /// In a scope; restores what went on before it.
  class Scope {
   public:
    Scope(RunningNow& now, Name name, core::Clock::time_point since)
        : now_(now),
          name_(now.name_.load(std::memory_order_relaxed)),
          since_(now.since_.load(std::memory_order_relaxed)) {
      now_.set(name, since.time_since_epoch().count());
    }
    ~Scope() { now_.set(name_, since_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    RunningNow& now_;
    Name name_;
    int64_t since_;
  };

  /// The name, empty between methods, and since when. The time may belong to the method
  /// before or after it for a moment.
  std::pair<std::string_view, core::Clock::time_point> get() const {
    const Name name = name_.load(std::memory_order_acquire);
    const core::Clock::duration since(since_.load(std::memory_order_relaxed));
    return {name == nullptr ? std::string_view() : *name, core::Clock::time_point(since)};
  }

 private:
  void set(Name name, int64_t since) {
    since_.store(since, std::memory_order_relaxed);
    name_.store(name, std::memory_order_release);
  }

  std::atomic<Name> name_{nullptr};
  std::atomic<int64_t> since_{0};
};

}  // namespace srpo::actors
