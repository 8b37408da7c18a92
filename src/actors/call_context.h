// What the code of a method can know about the call that it serves.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "core/deadline.h"

namespace srpo::actors {

/// No deadline is farther away: times stay far from the end of the clock.
constexpr std::chrono::hours kLongestWait{24 * 365};

/// One call, or one task of the rank's own, while it runs. Kept by the runtime until it
/// has ended.
struct CallContext {
  CallContext() = default;
  /// One that nobody can stop: costs no memory.
  explicit CallContext(std::nostopstate_t) : stop(std::nostopstate) {}

  std::string what;  ///< "Counter.add" or the task's name
  int caller = -1;   ///< slot; -1 for a task of this rank
  uint64_t call = 0;
  core::Clock::time_point started;
  std::optional<core::Clock::time_point> deadline;  ///< inherited by the calls it makes
  std::stop_source stop;      ///< asked to stop when the caller cancels or gives up
  uint64_t awaited_call = 0;  ///< pending call that its coroutine waits for; 0: none
};

/// The context of the code that runs now on this thread; null outside of calls and tasks.
CallContext* current_context();

/// Makes a context current for a scope.
class ContextScope {
 public:
  explicit ContextScope(CallContext* context);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  CallContext* previous_;
};

}  // namespace srpo::actors
