// The reactor of a rank: moves messages, runs actors, keeps deadlines. Include runtime.h,
// which brings the templates that it declares.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "actors/actor_host.h"
#include "actors/call_table.h"
#include "actors/future.h"
#include "actors/inbox.h"
#include "actors/objects/object_store.h"
#include "actors/sight/inspection.h"
#include "actors/sight/running_now.h"
#include "actors/sight/trace_recorder.h"
#include "actors/supervision/actor_spec.h"
#include "actors/task.h"
#include "actors/timer_wheel.h"
#include "actors/wire/transport.h"
#include "actors/wire/wire.h"
#include "actors/work_pool.h"

namespace srpo::actors {

/// What an idle rank does.
enum class Progress {
  kAdaptive,  ///< spins a little, then yields, then sleeps: ranks share cores
  kSpin,      ///< never sleeps: lowest latency, a core a rank
};

struct RuntimeConfig {
  int num_slots = 0;  ///< ranks that fill a slot; the others are spares; 0: all
  Progress progress = Progress::kAdaptive;
  int polls_before_sleep = 200;  ///< empty rounds before the thread rests
  std::chrono::microseconds longest_sleep{1000};  ///< of an idle rank; doubles up to this
  std::chrono::nanoseconds call_timeout{std::chrono::seconds(600)};
  Credits credits = {};  ///< of this rank at each actor
  /// Of a call that was given up and that its callee has not answered: it keeps its
  /// credit so long, for it may still take memory there.
  std::chrono::nanoseconds credit_hold{std::chrono::seconds(60)};
  size_t mailbox_calls = 16384;  ///< that wait at one actor of this rank
  std::chrono::nanoseconds patience{
      std::chrono::seconds(1)};  ///< with an actor that is not there yet
  uint32_t stream_window = 16;   ///< elements on their way to a reader
  int pool_threads = 2;          ///< for blocking work
  size_t object_bytes = 0;       ///< of objects, own and fetched; 0: half of the memory
  size_t trace_events = 0;       ///< that the trace ring holds; 0: no tracing
  /// Between reports for other threads; 0: none. Never in simulated time.
  std::chrono::nanoseconds report_every{std::chrono::seconds(1)};
  std::chrono::nanoseconds gap_timeout{std::chrono::seconds(1)};  ///< for a lost frame
};

template <class A>
class Handle;
template <class A>
class Group;
template <class T>
class Ref;
class RankServices;
class Node;

/// Logs the error of a call whose answer is dropped.
void log_dropped_error(std::string_view method, int rank, const CallError& error);

/// One thread only: the one that owns the transport; post() excepted. Borrowed actors
/// must outlive it.
class Runtime {
 public:
  explicit Runtime(Transport& transport, RuntimeConfig config = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// The runtime whose turn it is on this thread; null outside of poll().
  static Runtime* current();

  /// The slot that this process fills; -1 for a spare.
  int rank() const { return wire_.slot(); }
  /// Number of slots.
  int size() const { return wire_.num_slots(); }

  // --- actors ---------------------------------------------------------------------
  /// Makes an actor reachable under a name on this rank; borrows it.
  template <class A>
  void host(std::string_view name, A& actor);
  /// The same; owns it.
  template <class A>
  void host(std::string_view name, std::unique_ptr<A> actor);
  void unhost(const std::string& name) { host_.remove(name, "unhosted"); }

  /// The actor of that name on that rank, if there is one: the first call tells.
  template <class A>
  Handle<A> find(int rank, std::string_view name);

  /// Makes one A under `name` on each of the ranks, with the arguments of its constructor
  /// (`args(...)`, behind a Runtime& if it takes one). The handles can be used at once:
  /// calls wait for the constructor, and fail with its words if it throws.
  template <class A, class... Args>
  Group<A> spawn(const std::string& name, const std::vector<int>& ranks,
                 const std::tuple<Args...>& arguments = {},
                 const Supervision& supervision = {});
  /// The group that any rank has spawned under that name. kApplication if there is none,
  /// or if it is of another class.
  template <class A>
  Future<Group<A>> look_up(const std::string& name);

  // --- objects ----------------------------------------------------------------------
  /// Keeps a value on this rank as long as any rank has a reference to it. Throws
  /// kNoSpace when there is no room.
  template <class T>
  Ref<T> put(T value);
  template <class T>
  Ref<T> put(std::shared_ptr<const T> value);

  // --- coroutines and time ----------------------------------------------------------
  /// Runs a task to its end beside everything else; what it throws becomes the error.
  template <class R>
  Future<std::conditional_t<std::is_void_v<R>, Done, R>> start(std::string name,
                                                               Task<R> task);
  Future<Done> sleep_for(std::chrono::nanoseconds duration);
  /// The future's result, or kTimeout after `longest`; the future goes on.
  template <class R>
  Future<R> wait_for(const Future<R>& future, std::chrono::nanoseconds longest);
  /// Runs a function that blocks on a thread of the pool. Give a closure with captures a
  /// statement of its own, `auto read = runtime.blocking([path] {...}); co_await read;`:
  /// g++ 12 destroys a closure twice that is made inside a co_await expression.
  template <class F>
  auto blocking(F&& function)
      -> Future<std::conditional_t<std::is_void_v<std::invoke_result_t<F>>, Done,
                                   std::invoke_result_t<F>>>;
  /// Runs an action on the reactor. Any thread.
  void post(std::function<void()> action) { inbox_.post(std::move(action)); }

  // --- the loop ---------------------------------------------------------------------
  /// Receives and works until stop(). Rests when there is nothing to do.
  void run();
  /// One round; true if anything happened.
  bool poll();
  /// One round, and a rest if nothing happened.
  void turn() { rest_unless(poll()); }
  /// Rounds until the result is there; throws core::Error with the cause when the call
  /// failed. Not inside a method or task: they co_await.
  template <class R>
  R wait(Future<R> future) {
    ENSURE(current_context() == nullptr,
           "wait() inside a method or task (co_await there)");
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
  /// Called in every round.
  void on_round(std::function<bool()> action) { rounds_.push_back(std::move(action)); }

  // --- membership: what a supervisor tells
  // ----------------------------------------------
  /// The process of a slot is lost; a replacement is on its way, or never comes.
  void slot_lost(int slot, const std::string& reason, bool will_be_filled);
  /// A process fills a slot from now on. `first` is done before the calls go out that
  /// have waited for it.
  void slot_filled(int slot, int process, uint32_t incarnation,
                   const std::function<void()>& first = {});
  /// This process fills a slot from now on.
  void take_slot(int slot, uint32_t incarnation) { wire_.take_slot(slot, incarnation); }
  /// Called after a slot was lost or filled.
  void on_membership(std::function<void(int slot, Peer::State)> action) {
    membership_.push_back(std::move(action));
  }

  // --- parts, for dispatch.h, handle.h and those who look
  // -------------------------------
  const RuntimeConfig& config() const { return config_; }
  core::Clock::time_point now() const { return wire_.now(); }
  Wire& wire() { return wire_; }
  CallTable& calls() { return calls_; }
  ActorHost& actors() { return host_; }
  const ActorHost& actors() const { return host_; }
  ObjectStore& objects() { return objects_; }
  TraceRecorder& trace() { return trace_; }
  RunningNow& running_now() { return running_now_; }
  /// What the frame that is being delivered refers to.
  References take_arrived() { return std::move(*arrived_); }
  Node& node() { return *node_; }
  boost::asio::io_context& io() { return io_; }
  /// The earliest deadline, end of a sleep, or time to give a lost frame up.
  std::optional<core::Clock::time_point> next_timer() const;
  /// Tasks of this rank that have not ended.
  std::vector<const CallContext*> task_contexts() const;
  /// What runs at this moment, and what the reactor has last reported of itself, one
  /// second ago at most if it was not stuck. Any thread.
  std::string snapshot_text() const;
  /// What this rank waits for: calls under way, oldest first.
  std::vector<std::string> pending_calls() const { return calls_.describe(); }

 private:
  struct RunningTask {
    CallContext context;
    std::coroutine_handle<> coroutine;
  };
  template <class R, class Result>
  Detached run_task(uint64_t id, Task<R> task, Future<Result> future);

  struct Sleep {
    Future<Done> future;
    uint32_t timer;
  };
  std::pair<uint64_t, Future<Done>> begin_sleep(std::chrono::nanoseconds duration);
  /// Takes back a sleep that nobody waits for any more.
  void end_sleep(uint64_t key);

  void deliver(int slot, const OpenFrame& sealed, Frame& frame);
  void deliver_opened(int slot, const OpenFrame& open, Frame& frame);
  void on_timer(uint64_t key);
  void report();
  void rest_unless(bool busy);
  void wait_for_signal(const std::function<void(int)>& action);

  static constexpr uint64_t kSleepKey = uint64_t{1} << 63;

  RuntimeConfig config_;
  CallTable::Limits call_limits_;
  Inbox inbox_;
  Wire wire_;
  ObjectStore objects_;
  References* arrived_ = nullptr;
  TraceRecorder trace_;
  RunningNow running_now_;
  Snapshot snapshot_;
  core::Clock::time_point next_report_;
  TimerWheel timers_;
  CallTable calls_;
  ActorHost host_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<RankServices> services_;
  WorkPool pool_;
  boost::asio::io_context io_;
  std::unique_ptr<boost::asio::signal_set> signals_;
  std::map<uint64_t, Sleep> sleeps_;
  uint64_t next_sleep_ = 1;
  std::map<uint64_t, std::unique_ptr<RunningTask>> tasks_;
  uint64_t next_task_ = 1;
  std::vector<std::function<bool()>> rounds_;
  std::vector<std::function<void(int, Peer::State)>> membership_;
  uint64_t rounds_done_ = 0;
  int idle_rounds_ = 0;
  bool stopping_ = false;
};

// --- templates ------------------------------------------------------------------------

template <class R, class Result>
Detached Runtime::run_task(uint64_t id, Task<R> task, Future<Result> future) {
  std::optional<CallResult<Result>> result;
  try {
    if constexpr (std::is_void_v<R>) {
      co_await std::move(task);
      result.emplace(Done{});
    } else {
      result.emplace(co_await std::move(task));
    }
  } catch (...) {
    result.emplace(caught_error());
  }
  // The context ends with the task; what waits for it runs in its own.
  trace_.add({.kind = TraceKind::kTaskEnd,
              .name = "task",
              .id = id,
              .failed = !result->has_value()});
  const auto ended = std::move(tasks_.at(id));
  tasks_.erase(id);
  const ContextScope nothing(nullptr);
  future.complete(std::move(*result));
}

template <class R>
Future<std::conditional_t<std::is_void_v<R>, Done, R>> Runtime::start(std::string name,
                                                                      Task<R> task) {
  Future<std::conditional_t<std::is_void_v<R>, Done, R>> future;
  const uint64_t id = next_task_++;
  auto& running = tasks_[id];
  running = std::make_unique<RunningTask>();
  running->context.what = std::move(name);
  running->context.started = now();
  trace_.add_named(
      {.kind = TraceKind::kTaskBegin, .name = running->context.what, .id = id});
  CallContext* context = &running->context;
  running->coroutine = run_task(id, std::move(task), future).coroutine;
  const std::coroutine_handle<> coroutine = running->coroutine;
  const ContextScope scope(context);
  coroutine.resume();
  return future;
}

template <class R>
Future<R> Runtime::wait_for(const Future<R>& future, std::chrono::nanoseconds longest) {
  Future<R> either;
  const auto [key, sleep] = begin_sleep(longest);
  sleep.then([either](CallResult<Done>&) {
    either.complete(CallResult<R>(CallError{
        CallError::Kind::kTimeout, core::ErrorKind::kTimeout, "not there in time"}));
  });
  future.then([this, either, key = key](CallResult<R>& result) {
    if (either.is_ready()) return;
    end_sleep(key);
    either.complete(std::move(result));
  });
  return either;
}

template <class F>
auto Runtime::blocking(F&& function)
    -> Future<std::conditional_t<std::is_void_v<std::invoke_result_t<F>>, Done,
                                 std::invoke_result_t<F>>> {
  using R = std::invoke_result_t<F>;
  using Result = std::conditional_t<std::is_void_v<R>, Done, R>;
  Future<Result> future;
  auto run = [function = std::decay_t<F>(std::forward<F>(function))]() mutable {
    try {
      if constexpr (std::is_void_v<R>) {
        function();
        return CallResult<Result>(Done{});
      } else {
        return CallResult<Result>(function());
      }
    } catch (...) {
      return CallResult<Result>(caught_error());
    }
  };
  if (wire_.transport().is_simulated()) {
    future.complete(run());
    return future;
  }
  auto job = std::make_shared<decltype(run)>(std::move(run));
  pool_.submit([this, job, future]() mutable {
    auto result = std::make_shared<CallResult<Result>>((*job)());
    job.reset();
    post([future = std::move(future), result] { future.complete(std::move(*result)); });
  });
  return future;
}

}  // namespace srpo::actors
