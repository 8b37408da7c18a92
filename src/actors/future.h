// A result that will come, and how to wait for one, all or the first of several.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "actors/call_context.h"
#include "actors/call_result.h"

namespace srpo::actors {

/// Copies share the result. One thread only: the reactor of the rank that called.
///
///   CallResult<int64_t> sum = co_await counter.call<&Counter::add>(1);   // in a Task
///   counter.call<&Counter::add>(1).then([](CallResult<int64_t>& sum) { ... });
template <class R>
class Future {
 public:
  using Value = R;
  using Action = std::function<void(CallResult<R>&)>;

  Future() : state_(std::make_shared<State>()) {}
  /// One that is there already.
  explicit Future(CallResult<R> result) : Future() {
    state_->result.emplace(std::move(result));
  }

  bool is_ready() const { return state_->result.has_value(); }
  /// Only when it is ready.
  CallResult<R>& result() const { return *state_->result; }

  /// Runs `action` when the result is there (at once if it is); several actions run in
  /// the order in which they were given.
  void then(Action action) const {
    if (is_ready()) {
      action(*state_->result);
    } else if (!state_->action) {
      state_->action = std::move(action);
    } else {
      state_->more.push_back(std::move(action));
    }
  }

  /// The second result of a future is dropped.
  void complete(CallResult<R> result) const {
    if (is_ready()) return;
    const auto keep = state_;
    keep->result.emplace(std::move(result));
    if (keep->action) std::exchange(keep->action, nullptr)(*keep->result);
    for (Action& action : std::exchange(keep->more, {})) action(*keep->result);
  }

  /// The pending call behind it, for those who ask what a coroutine waits for.
  void set_call(uint64_t call) const { state_->call = call; }

  auto operator co_await() const { return Awaiter{*this, nullptr}; }

 private:
  struct State {
    std::optional<CallResult<R>> result;
    Action action;
    std::vector<Action> more;
    uint64_t call = 0;
  };
  /// Resumes the coroutine in the context in which it was suspended.
  struct Awaiter {
    Future future;
    CallContext* context;

    bool await_ready() const { return future.is_ready(); }
    void await_suspend(std::coroutine_handle<> coroutine) {
      context = current_context();
      if (context != nullptr) context->awaited_call = future.state_->call;
      future.then([this, coroutine](CallResult<R>&) {
        if (context != nullptr) context->awaited_call = 0;
        const ContextScope scope(context);
        coroutine.resume();
      });
    }
    CallResult<R> await_resume() const { return std::move(future.result()); }
  };

  std::shared_ptr<State> state_;
};

/// Every result, in the order of the futures; ready when the last one is.
template <class R>
Future<std::vector<CallResult<R>>> when_all(const std::vector<Future<R>>& futures) {
  using All = std::vector<CallResult<R>>;
  // Holds the results and not the futures: a future that never comes would keep itself.
  struct Gathering {
    size_t left;
    std::vector<std::optional<CallResult<R>>> results;
  };
  Future<All> all;
  const auto gathering = std::make_shared<Gathering>();
  gathering->left = futures.size() + 1;
  gathering->results.resize(futures.size());
  const auto one_is_ready = [all, gathering] {
    if (--gathering->left > 0) return;
    All results;
    results.reserve(gathering->results.size());
    for (auto& result : gathering->results) results.push_back(std::move(*result));
    all.complete(CallResult<All>(std::move(results)));
  };
  for (size_t i = 0; i < futures.size(); ++i) {
    futures[i].then([gathering, one_is_ready, i](CallResult<R>& result) {
      gathering->results[i].emplace(std::move(result));
      one_is_ready();
    });
  }
  one_is_ready();
  return all;
}

/// Every result of futures of different kinds; ready when the last one is.
template <class... R>
requires(sizeof...(R) >
         1) Future<std::tuple<CallResult<R>...>> when_all(const Future<R>&... futures) {
  using All = std::tuple<CallResult<R>...>;
  struct Gathering {
    size_t left = sizeof...(R);
    std::tuple<std::optional<CallResult<R>>...> results;
  };
  Future<All> all;
  const auto gathering = std::make_shared<Gathering>();
  const auto gather = [&]<size_t... I>(std::index_sequence<I...>) {
    (futures.then([all, gathering](CallResult<R>& result) {
      std::get<I>(gathering->results).emplace(std::move(result));
      if (--gathering->left > 0) return;
      std::apply(
          [&](auto&... each) { all.complete(CallResult<All>(All(std::move(*each)...))); },
          gathering->results);
    }),
     ...);
  };
  gather(std::index_sequence_for<R...>{});
  return all;
}

/// The first result that comes, and whose it is. The others go on and are dropped.
template <class R>
struct First {
  size_t index;
  CallResult<R> result;
};
/// Needs at least one future.
template <class R>
Future<First<R>> when_any(const std::vector<Future<R>>& futures) {
  ENSURE(!futures.empty(), "when_any of nothing");
  Future<First<R>> any;
  for (size_t i = 0; i < futures.size(); ++i) {
    futures[i].then([any, i](CallResult<R>& result) {
      if (!any.is_ready())
        any.complete(CallResult<First<R>>(First<R>{i, std::move(result)}));
    });
  }
  return any;
}

}  // namespace srpo::actors
