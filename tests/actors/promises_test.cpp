// What calls promise while frames are lost, peers stop and processes die.
#include <gtest/gtest.h>

#include "simulated_case.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using testing_support::hosting;

class Ledger : public Actor {
 public:
  explicit Ledger(Runtime& runtime) : runtime_(runtime) {}
  int64_t add(int64_t amount) { return total_ += amount; }
  int64_t total() { return total_; }
  Task<int64_t> slow_total(int64_t milliseconds) {
    ++runs_;
    co_await runtime_.sleep_for(std::chrono::milliseconds(milliseconds));
    co_return total_;
  }
  Task<int64_t> slow_add(int64_t milliseconds, int64_t amount) {
    co_await runtime_.sleep_for(std::chrono::milliseconds(milliseconds));
    co_return total_ += amount;
  }
  int64_t runs() { return runs_; }
  using Methods = MethodList<
      &Ledger::add,
      method<&Ledger::total>({.idempotent = true, .retries = 30, .retry_after_ms = 20}),
      method<&Ledger::slow_total>(
          {.idempotent = true, .retries = 3, .retry_after_ms = 20, .concurrency = 64}),
      &Ledger::slow_add, &Ledger::runs>;

 private:
  Runtime& runtime_;
  int64_t total_ = 0;
  int64_t runs_ = 0;
};

void host_ledger(Runtime& runtime) {
  runtime.host("ledger", std::make_unique<Ledger>(runtime));
}

template <class R>
CallResult<R> result_of(SimulatedWorld& world, const Future<R>& future,
                        std::chrono::nanoseconds longest = 24h) {
  EXPECT_TRUE(world.run_until([&] { return future.is_ready(); }, longest));
  if (!future.is_ready()) return CallResult<R>(CallError{});
  return future.result();
}

TEST(Promises, CallsRunOnceAndInOrderWhenFramesAreRepeatedAndLate) {
  SimulationOptions options;
  options.duplicate = 0.4;
  options.reorder = 0.3;
  SimulatedWorld world(3, 2, options, hosting(host_ledger));
  world.start_all();
  const auto ledger = world.runtime(0).find<Ledger>(1, "ledger");
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 500; ++i) futures.push_back(ledger.call<&Ledger::add>(1));
  for (int i = 0; i < 500; ++i) EXPECT_EQ(result_of(world, futures[i]).value(), i + 1);
  EXPECT_EQ(result_of(world, ledger.call<&Ledger::total>()).value(), 500);
  EXPECT_GT(world.runtime(1).wire().counts().duplicates, 100u);
}

TEST(Promises, CallsThatAreNotIdempotentRunAtMostOnceWhenFramesAreLost) {
  SimulationOptions options;
  options.drop = 0.2;
  RuntimeConfig config;
  config.call_timeout = 5s;
  SimulatedWorld world(4, 2, options, hosting(host_ledger, config));
  world.start_all();
  const auto ledger = world.runtime(0).find<Ledger>(1, "ledger");
  int64_t answered = 0;
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 60; ++i) futures.push_back(ledger.call<&Ledger::add>(1));
  for (const auto& future : futures) {
    const auto result = result_of(world, future);
    answered += result.has_value();
    if (!result.has_value()) {
      EXPECT_EQ(result.error().kind, CallError::Kind::kTimeout);
    }
  }
  world.calm();
  const auto total = result_of(world, ledger.call<&Ledger::total>());
  EXPECT_GE(CallResult<int64_t>(total).value(), answered);
  EXPECT_LE(CallResult<int64_t>(total).value(), 60);
  EXPECT_LT(answered, 60);
}

TEST(Promises, IdempotentCallsAreRepeatedWhenFramesAreLost) {
  SimulationOptions options;
  options.drop = 0.3;
  RuntimeConfig config;
  config.gap_timeout = 50ms;
  SimulatedWorld world(5, 2, options, hosting(host_ledger, config));
  world.start_all();
  const auto ledger = world.runtime(0).find<Ledger>(1, "ledger");
  for (int i = 0; i < 50; ++i)
    EXPECT_TRUE(result_of(world, ledger.call<&Ledger::total>()).has_value());
  EXPECT_GT(world.runtime(0).calls().repeated(), 10u);
}

TEST(Promises, ARepeatOfACallThatStillRunsIsDropped) {
  SimulatedWorld world(6, 2, {}, hosting(host_ledger));
  world.start_all();
  const auto ledger = world.runtime(0).find<Ledger>(1, "ledger");
  EXPECT_EQ(result_of(world, ledger.call<&Ledger::slow_total>(100)).value(), 0);
  EXPECT_EQ(world.runtime(0).calls().repeated(), 3u);
  EXPECT_EQ(world.runtime(1).actors().repeats_dropped(), 3u);
  EXPECT_EQ(result_of(world, ledger.call<&Ledger::runs>()).value(), 1);
  EXPECT_TRUE(world.runtime(1).actors().running().empty());
}

