#include "actors/simulation/simulated_world.h"

#include <chrono>

#include <gtest/gtest.h>

#include "simulated_case.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using testing_support::HostedProgram;
using testing_support::hosting;
using testing_support::supervised;

class Echo : public Actor {
 public:
  int64_t echo(int64_t value) { return value; }
  using Methods = MethodList<method<&Echo::echo>({.idempotent = true})>;
};

void host_echo(Runtime& runtime) { runtime.host("echo", std::make_unique<Echo>()); }

SimulationOptions rough() {
  SimulationOptions options;
  options.drop = 0.02;
  options.duplicate = 0.02;
  options.reorder = 0.1;
  options.corrupt = 0.02;
  return options;
}

/// Every rank calls every other one for a while, with all faults; the trace.
uint64_t trace_of(uint64_t seed) {
  RuntimeConfig config;
  config.call_timeout = 100ms;
  config.gap_timeout = 20ms;
  config.credit_hold = 200ms;
  SimulatedWorld world(seed, 4, rough(), hosting(host_echo, config));
  world.start_all();
  const auto chatter = [](Runtime& runtime) -> Task<> {
    for (int64_t i = 0;; ++i) {
      const auto to = runtime.find<Echo>(static_cast<int>(i % 4), "echo");
      const auto result = co_await to.call<&Echo::echo>(i);
      if (!result.has_value()) co_await runtime.sleep_for(1ms);
    }
  };
  std::vector<Future<Done>> running;
  for (int rank = 0; rank < 4; ++rank)
    running.push_back(world.runtime(rank).start("chatter", chatter(world.runtime(rank))));
  world.at(world.now() + 300ms, [&] { world.stop(2, 1s); });
  world.at(world.now() + 500ms, [&] { world.kill(3); });
  world.run_for(10s);
  EXPECT_GT(world.counts().delivered, 1000u);
  EXPECT_GT(world.counts().corrupted, 10u);
  return world.trace_hash();
}

TEST(SimulatedWorld, GivesTheSameEventsForTheSameSeed) {
  EXPECT_EQ(trace_of(1), trace_of(1));
  EXPECT_EQ(trace_of(2), trace_of(2));
  EXPECT_NE(trace_of(1), trace_of(2));
}

TEST(SimulatedWorld, LetsHoursPassInNoTime) {
  SimulatedWorld world(1, 2, {}, hosting(host_echo));
  world.start_all();
  const core::Stopwatch watch;
  int slept = 0;
  const auto sleeper = [&slept](Runtime& runtime) -> Task<> {
    for (; slept < 1000; ++slept) co_await runtime.sleep_for(1h);
  };
  const auto start = world.now();
  const auto ended = world.runtime(0).start("sleeper", sleeper(world.runtime(0)));
  EXPECT_TRUE(world.run_until([&] { return ended.is_ready(); }, 2000h));
  EXPECT_GE(world.now() - start, 1000h);
  EXPECT_LT(watch.seconds(), 2.0);
}

TEST(SimulatedWorld, TakesAsLongAsTheNetworkDoes) {
  SimulationOptions options;
  options.median_delay = 10ms;
  options.delay_spread = 0.1;
  SimulatedWorld world(1, 2, options, hosting(host_echo));
  world.start_all();
  const auto start = world.now();
  const auto call = world.runtime(0).find<Echo>(1, "echo").call<&Echo::echo>(int64_t{4});
  world.run_until([&] { return call.is_ready(); }, 1s);
  EXPECT_GT(world.now() - start, 12ms);
  EXPECT_LT(world.now() - start, 40ms);
}

TEST(SimulatedWorld, HoldsFramesBackDuringAPartition) {
  SimulatedWorld world(1, 3, {}, hosting(host_echo));
  world.start_all();
  world.partition(0, 1, world.now(), world.now() + 5s);
  const auto start = world.now();
  const auto held = world.runtime(0).find<Echo>(1, "echo").call<&Echo::echo>(int64_t{1});
  const auto free = world.runtime(0).find<Echo>(2, "echo").call<&Echo::echo>(int64_t{2});
  world.run_until([&] { return held.is_ready(); }, 1min);
  EXPECT_TRUE(free.is_ready());
  EXPECT_GE(world.now() - start, 5s);
  EXPECT_LT(world.now() - start, 6s);
}

