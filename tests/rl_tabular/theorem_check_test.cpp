#include "rl/tabular/theorem_check.h"

#include <gtest/gtest.h>

#include "tiny_process.h"

namespace srpo::rl::tabular {
namespace {

TEST(TheoremCheck, HoldsOnAThousandRandomProcesses) {
  for (uint64_t i = 0; i < 1000; ++i) {
    core::Rng rng(11, core::Purpose::kTest, i);
    const double share = 0.05 + 0.95 * rng.uniform();
    const Instance made = random_instance(static_cast<MdpKind>(i % 3), rng);
    const TheoremCheck check = check_theorem(made.mdp, made.policy, share);
    for (size_t k = 0; k < kNumInequalities; ++k) {
      EXPECT_TRUE(check.checks[k].holds)
          << "process " << i << ": " << name_of(static_cast<Inequality>(k));
    }
  }
}

TEST(TheoremCheck, NoticesAnInequalityThatDoesNotHold) {
  // With rewards above the limit that the process states, its bounds promise too much.
  Instance tiny = tiny_process();
  tiny.mdp.reward_limit = 0.001;
  EXPECT_FALSE(check_theorem(tiny.mdp, tiny.policy, 0.5).holds());
}

TEST(TheoremCheck, HasNothingToSayOfAPolicyThatIsBestAlready) {
  const Instance tiny = tiny_process();
  Policy best = always(tiny.mdp.shape, 0);
  best.at(0, 0, 0) = 0;
  best.at(0, 0, 1) = 1;
  const TheoremCheck check = check_theorem(tiny.mdp, best, 0.5);
  EXPECT_EQ(check.coverage, 0);
  EXPECT_TRUE(check.holds());
}

}  // namespace
}  // namespace srpo::rl::tabular
