#include <gmock/gmock.h>

#include "test_world.h"

namespace srpo::scheduler {
namespace {

size_t num_generated(const std::vector<Command>& commands) {
  size_t count = 0;
  for (const Command& command : commands)
    count += std::holds_alternative<commands::Generate>(command) ? 1 : 0;
  return count;
}

events::StepOpened opened(uint32_t step, uint32_t problems) {
  events::StepOpened event{step, false, {}};
  for (uint32_t slot = 0; slot < problems; ++slot) {
    records::RolloutTree tree;
    tree.step = step;
    tree.slot = slot;
    tree.prompt_tokens = {1, 2, 3};
    event.entries.push_back({std::move(tree), false});
  }
  return event;
}

TEST(Admission, BeginsNothingWhileItIsClosedAndSaysWhy) {
  SchedulerConfig config = srpo_config();
  config.validate_every = 0;
  Scheduler scheduler(config, {});
  scheduler.start(Time(0));
  scheduler.on(events::Admission{false, "the disk is full"}, Time(1));
  EXPECT_THAT(scheduler.why(), testing::Contains(testing::HasSubstr("the disk is full")));
  size_t generated = num_generated(scheduler.on(opened(0, 4), Time(2)));
  generated += num_generated(scheduler.on(events::Published{}, Time(3)));
  EXPECT_EQ(generated, 0u);
  EXPECT_TRUE(scheduler.ledger().closes());
  EXPECT_GT(num_generated(scheduler.on(events::Admission{true, ""}, Time(4))), 0u);
  EXPECT_THAT(scheduler.why(),
              testing::Not(testing::Contains(testing::HasSubstr("disk"))));
}

}  // namespace
}  // namespace srpo::scheduler