TEST(SimulatedWorld, KeepsFramesOnTheLinkOfAFullMailbox) {
  SimulationOptions options;
  options.mailbox_frames = 3;
  SimulatedWorld world(1, 2, options, hosting(host_echo));
  world.start_all();
  world.run_for(1ms);
  world.stop(1, 1s);
  const auto echo = world.runtime(0).find<Echo>(1, "echo");
  std::vector<Future<int64_t>> calls;
  for (int64_t i = 0; i < 10; ++i) calls.push_back(echo.call<&Echo::echo>(i));
  world.run_for(500ms);
  EXPECT_EQ(world.frames_to(1), 10u);
  EXPECT_EQ(world.runtime(0).wire().progress(), 7u);
  world.run_for(1s);
  EXPECT_EQ(world.runtime(0).wire().progress(), 0u);
  for (const auto& call : calls) EXPECT_TRUE(call.is_ready());
}

TEST(SimulatedWorld, TellsOfADeathSoonAndOfAHangAtTheHeartbeatTimeout) {
  SimulatedWorld world(1, 3, {}, hosting(host_echo));
  std::vector<ControlEvent> seen;
  std::vector<ControlEvent> seen_by_zombie;
  std::vector<SimulatedControl*> controls;
  SimulatedWorld watched(
      1, 3, {}, [&](SimulatedTransport& transport, SimulatedControl& control) {
        auto program = std::make_unique<HostedProgram>(transport, RuntimeConfig{},
                                                       HostedProgram::Host{});
        const bool first = control.process() == 0;
        if (control.process() == 1) return program;
        program->runtime().on_round([&control, &to = first ? seen : seen_by_zombie] {
          bool any = false;
          while (auto event = control.poll()) {
            to.push_back(*event);
            any = true;
          }
          return any;
        });
        controls.push_back(&control);
        return program;
      });
  watched.start_all();
  watched.run_for(1s);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].kind, ControlEvent::Kind::kJoined);
  const auto count = [&] { return seen.size(); };
  auto start = watched.now();
  watched.kill(1);
  ASSERT_TRUE(watched.run_until([&] { return count() == 3; }, 1s));
  EXPECT_LE(watched.now() - start, 51ms);
  EXPECT_EQ(seen[2].kind, ControlEvent::Kind::kLost);
  EXPECT_EQ(seen[2].peer, 1);
  start = watched.now();
  watched.stop(2, 1min);
  ASSERT_TRUE(watched.run_until([&] { return count() == 4; }, 1min));
  EXPECT_NEAR(std::chrono::duration<double>(watched.now() - start).count(), 15, 0.1);
  EXPECT_EQ(seen[3].peer, 2);
  controls[0]->fence(2);
  watched.run_for(2min);  // it wakes up and finds itself cut off
  ASSERT_EQ(seen_by_zombie.size(), 2u);
  EXPECT_EQ(seen_by_zombie[1].kind, ControlEvent::Kind::kLost);
  EXPECT_EQ(seen_by_zombie[1].peer, 0);
}

TEST(SimulatedWorld, RunsWholeSupervisedProgramsThatOutliveAKill) {
  RuntimeConfig config;
  config.num_slots = 3;  // and a spare
  SimulatedWorld world(1, 4, {}, supervised({}, config));
  world.start_all();
  Runtime& first = world.runtime(0);
  const auto group =
      first.spawn<Echo>("echo", {1, 2}, args(), Supervision::one_for_one());
  ASSERT_TRUE(world.run_until([&] { return group.started().is_ready(); }, 10s));
  ASSERT_EQ(group.started().result()->size(), 2u);
  for (const auto& each : *group.started().result())
    EXPECT_TRUE(each.has_value()) << each.error().message;
  world.kill(2);
  const auto start = world.now();
  const auto call = group[1].call<&Echo::echo>(int64_t{77});
  ASSERT_TRUE(world.run_until([&] { return call.is_ready(); }, 10min));
  ASSERT_TRUE(call.result().has_value()) << call.result().error().message;
  EXPECT_EQ(*call.result(), 77);
  EXPECT_LT(world.now() - start, 200ms);
  EXPECT_EQ(first.wire().peer(2).process, 3);
  EXPECT_EQ(first.wire().peer(2).incarnation, 2u);
}

TEST(SimulatedWorld, EndsASupervisedProgramWhoseFirstRankDies) {
  SimulatedWorld world(1, 3, {}, supervised({}));
  world.start_all();
  world.run_for(1s);
  world.kill(0);
  EXPECT_TRUE(world.run_until(
      [&] { return world.runtime(1).is_stopping() && world.runtime(2).is_stopping(); },
      1s));
}

}  // namespace
}  // namespace srpo::actors
