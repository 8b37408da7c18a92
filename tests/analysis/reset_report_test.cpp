#include "analysis/reset_report.h"

#include <gtest/gtest.h>

#include "analysis/hand_made_trees.h"

namespace srpo::analysis {
namespace {

TEST(ResetReport, MeasuresWhatWasKeptAndGained) {
  ResetReport report;
  report.add(test::reset_tree(0, 0));                   // gain 0.25
  report.add(test::reset_tree(0, 1, {0, 0, 0, 0}, 1));  // gain -0.5, nothing kept
  report.add(test::validation_tree(0, 0, true));
  const ResetRow& total = report.total;
  EXPECT_EQ(total.trees, 2U);
  EXPECT_EQ(total.resets, 2U);
  EXPECT_EQ(total.draws.value(), 6);
  EXPECT_EQ(total.thought.value(), 2);
  EXPECT_EQ(total.position.value(), 0.5);
  EXPECT_EQ(total.kept.value(), 0.25);
  EXPECT_EQ(total.from_start.share(), 0.5);
  EXPECT_EQ(total.gain.mean(), -0.125);
  EXPECT_EQ(total.flat_base.share(), 0);
  EXPECT_EQ(total.flat_suffix.share(), 0.5);
  EXPECT_EQ(total.flat_suffix_wrong.share(), 0.5);
  EXPECT_EQ(total.any_base.share(), 1);
  EXPECT_EQ(total.any_suffix.share(), 0.5);
  EXPECT_EQ(total.rescued.total, 0U);
  EXPECT_EQ(report.thoughts[0], 1U);
  EXPECT_EQ(report.thoughts[2], 1U);
  EXPECT_EQ(report.positions.count(5), 1U);   // 1/4
  EXPECT_EQ(report.positions.count(15), 1U);  // 3/4
  EXPECT_EQ(report.by_kept[0].resets, 1U);
  EXPECT_EQ(report.by_kept[5].resets, 1U);
}

TEST(ResetReport, CountsARescueWhereTheBaseGroupHasNoSuccess) {
  records::RolloutTree tree = test::reset_tree(0, 0, {0, 0, 0, 1});
  for (records::Trajectory& chain : tree.fresh) chain.verdict.reward = 0;
  ResetReport report;
  report.add(tree);
  EXPECT_EQ(report.total.rescued.share(), 1);
  EXPECT_EQ(report.total.any.share(), 1);
  EXPECT_EQ(report.total.any_base.share(), 0);
  EXPECT_EQ(report.total.flat_base.share(), 1);
}

TEST(ResetReport, WithoutResetsHasTablesAndAPictureThatSaysSo) {
  const ResetReport report;
  EXPECT_EQ(reset_tables(report, true).size(), 5U);
  EXPECT_NE(reset_svg(report, "<none>").find("No tree has been recorded yet."),
            std::string::npos);
  EXPECT_EQ(reset_svg(report, "<none>").find("<none>"), std::string::npos);
}

TEST(ResetReport, PutsLateThoughtsInTheLastRow) {
  records::RolloutTree tree = test::reset_tree(0, 0);
  tree.localization->thought = 5000;
  tree.localization->num_thoughts = 5000;
  ResetReport report;
  report.add(tree);
  EXPECT_EQ(report.thoughts.back(), 1U);
  EXPECT_EQ(report.positions.count(19), 1U);
}

}  // namespace
}  // namespace srpo::analysis
