#include <gmock/gmock.h>

#include "test_world.h"

namespace srpo::scheduler {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// A scheduler with one problem under way.
class WhyTest : public testing::Test {
 protected:
  WhyTest() : scheduler_(config(), {}) {
    scheduler_.start(Time(0));
    RolloutTree tree;
    tree.prompt_tokens = {1};
    events::StepOpened opened{0, false, {}};
    opened.entries.push_back({tree, false, 0});
    scheduler_.on(opened, Time(1));
  }
  static SchedulerConfig config() {
    SchedulerConfig config;
    config.steps = 1;
    return config;
  }
  Scheduler scheduler_;
};

TEST_F(WhyTest, NamesTheStageTheProblemAndTheSequence) {
  EXPECT_THAT(scheduler_.why(), Contains(HasSubstr("weights of version 0")));
  scheduler_.on(events::Published{}, Time(2));
  EXPECT_THAT(scheduler_.why(),
              Contains("problem 0 of step 0 waits for 0/0/fresh/3 to be generated"));
  EXPECT_THAT(scheduler_.why(), Contains("step 0: 0 of 1 problems are recorded"));
  Trajectory chain;
  chain.id = {0, 0, DrawKind::kFresh, 3};
  scheduler_.on(events::Generated{chain, 0}, Time(3));
  EXPECT_THAT(scheduler_.why(0, 0, false),
              Contains("problem 0 of step 0 waits for 0/0/fresh/3 to be verified"));
  EXPECT_THAT(scheduler_.why(7, 1, false), Contains("problem 1 of step 7 is not open"));
}

TEST_F(WhyTest, SaysThatNobodyIsAliveToDoTheWork) {
  scheduler_.on(events::Published{}, Time(2));
  scheduler_.on(events::WorkerLost{Role::kGenerator, 0}, Time(3));
  EXPECT_THAT(scheduler_.why(),
              Contains("5 sequences wait for a generator: none of 1 is alive"));
  EXPECT_EQ(scheduler_.why(Role::kGenerator, 0), "generator 0 is lost");
  const auto commands = scheduler_.on(events::WorkerJoined{Role::kGenerator, 0}, Time(4));
  EXPECT_EQ(commands.size(), 5u) << "the five chains go on";
}

TEST_F(WhyTest, SaysWhatAWorkerHolds) {
  scheduler_.on(events::Published{}, Time(2));
  EXPECT_THAT(scheduler_.why(Role::kGenerator, 0), HasSubstr("holds 5 sequences"));
  EXPECT_THAT(scheduler_.why(Role::kVerifier, 0), HasSubstr("no work"));
  EXPECT_THAT(scheduler_.why(Role::kVerifier, 9), HasSubstr("unknown"));
  scheduler_.on(events::WorkerSlow{Role::kVerifier, 0, 4}, Time(3));
  EXPECT_THAT(scheduler_.why(Role::kVerifier, 0), HasSubstr("slow"));
  scheduler_.on(events::Drain{Time(1000)}, Time(4));
  EXPECT_THAT(scheduler_.why(), Contains(HasSubstr("drains")));
}

}  // namespace
}  // namespace srpo::scheduler
