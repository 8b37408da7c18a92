#include "analysis/gradient_report.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "analysis/hand_made_trees.h"

namespace srpo::analysis {
namespace {

TEST(GradientReport, IsAdvantageOverLengthTimesSurprise) {
  GradientReport report;
  report.add(test::reset_tree(0, 0));  // base 1 1 0 0 of 40, endings 1 1 1 0 of 40 new
  const SignalRow& row = report.steps.at(0);
  const double base = 1.0 / 40 * 0.5;
  const double suffix = (3 * 0.577350269 + 1.732050808) / 4 / 40 * 0.5;
  EXPECT_NEAR(*row.base.signal.value(), base, 1e-8);
  EXPECT_NEAR(*row.suffix.signal.value(), suffix, 1e-8);
  EXPECT_NEAR(*GradientReport::ratio_of(row), suffix / base, 1e-6);
  EXPECT_NEAR(*row.base.surprise.value(), 0.5, 1e-6);
  EXPECT_EQ(row.suffix.length.value(), 40);
  EXPECT_EQ(row.suffix.success.share(), 0.75);
  // The endings' first two thoughts of 25 tokens are kept and carry no signal.
  EXPECT_EQ(report.suffix_thoughts[0].count(), 0U);
  EXPECT_EQ(report.suffix_thoughts[1].count(), 160U);
  EXPECT_EQ(report.base_thoughts[0].count(), 160U);
}

TEST(GradientReport, CountsAKeptPrefixWhereTheRunDoes) {
  RunIdentity identity;
  identity.mask_prefix = false;
  GradientReport report(identity);
  report.add(test::reset_tree(0, 0));
  EXPECT_EQ(report.total.suffix.length.value(), 90);
}

TEST(GradientReport, LeavesGroupsWithoutVarianceOut) {
  GradientReport report;
  report.add(test::reset_tree(0, 0, {1, 1, 1, 1}));
  report.add(test::reset_tree(1, 0, {0, 0, 0, 0}));
  EXPECT_EQ(report.total.suffix.flat.share(), 1);
  EXPECT_EQ(report.total.suffix.signal.count(), 0U);
  EXPECT_EQ(report.total.both_base.count(), 0U);
  EXPECT_EQ(GradientReport::ratio_of(report.total), std::nullopt);
  EXPECT_NEAR(*report.trend(), -1, 1e-12);
  EXPECT_NE(gradient_svg(report, "x").find("No problem has a variance"),
            std::string::npos);
}

TEST(GradientReport, StandsOddRecords) {
  records::RolloutTree tree = test::reset_tree(0, 0);
  tree.fresh[0].logprobs = {};
  tree.fresh[1].logprobs = {-std::numeric_limits<float>::infinity(), 0.5F};
  tree.suffixes[0].prefix_length = 5000;
  tree.suffixes[1].thought_ends = {};
  GradientReport report;
  report.add(tree);
  EXPECT_TRUE(std::isfinite(*report.total.base.signal.value()));
  EXPECT_FALSE(gradient_tables(report).empty());
}

}  // namespace
}  // namespace srpo::analysis