/// Two slots and a spare, process 2.
class LostSlot : public testing::Test {
 protected:
  static RuntimeConfig two_slots() {
    RuntimeConfig config;
    config.num_slots = 2;
    return config;
  }
  static SimulatedWorld& started(SimulatedWorld& world) {
    world.start_all();
    return world;
  }
  void lose(bool will_be_filled) {
    world_.runtime(0).slot_lost(1, "killed", will_be_filled);
  }
  void fill() {
    world_.runtime(2).take_slot(1, 2);
    world_.runtime(2).slot_filled(1, 2, 2);
    world_.runtime(0).slot_filled(1, 2, 2);
  }

  SimulatedWorld world_{7, 3, {}, hosting(host_ledger, two_slots())};
  Handle<Ledger> ledger_ = started(world_).runtime(0).find<Ledger>(1, "ledger");
};

TEST_F(LostSlot, EndsCallsThatMayHaveRunAndRepeatsIdempotentOnes) {
  const auto once = ledger_.call<&Ledger::slow_add>(50, 1);
  const auto again = ledger_.call<&Ledger::slow_total>(50);
  world_.run_for(10ms);
  world_.kill(1);
  lose(true);
  EXPECT_TRUE(once.is_ready());
  EXPECT_EQ(once.result().error().kind, CallError::Kind::kUnknownOutcome);
  const auto meanwhile = ledger_.call<&Ledger::add>(5);
  world_.run_for(10s);
  EXPECT_FALSE(again.is_ready());
  EXPECT_FALSE(meanwhile.is_ready());
  fill();
  EXPECT_EQ(result_of(world_, meanwhile).value(), 5);
  EXPECT_TRUE(result_of(world_, again).has_value());
  EXPECT_EQ(result_of(world_, ledger_.call<&Ledger::total>()).value(), 5);
}

TEST_F(LostSlot, EndsEveryCallWhenNobodyWillFillIt) {
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(ledger_.call<&Ledger::slow_add>(50, 1));
  world_.run_for(10ms);
  world_.kill(1);
  lose(false);
  int not_sent = 0;
  for (const auto& future : futures) {
    ASSERT_TRUE(future.is_ready());
    not_sent += future.result().error().kind == CallError::Kind::kNotSent;
  }
  EXPECT_EQ(not_sent, 100 - 64);  // those that waited for credit
  EXPECT_TRUE(ledger_.call<&Ledger::add>(1).is_ready());
  EXPECT_EQ(world_.runtime(0).calls().size(), 0u);
}

TEST_F(LostSlot, RefusesTheZombieThatWakesUp) {
  const auto late = ledger_.call<&Ledger::slow_add>(50, 1);
  world_.run_for(10ms);
  world_.stop(1, 60s);
  lose(true);
  fill();
  const auto now = ledger_.call<&Ledger::add>(10);
  EXPECT_EQ(result_of(world_, now).value(), 10);
  world_.run_for(120s);  // its answer comes, from a process that was replaced
  EXPECT_EQ(late.result().error().kind, CallError::Kind::kUnknownOutcome);
  EXPECT_GE(world_.runtime(0).wire().counts().fenced, 1u);
  EXPECT_EQ(result_of(world_, ledger_.call<&Ledger::total>()).value(), 10);
}

TEST_F(LostSlot, NeverGivesTheAnswerOfOneLifeToTheCallsOfTheNext) {
  // The callers' numbers begin anew with each life: slot 1 calls slot 0.
  auto first = world_.runtime(1).find<Ledger>(0, "ledger");
  first.tell<&Ledger::slow_add>(100, 1);
  world_.run_for(10ms);
  world_.kill(1);
  lose(true);
  fill();
  auto second = world_.runtime(2).find<Ledger>(0, "ledger");
  const auto result = second.call<&Ledger::slow_add>(300, 100);
  EXPECT_EQ(result_of(world_, result).value(), 101);
  EXPECT_TRUE(world_.runtime(0).actors().running().empty());
}

