// A bar chart as a picture that needs nothing but itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/statistics.h"

namespace srpo::analysis {

struct Bar {
  std::string label;  ///< under the bar
  double value = 0;
  std::optional<Interval> whisker;
  std::string colour = "#1f5fa8";  ///< as SVG takes it
};

struct BarChart {
  std::string title;
  std::string subtitle;
  std::string x;
  std::string y;
  std::vector<Bar> bars;
  std::optional<double> level;                             ///< a dashed line across
  std::string nothing = "No tree has been recorded yet.";  ///< shown without a bar
};

/// An SVG document of 960 x 560. The axis of values includes 0; at most 24 labels are
/// shown. Text is escaped.
std::string bar_svg(const BarChart& chart);

}  // namespace srpo::analysis
