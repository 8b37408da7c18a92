#include "analysis/localization_report.h"

#include <gtest/gtest.h>

#include "analysis/hand_made_trees.h"

namespace srpo::analysis {
namespace {

TEST(LocalizationReport, ComparesNamedWithFirstWrongThoughts) {
  const KnownSteps known;  // the second thought is the first wrong one
  LocalizationReport report(known);
  report.add(test::reset_tree(0, 0, {1, 1, 0, 0}, 2));  // exact
  report.add(test::reset_tree(0, 1, {1, 0, 0, 0}, 1));  // one before
  report.add(test::reset_tree(0, 2, {0, 0, 0, 0}, 4));  // two behind
  report.add(test::reset_tree(0, 3, {0, 0, 0, 1}, 3));  // one behind
  const LocalizerRow& self = report.localizers.at("self");
  EXPECT_EQ(self.resets, 4U);
  EXPECT_EQ(self.exact.share(), 0.25);
  EXPECT_EQ(self.within_1.share(), 0.75);
  EXPECT_EQ(self.within_2.share(), 1);
  EXPECT_EQ(self.chance.value(), 0.25);
  EXPECT_EQ(self.first.share(), 0.25);
  EXPECT_EQ(self.clean.resets, 2U);
  EXPECT_EQ(self.clean.endings.successes, 3U);
  EXPECT_EQ(self.clean.endings.total, 8U);
  EXPECT_EQ(self.clean.any_success.share(), 1);
  EXPECT_EQ(self.erroneous.endings.successes, 1U);
  EXPECT_EQ(self.erroneous.any_success.share(), 0.5);
  EXPECT_EQ(self.statuses[0], 4U);
  EXPECT_EQ(report.deviations[kFarthest].resets, 1U);
  EXPECT_EQ(report.deviations[kFarthest - 1].endings.share(), 0.25);
  EXPECT_EQ(report.deviations[kFarthest + 2].any_success.share(), 0);
  EXPECT_EQ(report.deviations[kFarthest + 2].kept.value(), 0.75);
  EXPECT_EQ(report.positions[1].count(10), 4U);  // 2/4
}

TEST(LocalizationReport, LeavesShortThoughtsOutWhenAsked) {
  records::RolloutTree tree = test::reset_tree(0, 0, {1, 1, 0, 0}, 4);
  tree.fresh.back().text =
      "10+2=12</thought>twelve minus three is then 8</thought>ok</thought>so it is 33 "
      "\\boxed{33}</thought>";
  tree.problem.question = "another task";
  const KnownSteps none;
  LocalizationReport unknown(none);
  unknown.add(tree);
  EXPECT_EQ(unknown.total.exact.total, 0U);
  // Words: 1, 6, 1, 5. Of the named fourth and the wrong first, one counted step lies
  // between.
  tree.problem.question = "11 +2";
  LocalizationReport all(none, 0);
  all.add(tree);
  EXPECT_EQ(all.deviations[kFarthest + 3].resets, 1U);
  LocalizationReport long_ones(none, 5);
  long_ones.add(tree);
  EXPECT_EQ(long_ones.deviations[kFarthest + 1].resets, 1U);
}

TEST(LocalizationReport, HasTablesAndAPictureWithAndWithoutKnownSteps) {
  const KnownSteps known;
  LocalizationReport report(known);
  EXPECT_NE(localization_svg(report, "a").find("No reset has been recorded yet."),
            std::string::npos);
  records::RolloutTree tree = test::reset_tree(0, 0);
  tree.problem.question = "?";
  report.add(tree);
  EXPECT_NE(localization_svg(report, "a").find("no wrong step is known"),
            std::string::npos);
  report.add(test::reset_tree(0, 1));
  EXPECT_NE(localization_svg(report, "a").find("named thought - first wrong thought"),
            std::string::npos);
  EXPECT_EQ(localization_tables(report).size(), 6U);
}

}  // namespace
}  // namespace srpo::analysis
