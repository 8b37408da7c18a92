#include "scheduler/simulated_world.h"
#include "test_world.h"

namespace srpo::scheduler {
namespace {

class Drain : public testing::TestWithParam<Mode> {
 protected:
  SimulationResult drained(double at, double patience) {
    SimulationConfig config;
    config.scheduler.mode = GetParam();
    config.scheduler.steps = 50;
    config.scheduler.problems_per_step = 8;
    config.scheduler.validate_every = 2;
    config.scheduler.trees_in_flight = 5;
    config.scheduler.generators.workers = 4;
    config.scheduler.generators.slots = 4;
    config.problems_per_step = 8;
    config.validation_problems = 5;
    config.drain_at = at;
    config.drain_patience = patience;
    SimulatedWorld world(config);
    world.after_event = [](const Scheduler& scheduler) {
      ASSERT_TRUE(scheduler.ledger().closes());
      ASSERT_TRUE(scheduler.sequences().closes());
    };
    return world.run();
  }
};

TEST_P(Drain, EndsWhatIsInFlightBeforeALateDeadline) {
  for (double at = 1; at < 600; at += 23) {
    const SimulationResult result = drained(at, 10000);
    ASSERT_TRUE(result.finished) << result.stuck;
    EXPECT_TRUE(result.stopped);
    EXPECT_EQ(result.problems.in_flight, 0u);
    EXPECT_EQ(result.sequences.in_flight, 0u);
    EXPECT_EQ(result.sequences.dropped_by_reason.count("parked"), 0u) << "at " << at;
    EXPECT_TRUE(result.problems.closes());
  }
}

TEST_P(Drain, ParksWhatIsInFlightAtItsDeadline) {
  uint64_t parked = 0;
  for (double at = 1; at < 600; at += 23) {
    const SimulationResult result = drained(at, 2);
    ASSERT_TRUE(result.finished) << result.stuck;
    EXPECT_LE(result.seconds, at + 2.1) << "the deadline is kept";
    EXPECT_EQ(result.problems.in_flight, 0u);
    EXPECT_EQ(result.sequences.in_flight, 0u);
    const auto& dropped = result.problems.dropped_by_reason;
    parked += dropped.contains("parked") ? dropped.at("parked") : 0;
  }
  EXPECT_GT(parked, 20u);
}

INSTANTIATE_TEST_SUITE_P(Modes, Drain,
                         testing::Values(Mode::kSync, Mode::kOneStepOff, Mode::kAsync));

TEST(DrainedScheduler, SavesTheStepThatHadBegunToTrain) {
  SchedulerConfig config = srpo_config();
  config.validate_every = 0;
  Scheduler scheduler(config, {});
  scheduler.start(Time(0));
  scheduler.on(events::StepOpened{0, false, {}}, Time(1));
  ASSERT_EQ(scheduler.why().size(), 1u);
  EXPECT_TRUE(scheduler.on(events::Drain{Time(100)}, Time(2)).empty());
  auto commands = scheduler.on(events::Trained{}, Time(3));
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(std::get<commands::Checkpoint>(commands[0]).progress.steps, 1u);
  commands = scheduler.on(events::Checkpointed{}, Time(4));
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_TRUE(std::get<commands::Finish>(commands[0]).stopped);
  EXPECT_TRUE(scheduler.on(events::Trained{}, Time(5)).empty()) << "it is over";
}

}  // namespace
}  // namespace srpo::scheduler
