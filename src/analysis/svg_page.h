// What all SVG pictures of this folder are made of: a page, axes, texts, lines.
#pragma once

#include <cstddef>
#include <string>

namespace srpo::analysis {

inline constexpr double kPageWidth = 960;
inline constexpr double kPageHeight = 560;

/// As text or attribute of XML; what a terminal could not show is replaced, a line feed
/// becomes a space.
std::string escaped_xml(const std::string& text);

/// With a fixed number of digits behind the point.
std::string decimal(double value, int digits = 1);

/// An axis from `low` to `high` with ticks at multiples of `step`.
struct Axis {
  double low = 0;
  double high = 1;
  double step = 0.2;

  /// Covers the values with 4 to 8 round ticks; whole ones if `whole`.
  static Axis covering(double low, double high, bool whole);
  /// Digits behind the point that its ticks need.
  int digits() const;
};

std::string svg_text(double x, double y, const std::string& attributes,
                     const std::string& text);
std::string svg_line(double x1, double y1, double x2, double y2,
                     const std::string& attributes);

/// The opening of a page of 960 x 560 on white with a title.
std::string svg_begin(const std::string& title);
/// A sentence in the middle of a page that has nothing to draw, and the page's end.
std::string svg_nothing(const std::string& sentence);

}  // namespace srpo::analysis
