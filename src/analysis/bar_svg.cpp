#include "analysis/bar_svg.h"

#include <algorithm>

#include "analysis/svg_page.h"

namespace srpo::analysis {
namespace {

constexpr double kLeft = 76;
constexpr double kRight = 28;
constexpr double kTop = 86;
constexpr double kBottom = 70;
constexpr size_t kMostLabels = 24;

double py(const Axis& axis, double value) {
  return kPageHeight - kBottom -
         (value - axis.low) / (axis.high - axis.low) * (kPageHeight - kTop - kBottom);
}

Axis axis_of(const BarChart& chart) {
  double low = 0;
  double high = 0;
  for (const Bar& bar : chart.bars) {
    low = std::min({low, bar.value, bar.whisker ? bar.whisker->low : 0.0});
    high = std::max({high, bar.value, bar.whisker ? bar.whisker->high : 0.0});
  }
  if (chart.level) {
    low = std::min(low, *chart.level);
    high = std::max(high, *chart.level);
  }
  return Axis::covering(low, high, /*whole=*/false);
}

std::string grid(const BarChart& chart, const Axis& axis) {
  const double bottom = kPageHeight - kBottom;
  std::string svg;
  for (int i = 0; axis.low + i * axis.step <= axis.high + axis.step * 1e-6; ++i) {
    const double value = axis.low + i * axis.step;
    svg += svg_line(kLeft, py(axis, value), kPageWidth - kRight, py(axis, value),
                    "stroke=\"#e3e6ea\"");
    svg += svg_text(kLeft - 10, py(axis, value) + 4.5, "text-anchor=\"end\"",
                    decimal(value, axis.digits()));
  }
  svg += svg_text((kLeft + kPageWidth - kRight) / 2, kPageHeight - 16,
                  "text-anchor=\"middle\"", chart.x);
  svg += svg_text(0, 0,
                  "text-anchor=\"middle\" transform=\"translate(20 " +
                      decimal((kTop + bottom) / 2) + ") rotate(-90)\"",
                  chart.y);
  return svg;
}

std::string drawn(const Bar& bar, const Axis& axis, double left, double width) {
  const double from = std::min(py(axis, bar.value), py(axis, 0));
  const double height = std::max(0.5, std::abs(py(axis, bar.value) - py(axis, 0)));
  std::string svg = "<rect x=\"" + decimal(left, 2) + "\" y=\"" + decimal(from, 2) +
                    "\" width=\"" + decimal(width, 2) + "\" height=\"" +
                    decimal(height, 2) + "\" fill=\"" + bar.colour + "\"/>\n";
  if (!bar.whisker) return svg;
  const double middle = left + width / 2;
  const double low = py(axis, bar.whisker->low);
  const double high = py(axis, bar.whisker->high);
  const char* stroke = "stroke=\"#2b323b\" stroke-width=\"1.4\"";
  svg += svg_line(middle, low, middle, high, stroke);
  svg += svg_line(middle - 5, low, middle + 5, low, stroke);
  svg += svg_line(middle - 5, high, middle + 5, high, stroke);
  return svg;
}

}  // namespace

std::string bar_svg(const BarChart& chart) {
  std::string svg = svg_begin(chart.title);
  if (chart.bars.empty()) return svg + svg_nothing(chart.nothing);
  svg += svg_text(kLeft, 62, "fill=\"#5b6470\"", chart.subtitle);
  const Axis axis = axis_of(chart);
  svg += grid(chart, axis);
  const double room =
      (kPageWidth - kLeft - kRight) / static_cast<double>(chart.bars.size());
  const size_t every = (chart.bars.size() + kMostLabels - 1) / kMostLabels;
  for (size_t i = 0; i < chart.bars.size(); ++i) {
    const double left = kLeft + room * (static_cast<double>(i) + 0.12);
    svg += drawn(chart.bars[i], axis, left, room * 0.76);
    if (i % every == 0)
      svg += svg_text(left + room * 0.38, kPageHeight - kBottom + 22,
                      "text-anchor=\"middle\" font-size=\"12\"", chart.bars[i].label);
  }
  svg += svg_line(kLeft, py(axis, 0), kPageWidth - kRight, py(axis, 0),
                  "stroke=\"#5b6470\" stroke-width=\"1.2\"");
  if (chart.level)
    svg += svg_line(kLeft, py(axis, *chart.level), kPageWidth - kRight,
                    py(axis, *chart.level),
                    "stroke=\"#b03a2e\" stroke-dasharray=\"6 5\" stroke-width=\"1.4\"");
  return svg + "</svg>\n";
}

}  // namespace srpo::analysis
