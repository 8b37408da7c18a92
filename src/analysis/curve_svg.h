// A learning curve as a picture that needs nothing but itself.
#pragma once

#include <string>
#include <vector>

#include "analysis/run_scan.h"

namespace srpo::analysis {

/// A line over steps, with a band around it where it has one.
struct Series {
  struct Point {
    double x = 0;
    double y = 0;
    double low = 0;  ///< of the band; ignored without one
    double high = 0;
  };
  std::string name;
  std::string colour;  ///< as SVG takes it
  bool has_band = false;
  std::vector<Point> points;  ///< x ascending
};

/// Validation accuracy by policy version with its 95 % band, and the mean rewards of base
/// and suffix groups by step; a series without points is left out.
std::vector<Series> learning_curves(const RunScan& scan);

/// The words around a picture.
struct CurveLabels {
  std::string title;
  std::string x = "policy version (training steps)";
  std::string y = "accuracy, mean reward";
  std::string nothing = "No tree has been recorded yet.";  ///< shown without any point
};

/// An SVG document of 960 x 560: title, axes with ticks, a legend. Without any point it
/// says so. Text is escaped.
std::string curve_svg(const CurveLabels& labels, const std::vector<Series>& series);
std::string curve_svg(const std::string& title, const std::vector<Series>& series);

}  // namespace srpo::analysis
