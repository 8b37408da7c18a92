// Deadlines that nested calls inherit, and cancellation that reaches the callee.
#include <memory>
#include <thread>

#include "transport_case.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using testing_support::TransportCase;

class Patient : public Actor {
 public:
  explicit Patient(Runtime& runtime) : runtime_(runtime) {}

  /// Until the caller gives up; how long its deadline was away.
  Task<int64_t> wait_for_stop(int64_t longest_ms) {
    const CallContext* context = current_context();
    const std::stop_token stop = context->stop.get_token();
    const auto until = runtime_.now() + std::chrono::milliseconds(longest_ms);
    while (!stop.stop_requested() && runtime_.now() < until)
      co_await runtime_.sleep_for(1ms);
    if (stop.stop_requested()) ++stopped_;
    co_return 0;
  }
  /// Asks the next rank without a timeout of its own; milliseconds left there.
  Task<int64_t> left_at_the_next() {
    const auto next = runtime_.find<Patient>(1 + runtime_.rank() % 2, "patient");
    auto left = co_await next.call<&Patient::left>();
    co_return left.value();
  }
  int64_t left() {
    const auto deadline = current_context()->deadline;
    return std::chrono::duration_cast<std::chrono::milliseconds>(*deadline -
                                                                 runtime_.now())
        .count();
  }
  Task<int32_t> waits_at_the_next() {
    const auto next = runtime_.find<Patient>(1 + runtime_.rank() % 2, "patient");
    auto never = co_await next.call<&Patient::never>();
    if (never.error().kind == CallError::Kind::kTimeout) ++timeouts_;
    co_return 0;
  }
  void never(Reply<int64_t> reply) { replies_.push_back(reply); }
  bool last_was_stopped() { return replies_.back().stop_token().stop_requested(); }
  int32_t stopped() { return stopped_; }
  int32_t timeouts() { return timeouts_; }

  using Methods =
      MethodList<method<&Patient::wait_for_stop>({.concurrency = 8}),
                 &Patient::left_at_the_next, &Patient::left,
                 method<&Patient::waits_at_the_next>({.concurrency = 8}), &Patient::never,
                 &Patient::last_was_stopped, &Patient::stopped, &Patient::timeouts>;

 private:
  Runtime& runtime_;
  std::vector<Reply<int64_t>> replies_;
  int32_t stopped_ = 0;
  int32_t timeouts_ = 0;
};

void host_patient(Runtime& runtime) {
  runtime.host("patient", std::make_unique<Patient>(runtime));
}

template <auto kMethod>
Task<> expect_to_become(Runtime& runtime, Handle<Patient> patient, int32_t wanted) {
  for (int i = 0; i < 2000; ++i) {
    CallResult<int32_t> seen = co_await patient.call<kMethod>();
    if (seen.value() == wanted) co_return;
    co_await runtime.sleep_for(1ms);
  }
  ADD_FAILURE() << "it does not become " << wanted;
}

class Deadlines : public TransportCase {};

TEST_P(Deadlines, EndCallsThatAreNotAnswered) {
  run(2, host_patient, [](Runtime& runtime) -> Task<> {
    const auto patient = runtime.find<Patient>(1, "patient");
    const auto started = runtime.now();
    const auto result = co_await patient.call_within<&Patient::never>(20ms);
    EXPECT_EQ(result.error().kind, CallError::Kind::kTimeout);
    EXPECT_GE(runtime.now() - started, 20ms);
    // The callee has been told, and its late answer would be dropped.
    EXPECT_TRUE((co_await patient.call<&Patient::last_was_stopped>()).value());
  });
}

TEST_P(Deadlines, OfTheRuntimeHoldForCallsThatHaveNone) {
  RuntimeConfig config;
  config.call_timeout = 20ms;
  run(
      2, host_patient,
      [](Runtime& runtime) -> Task<> {
        const auto patient = runtime.find<Patient>(1, "patient");
        const auto result = co_await patient.call<&Patient::never>();
        EXPECT_EQ(result.error().kind, CallError::Kind::kTimeout);
      },
      config);
}

TEST_P(Deadlines, AreInheritedByNestedCalls) {
  run(3, host_patient, [](Runtime& runtime) -> Task<> {
    const auto patient = runtime.find<Patient>(1, "patient");
    auto left = co_await patient.call_within<&Patient::left_at_the_next>(5s);
    EXPECT_GT(left.value(), 1000);
    EXPECT_LE(left.value(), 5000);
    const auto outer = co_await patient.call_within<&Patient::waits_at_the_next>(30ms);
    // Both calls end at the same moment: the answer may still come.
    if (!outer.has_value()) {
      EXPECT_EQ(outer.error().kind, CallError::Kind::kTimeout);
    }
    co_await expect_to_become<&Patient::timeouts>(runtime, patient, 1);
  });
}

TEST_P(Deadlines, LetTheCalleeSeeThatNobodyWaits) {
  run(2, host_patient, [](Runtime& runtime) -> Task<> {
    const auto patient = runtime.find<Patient>(1, "patient");
    const auto result =
        co_await patient.call_within<&Patient::wait_for_stop>(10ms, 60'000);
    EXPECT_EQ(result.error().kind, CallError::Kind::kTimeout);
    co_await expect_to_become<&Patient::stopped>(runtime, patient, 1);
  });
}

TEST_P(Deadlines, ComeEarlierWhenAnotherThreadCancels) {
  run(2, host_patient, [](Runtime& runtime) -> Task<> {
    const auto patient = runtime.find<Patient>(1, "patient");
    std::stop_source source;
    CallOptions options;
    options.stop = source.get_token();
    const auto waiting = patient.call_with<&Patient::wait_for_stop>(options, 60'000);
    const auto held = patient.call_with<&Patient::never>(options);
    co_await runtime.sleep_for(5ms);
    EXPECT_FALSE(waiting.is_ready());
    std::jthread([&] { source.request_stop(); }).join();
    EXPECT_EQ((co_await waiting).error().kind, CallError::Kind::kCancelled);
    EXPECT_EQ((co_await held).error().kind, CallError::Kind::kCancelled);
    co_await expect_to_become<&Patient::stopped>(runtime, patient, 1);
    EXPECT_TRUE((co_await patient.call<&Patient::last_was_stopped>()).value());
    const auto later = co_await patient.call_with<&Patient::wait_for_stop>(options, 1);
    EXPECT_EQ(later.error().kind, CallError::Kind::kCancelled);
  });
}

TEST_P(Deadlines, ThatAreFartherThanTheClockReachesAreShortened) {
  run(2, host_patient, [](Runtime& runtime) -> Task<> {
    const auto patient = runtime.find<Patient>(1, "patient");
    auto left =
        co_await patient.call_within<&Patient::left>(std::chrono::nanoseconds::max());
    EXPECT_GT(left.value(), 1000);
  });
}

ON_EVERY_TRANSPORT(Deadlines);

}  // namespace
}  // namespace srpo::actors
