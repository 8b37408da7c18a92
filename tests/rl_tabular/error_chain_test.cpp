#include "rl/tabular/error_chain.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "rl/tabular/evaluation.h"

namespace srpo::rl::tabular {
namespace {

TEST(ErrorChain, FreshEndingSucceedsAsOftenAsItsProcessPays) {
  const ErrorChain chain{6, 0.2};
  const Instance made = chain.to_instance();
  made.mdp.check();
  const double value = evaluate(made.mdp, made.policy).value;
  EXPECT_NEAR(chain_outcome(chain, ChainReset::kFresh, 0, 4).success, value, 1e-12);
}

TEST(ErrorChain, TwoThoughtsAreAsComputedByHand) {
  const ErrorChain chain{2, 0.5};
  // Failed chains have their first wrong thought at 1 (2/3) or 2 (1/3).
  const auto chances = first_error_chances(chain);
  EXPECT_NEAR(chances[0], 2.0 / 3, 1e-15);
  // First error: 2/3 * 1/4 + 1/3 * 1/2. Random: half of it kept wrongly at 1.
  const auto first = chain_outcome(chain, ChainReset::kFirstError, 0, 4);
  EXPECT_NEAR(first.success, 1.0 / 3, 1e-15);
  EXPECT_NEAR(first.kept, 1.0 / 6, 1e-15);
  const auto random = chain_outcome(chain, ChainReset::kRandom, 0, 4);
  EXPECT_NEAR(random.success, 2.0 / 3 * 0.125 + 1.0 / 3 * 0.375, 1e-15);
  EXPECT_NEAR(random.clean, 2.0 / 3 * 0.5 + 1.0 / 3, 1e-15);
  EXPECT_NEAR(random.thoughts, 1.5, 1e-15);
}

TEST(ErrorChain, AlwaysHittingIsTheFirstErrorAndNeverHittingIsWorse) {
  const ErrorChain chain{10, 0.1};
  const auto first = chain_outcome(chain, ChainReset::kFirstError, 0, 4);
  const auto hit = chain_outcome(chain, ChainReset::kHitOrMiss, 1, 4);
  const auto miss = chain_outcome(chain, ChainReset::kHitOrMiss, 0, 4);
  EXPECT_DOUBLE_EQ(hit.success, first.success);
  EXPECT_LT(miss.success, first.success);
}

TEST(ErrorChain, MeasuredDeviationsAreADistribution) {
  const auto outcome = chain_outcome({20, 0.1}, ChainReset::kMeasured, 0, 4);
  EXPECT_GT(outcome.clean, 0.4);
  EXPECT_LT(outcome.clean, 1);
  EXPECT_NEAR(outcome.kept + outcome.thoughts / 20, 1, 1e-12);
}

TEST(ErrorChain, RefusesChancesThatAreNone) {
  EXPECT_THROW(chain_outcome({3, 0}, ChainReset::kFresh, 0, 4), core::Error);
  EXPECT_THROW(chain_outcome({3, 0.5}, ChainReset::kHitOrMiss, 2, 4), core::Error);
}

}  // namespace
}  // namespace srpo::rl::tabular
