#include "analysis/bar_svg.h"

#include <regex>

#include <gtest/gtest.h>

namespace srpo::analysis {
namespace {

TEST(BarSvg, DrawsEachBarWithinThePictureAndEscapesItsTexts) {
  BarChart chart;
  chart.title = "<script>alert(1)</script>";
  chart.level = 0.4;
  for (int i = 0; i < 40; ++i)
    chart.bars.push_back(
        {"<" + std::to_string(i), i % 2 == 0 ? 0.5 : -0.25, Interval{-0.3, 0.75}});
  const std::string svg = bar_svg(chart);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  const std::regex bar(
      R"re(<rect x="([0-9.]+)" y="([0-9.]+)" width="([0-9.]+)" height="([0-9.]+)")re");
  int count = 0;
  for (std::sregex_iterator at(svg.begin(), svg.end(), bar), end; at != end; ++at) {
    ++count;
    EXPECT_LE(std::stod((*at)[1]) + std::stod((*at)[3]), 960);
    EXPECT_LE(std::stod((*at)[2]) + std::stod((*at)[4]), 560);
  }
  EXPECT_EQ(count, 40);
}

TEST(BarSvg, StandsNoBarAndBarsOfZero) {
  EXPECT_NE(bar_svg({}).find("No tree has been recorded yet."), std::string::npos);
  BarChart chart;
  chart.bars = {{"a", 0, std::nullopt}};
  const std::string svg = bar_svg(chart);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

}  // namespace
}  // namespace srpo::analysis
