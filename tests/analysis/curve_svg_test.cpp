#include "analysis/curve_svg.h"

#include <regex>

#include <gtest/gtest.h>

#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

TEST(LearningCurves, HaveAccuracyWithABandAndBothRewards) {
  const test::ScratchFolder folder;
  test::record_run(folder / "run", 6, 8, 10, 1000);
  const std::vector<Series> series = learning_curves(scan_run(folder / "run"));
  ASSERT_EQ(series.size(), 3U);
  EXPECT_TRUE(series[0].has_band);
  EXPECT_EQ(series[0].points.size(), 6U);
  for (const Series::Point& point : series[0].points) {
    EXPECT_LE(point.low, point.y);
    EXPECT_GE(point.high, point.y);
  }
  EXPECT_EQ(series[1].points.size(), 6U);
}

TEST(LearningCurves, LeaveOutWhatTheRunDoesNotHave) {
  const test::ScratchFolder folder;
  test::record_run(folder / "run", 3, 4, 0, 1000);
  EXPECT_EQ(learning_curves(scan_run(folder / "run")).size(), 2U);
  EXPECT_TRUE(learning_curves(RunScan()).empty());
}

TEST(CurveSvg, KeepsEveryPointWithinThePictureAndEscapesItsTitle) {
  std::vector<Series> series = {
      {"a", "#123456", true, {{0, 0.5, 0.1, 0.9}, {1000, 0.9, 0.8, 1}}},
      {"b", "#654321", false, {{3, 0, 0, 0}, {4, 1, 0, 0}}}};
  const std::string svg = curve_svg("a < b & \"c\"", series);
  EXPECT_NE(svg.find("a &lt; b &amp; &quot;c&quot;"), std::string::npos);
  const std::regex point(R"((-?[0-9.]+),(-?[0-9.]+) )");
  int count = 0;
  for (std::sregex_iterator at(svg.begin(), svg.end(), point), end; at != end;
       ++at, ++count) {
    EXPECT_GE(std::stod((*at)[1]), 0);
    EXPECT_LE(std::stod((*at)[1]), 960);
    EXPECT_GE(std::stod((*at)[2]), 0);
    EXPECT_LE(std::stod((*at)[2]), 560);
  }
  EXPECT_EQ(count, 2 + 4 + 2);
}

TEST(CurveSvg, StandsOnePointAndNone) {
  EXPECT_NE(curve_svg("t", {}).find("No tree has been recorded yet."), std::string::npos);
  const std::string svg = curve_svg("t", {{"a", "#123456", true, {{5, 0.5, 0.5, 0.5}}}});
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

}  // namespace
}  // namespace srpo::analysis
