#include "rl/tabular/mdp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tiny_process.h"

namespace srpo::rl::tabular {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Mdp, RandomOnesOfEveryKindAreProcesses) {
  for (uint64_t i = 0; i < 300; ++i) {
    core::Rng rng(1, core::Purpose::kTest, i);
    const Instance made = random_instance(static_cast<MdpKind>(i % 3), rng);
    EXPECT_NO_THROW(made.mdp.check());
    EXPECT_NO_THROW(check_policy(made.policy));
  }
}

TEST(Mdp, SaysWhichTableIsNoDistribution) {
  Instance tiny = tiny_process();
  tiny.mdp.start = {0.5, 0.4};
  EXPECT_THAT([&] { tiny.mdp.check(); },
              ThrowsMessage<core::Error>(HasSubstr("start states")));
  tiny = tiny_process();
  tiny.mdp.transition(0, 0, 1, 1) = 0.5;
  EXPECT_THAT([&] { tiny.mdp.check(); },
              ThrowsMessage<core::Error>(HasSubstr("successors of cell 1")));
  tiny = tiny_process();
  tiny.mdp.reward.at(1, 1, 0) = 1.5;
  EXPECT_THAT([&] { tiny.mdp.check(); },
              ThrowsMessage<core::Error>(HasSubstr("mean reward 1.5")));
  tiny.policy.at(1, 0, 0) = 0.9;
  EXPECT_THAT([&] { check_policy(tiny.policy); },
              ThrowsMessage<core::Error>(HasSubstr("step 1, state 0")));
}

}  // namespace
}  // namespace srpo::rl::tabular