TEST(Promises, AStoppedPeerIsSentABoundedNumberOfFrames) {
  RuntimeConfig config;
  config.credit_hold = 2h;
  config.call_timeout = 1s;
  SimulatedWorld world(8, 2, {}, hosting(host_ledger, config));
  world.start_all();
  world.run_for(1s);
  world.stop(1, 10min);
  Runtime& caller = world.runtime(0);
  const auto ledger = caller.find<Ledger>(1, "ledger");
  size_t most_frames = 0;
  size_t most_calls = 0;
  uint64_t ended = 0;
  for (int i = 0; i < 30'000; ++i) {  // a call every 10 ms for five minutes
    ledger.call<&Ledger::add>(1).then([&](CallResult<int64_t>&) { ++ended; });
    world.run_for(10ms);
    most_frames = std::max(most_frames, world.frames_to(1));
    most_calls = std::max(most_calls, caller.calls().size());
  }
  EXPECT_LE(most_frames, 2u * 64);  // the calls, and that they are cancelled
  EXPECT_LE(most_calls, 64u + 1024);
  EXPECT_EQ(caller.calls().num_abandoned(), 64u);
  world.run_for(2s);
  EXPECT_EQ(ended, 30'000u);
  world.run_for(6min);  // it goes on, and answers what is left
  EXPECT_EQ(caller.calls().num_abandoned(), 0u);
  EXPECT_EQ(caller.calls().late_replies(), 64u);
  EXPECT_TRUE(result_of(world, ledger.call<&Ledger::add>(1)).has_value());
}

TEST(Promises, ACallerThatIsTooFastIsToldInsteadOfFillingMemory) {
  RuntimeConfig config;
  config.credits.calls = 4;
  config.credits.waiting_calls = 8;
  SimulatedWorld world(9, 2, {}, hosting(host_ledger, config));
  world.start_all();
  const auto ledger = world.runtime(0).find<Ledger>(1, "ledger");
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(ledger.call<&Ledger::slow_add>(5, 1));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(futures[i].is_ready(), i >= 12);
  EXPECT_EQ(futures[12].result().error().kind, CallError::Kind::kOverloaded);
  EXPECT_EQ(ledger.try_call<&Ledger::add>(1).result().error().kind,
            CallError::Kind::kOverloaded);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(result_of(world, futures[i]).value(), i + 1);
  EXPECT_EQ(world.runtime(0).calls().overloaded(), 9u);
}

TEST(Promises, LargeMessagesUseUpTheCreditOfBytes) {
  class Sink : public Actor {
   public:
    explicit Sink(Runtime& runtime) : runtime_(runtime) {}
    Task<> take(core::Buffer) { co_await runtime_.sleep_for(1s); }
    using Methods = MethodList<&Sink::take>;

   private:
    Runtime& runtime_;
  };
  SimulatedWorld world(10, 2, {}, hosting([](Runtime& runtime) {
                         runtime.host("sink", std::make_unique<Sink>(runtime));
                       }));
  world.start_all();
  world.stop(1, 10s);
  const auto sink = world.runtime(0).find<Sink>(1, "sink");
  const auto piece = core::Buffer::of(std::vector<std::byte>(3 << 20));
  std::vector<Future<Done>> futures;
  for (int i = 0; i < 10; ++i) futures.push_back(sink.call<&Sink::take>(piece));
  world.run_for(1s);
  EXPECT_EQ(world.frames_to(1), 5u);  // 16 MiB hold five of them
  for (const auto& future : futures) EXPECT_TRUE(result_of(world, future).has_value());
}

TEST(Promises, AFullMailboxRefusesCalls) {
  RuntimeConfig config;
  config.mailbox_calls = 10;
  SimulatedWorld world(11, 2, {}, hosting(host_ledger, config));
  world.start_all();
  const auto ledger = world.runtime(0).find<Ledger>(1, "ledger");
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 30; ++i) futures.push_back(ledger.call<&Ledger::slow_add>(5, 1));
  int refused = 0;
  for (const auto& future : futures) {
    const auto result = result_of(world, future);
    if (result.has_value()) continue;
    EXPECT_EQ(result.error().kind, CallError::Kind::kOverloaded);
    ++refused;
  }
  EXPECT_EQ(refused, 30 - 11);
}

TEST(Promises, SlowReadersMakeWritersWaitAndNothingFails) {
  // One rank takes a hundred times longer than three others can call.
  SimulationOptions options;
  options.mailbox_frames = 8;
  SimulatedWorld world(12, 4, options, hosting(host_ledger));
  world.start_all();
  uint64_t failed = 0;
  uint64_t done = 0;
  const auto load = [&](Runtime& runtime) -> Task<> {
    const auto ledger = runtime.find<Ledger>(0, "ledger");
    while (true) {
      std::vector<Future<int64_t>> batch;
      for (int i = 0; i < 100; ++i)
        batch.push_back(ledger.call<&Ledger::slow_add>(10, 1));
      for (const auto& result : (co_await when_all(batch)).value())
        ++(result.has_value() ? done : failed);
    }
  };
  std::vector<Future<Done>> running;
  for (int rank = 1; rank < 4; ++rank)
    running.push_back(world.runtime(rank).start("load", load(world.runtime(rank))));
  size_t most = 0;
  world.after_each_event([&] {
    most = std::max(
        most, world.runtime(0).actors().find("ledger")->num_waiting + world.frames_to(0));
  });
  world.run_for(10min);
  EXPECT_LE(most, 3u * 64);
  EXPECT_EQ(failed, 0u);
  EXPECT_GT(done, 10'000u);
}

TEST(Promises, NothingWaitsWithoutADeadline) {
  SimulationOptions options;
  options.partitions_drop = true;
  SimulatedWorld world(13, 2, options, hosting(host_ledger));
  world.start_all();
  world.run_for(1ms);
  world.partition(0, 1, world.now(), world.now() + 10h);
  const auto ledger = world.runtime(0).find<Ledger>(1, "ledger");
  const auto lost = ledger.call<&Ledger::add>(1);
  EXPECT_FALSE(world.run_until([&] { return lost.is_ready(); }, 599s));
  EXPECT_EQ(result_of(world, lost, 2s).error().kind, CallError::Kind::kTimeout);
}

}  // namespace
}  // namespace srpo::actors
