#include "rl/tabular/cpi.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tiny_process.h"

namespace srpo::rl::tabular {
namespace {

TEST(CpiStep, ExactStepOfATinyProcessIsAsComputedByHand) {
  const Instance tiny = tiny_process();
  const CpiStep random = exact_cpi_step(tiny.mdp, tiny.policy, ResetRule::kRandom, 0.3);
  EXPECT_NEAR(random.advantage, 0.175, 1e-15);
  EXPECT_NEAR(random.weight, 0.175 / 4, 1e-15);  // H^2 R = 4
  const CpiStep careful =
      exact_cpi_step(tiny.mdp, tiny.policy, ResetRule::kCreditAware, 0.3);
  EXPECT_NEAR(careful.advantage, 0.5, 1e-15);
  EXPECT_NEAR(careful.weight, 0.5 / 8, 1e-15);
  // State 1 of step 1 is reached with 1/2 as before, and gains weight * 0.5 there.
  EXPECT_NEAR(careful.gain, 0.5 * 0.0625 * 0.5, 1e-15);
}

TEST(CpiStep, SampledStepComesCloseToTheExactOne) {
  const Instance tiny = tiny_process();
  const Evaluation before = evaluate(tiny.mdp, tiny.policy);
  for (const ResetRule rule : {ResetRule::kRandom, ResetRule::kCreditAware}) {
    core::Rng rng(3, core::Purpose::kTest, static_cast<uint64_t>(rule));
    const auto values = realisable_class(before, 8, rng);
    const CpiStep sampled =
        cpi_step(tiny.mdp, tiny.policy, values, {rule, 200000, 0.3}, rng);
    const CpiStep exact = exact_cpi_step(tiny.mdp, tiny.policy, rule, 0.3);
    EXPECT_EQ(sampled.chosen_values, 0u);
    EXPECT_NEAR(sampled.advantage, exact.advantage, 0.01);
    EXPECT_NEAR(sampled.gain, exact.gain, 0.001);
  }
}

TEST(CpiStep, RejectionLooksAtOneOverCoverageStatesForEachReturn) {
  const Instance tiny = tiny_process();
  core::Rng rng(4, core::Purpose::kTest, 0);
  const auto values = realisable_class(evaluate(tiny.mdp, tiny.policy), 2, rng);
  const CpiStep step =
      cpi_step(tiny.mdp, tiny.policy, values, {ResetRule::kCreditAware, 20000, 0.3}, rng);
  EXPECT_NEAR(static_cast<double>(step.num_draws) / 20000, 4, 0.1);  // coverage 1/4
}

TEST(CpiStep, NewPolicyIsADistribution) {
  core::Rng rng(5, core::Purpose::kTest, 0);
  const Instance made = random_instance(MdpKind::kDense, rng);
  const Evaluation before = evaluate(made.mdp, made.policy);
  const double threshold = largest_advantage(before) / 2;
  const CpiStep step = cpi_step(made.mdp, made.policy, realisable_class(before, 4, rng),
                                {ResetRule::kCreditAware, 500, threshold}, rng);
  EXPECT_NO_THROW(check_policy(step.policy));
}

TEST(CpiStep, RefusesToLookForWhatIsNotThere) {
  const Instance tiny = tiny_process();
  core::Rng rng(6, core::Purpose::kTest, 0);
  const auto values = realisable_class(evaluate(tiny.mdp, tiny.policy), 1, rng);
  const CpiOptions options{ResetRule::kCreditAware, 10, 0.9};
  EXPECT_THROW(cpi_step(tiny.mdp, tiny.policy, values, options, rng), core::Error);
  EXPECT_THROW(cpi_step(tiny.mdp, tiny.policy, {}, {}, rng), core::Error);
}

TEST(CpiStep, PromisesWhatTheTheoremSays) {
  EXPECT_DOUBLE_EQ(promised_gain(ResetRule::kRandom, 0.25, 0.5, 1, 1), 0.015625 / 8);
  EXPECT_DOUBLE_EQ(promised_gain(ResetRule::kCreditAware, 0.25, 0.5, 4, 2),
                   0.03125 / (16 * 8));
  const Mdp mdp({2, 1, 3}, 1);  // |Y| H^2 R^2 = 12
  EXPECT_DOUBLE_EQ(required_returns(ResetRule::kCreditAware, 0.5, 0.5, mdp, 2, 1), 96);
  EXPECT_DOUBLE_EQ(required_returns(ResetRule::kRandom, 0.5, 0.5, mdp, 2, 1), 384);
}

}  // namespace
}  // namespace srpo::rl::tabular
