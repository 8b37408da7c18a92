#include "rl/tabular/evaluation.h"

#include <gtest/gtest.h>

#include "rl/tabular/improvability.h"
#include "tiny_process.h"

namespace srpo::rl::tabular {
namespace {

TEST(Evaluation, GivesTheValuesOfATinyProcessThatWereComputedByHand) {
  const Instance tiny = tiny_process();
  const Evaluation evaluation = evaluate(tiny.mdp, tiny.policy);
  // V_1(0) = (0.1 + 0.3) / 2, V_1(1) = (1 + 0) / 2.
  EXPECT_DOUBLE_EQ(evaluation.state_values[2], 0.2);
  EXPECT_DOUBLE_EQ(evaluation.state_values[3], 0.5);
  // Q_0(0, 0) = 0.2 + 0.2, Q_0(0, 1) = 0 + 0.5.
  EXPECT_DOUBLE_EQ(evaluation.action_values.at(0, 0, 0), 0.4);
  EXPECT_DOUBLE_EQ(evaluation.action_values.at(0, 0, 1), 0.5);
  EXPECT_DOUBLE_EQ(evaluation.value, 0.45);
  EXPECT_DOUBLE_EQ(evaluation.visit(0, 0), 1);
  EXPECT_DOUBLE_EQ(evaluation.visit(1, 0), 0.5);
  EXPECT_DOUBLE_EQ(evaluation.visit(1, 1), 0.5);
}

TEST(Evaluation, FindsWhereATinyProcessCanBeImproved) {
  const Instance tiny = tiny_process();
  const Evaluation evaluation = evaluate(tiny.mdp, tiny.policy);
  EXPECT_DOUBLE_EQ(largest_advantage(evaluation), 0.5);  // 1 - 0.5 at step 1, state 1
  const Membership members = improvable(evaluation, 0.3);
  EXPECT_EQ(members, (Membership{false, false, false, true}));
  EXPECT_DOUBLE_EQ(coverage(evaluation, members), 0.25);  // (0 + 0.5) / 2
  const Policy better = greedy(evaluation.action_values);
  // (1/2) (0.05 at step 0, 0.5 * 0.1 + 0.5 * 0.5 at step 1)
  EXPECT_NEAR(policy_advantage(evaluation, better), 0.175, 1e-15);
  EXPECT_NEAR(conditional_advantage(evaluation, better, members), 0.5, 1e-15);
  EXPECT_NEAR(conditional_advantage(evaluation, better, complement(members)), 0.2 / 3,
              1e-15);
}

TEST(Evaluation, EqualsTheSumOverAllPathsOnRandomProcesses) {
  for (uint64_t i = 0; i < 60; ++i) {
    core::Rng rng(7, core::Purpose::kTest, i);
    const Instance made = random_instance(static_cast<MdpKind>(i % 3), rng);
    if (made.mdp.shape.horizon > 4) continue;
    EXPECT_NEAR(evaluate(made.mdp, made.policy).value,
                value_by_paths(made.mdp, made.policy), 1e-12);
  }
}

TEST(Evaluation, VisitsAddUpToOneAtEveryStep) {
  core::Rng rng(8, core::Purpose::kTest, 0);
  const Instance made = random_instance(MdpKind::kDense, rng);
  const Evaluation evaluation = evaluate(made.mdp, made.policy);
  for (size_t step = 0; step < made.mdp.shape.horizon; ++step) {
    double sum = 0;
    for (size_t state = 0; state < made.mdp.shape.states; ++state)
      sum += evaluation.visit(step, state);
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(Evaluation, MixesPoliciesCellByCell) {
  const MdpShape shape = {1, 1, 2};
  const Policy half = mixed(always(shape, 0), always(shape, 1), 0.25);
  EXPECT_DOUBLE_EQ(half.at(0, 0, 0), 0.75);
  EXPECT_DOUBLE_EQ(half.at(0, 0, 1), 0.25);
}

}  // namespace
}  // namespace srpo::rl::tabular
