#include "analysis/advantage_report.h"

#include <gtest/gtest.h>

#include "analysis/hand_made_trees.h"
#include "analysis/training_groups.h"

namespace srpo::analysis {
namespace {

void expect_all_near(const std::vector<double>& values,
                     const std::vector<double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-6);
}

TEST(Advantages, FollowTheRuleOfTheRun) {
  RunIdentity srpo;
  const RunIdentity grpo = identity_of_job("algorithm: {name: grpo}");
  expect_all_near(advantages_by(srpo, {1, 0, 0, 0}),
                  {1.732051, -0.577350, -0.577350, -0.577350});
  expect_all_near(advantages_by(grpo, {1, 0, 0, 0}),
                  {1.499997, -0.499999, -0.499999, -0.499999});
  expect_all_near(advantages_by(srpo, {.5, 2.0 / 3, 0, 1}),
                  {-.115470, .346410, -1.501111, 1.270171});
  expect_all_near(advantages_by(grpo, {1, 1, 1, 1}), {0, 0, 0, 0});
  srpo.std_floor = 1;
  expect_all_near(advantages_by(srpo, {1, 0}), {0.5, -0.5});
  EXPECT_TRUE(advantages_by(srpo, {}).empty());
}

TEST(TrainingGroups, AreTheBaseAndTheEndingsOfEachFailedChain) {
  records::RolloutTree tree = test::reset_tree(0, 0, {1, 0, 1, 1, 0, 0});
  for (size_t i = 3; i < 6; ++i) tree.suffixes[i].parent = tree.fresh[2].id;
  const auto groups = training_groups(tree, {});
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_FALSE(groups[0].is_suffix);
  EXPECT_EQ(groups[0].successes, 2U);
  EXPECT_EQ(groups[1].rewards, (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(groups[2].rewards, (std::vector<double>{1, 0, 0}));
  EXPECT_TRUE(training_groups(test::validation_tree(0, 0, true), {}).empty());
}

TEST(AdvantageReport, CountsGroupsByHowManySucceed) {
  AdvantageReport report;
  report.add(test::reset_tree(0, 0));
  report.add(test::reset_tree(0, 1, {0, 0, 0, 0}));
  EXPECT_EQ(report.base.compositions.at({4, 2}), 2U);
  EXPECT_EQ(report.suffix.compositions.at({4, 3}), 1U);
  EXPECT_EQ(report.suffix.compositions.at({4, 0}), 1U);
  EXPECT_EQ(report.suffix.zero.share(), 0.5);
  EXPECT_EQ(report.base.zero.share(), 0);
  EXPECT_NEAR(*report.base.advantage.mean(), 0, 1e-12);
  EXPECT_NEAR(*report.base.advantage.deviation(), 1, 1e-12);
  EXPECT_EQ(report.base.places[0].mean(), 1);
  EXPECT_EQ(report.base.places[3].mean(), -1);
  EXPECT_EQ(report.steps.at(0).zero_suffix.share(), 0.5);
  EXPECT_EQ(report.base.with_length.value(), std::nullopt);  // all of one length
  EXPECT_EQ(advantage_tables(report, true).size(), 5U);
}

TEST(RunIdentity, ReadsWhatItCanAndLeavesDefaultsForTheRest) {
  const RunIdentity identity = identity_of_job(
      "run: {name: x}\nalgorithm: {name: rrpo, std_floor: 0.05, mask_prefix: false}\n");
  EXPECT_EQ(identity.name, "x");
  EXPECT_EQ(identity.algorithm, "rrpo");
  EXPECT_EQ(identity.std_floor, 0.05);
  EXPECT_FALSE(identity.mask_prefix);
  EXPECT_EQ(identity_of_job("{{{").algorithm, "");
  EXPECT_EQ(identity_of_job("").name, "");
  EXPECT_EQ(identity_of_job("run: {name: y}\nalgorithm: 7\n").name, "y");
}

}  // namespace
}  // namespace srpo::analysis
