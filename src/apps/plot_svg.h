// A plot of lines over linear or logarithmic axes, as a picture that needs nothing but
// itself.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace srpo::apps {

struct PlotAxis {
  std::string label;
  bool is_log = false;
  /// Where the axis has marks, and what they say; empty: chosen from the values.
  std::vector<std::pair<double, std::string>> ticks;
};

struct PlotLine {
  std::string name;
  bool is_dashed = false;
  std::vector<std::pair<double, double>> points;  ///< x ascending
  int colour = -1;  ///< of six; -1: as the line's number says
};

struct Plot {
  std::string title;
  PlotAxis x;
  PlotAxis y;
  std::vector<PlotLine> lines;
};

/// 790 x 470, white ground, legend to the right, text escaped. Points that a logarithmic
/// axis cannot show are left out; without any point it says so.
std::string to_svg(const Plot& plot);

}  // namespace srpo::apps
