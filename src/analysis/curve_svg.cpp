#include "analysis/curve_svg.h"

#include <algorithm>

#include "analysis/svg_page.h"

namespace srpo::analysis {
namespace {

constexpr double kLeft = 76;
constexpr double kRight = 28;
constexpr double kTop = 96;
constexpr double kBottom = 66;
constexpr size_t kMostMarkedPoints = 60;

/// From values to the page.
struct Frame {
  Axis x;
  Axis y;
  double px(double value) const {
    return kLeft + (value - x.low) / (x.high - x.low) * (kPageWidth - kLeft - kRight);
  }
  double py(double value) const {
    return kPageHeight - kBottom -
           (value - y.low) / (y.high - y.low) * (kPageHeight - kTop - kBottom);
  }
  std::string point(double at, double value) const {
    return decimal(px(at), 2) + "," + decimal(py(value), 2);
  }
};

Frame frame_of(const std::vector<Series>& series) {
  double x_low = 1e300;
  double x_high = -1e300;
  double y_low = 1e300;
  double y_high = -1e300;
  for (const Series& line : series) {
    for (const Series::Point& point : line.points) {
      x_low = std::min(x_low, point.x);
      x_high = std::max(x_high, point.x);
      y_low = std::min(y_low, line.has_band ? point.low : point.y);
      y_high = std::max(y_high, line.has_band ? point.high : point.y);
    }
  }
  return {Axis::covering(x_low, x_high, /*whole=*/true),
          Axis::covering(y_low, y_high, /*whole=*/false)};
}

std::string axes(const Frame& frame, const CurveLabels& labels) {
  const double bottom = kPageHeight - kBottom;
  std::string svg;
  for (int i = 0; frame.y.low + i * frame.y.step <= frame.y.high + 1e-9; ++i) {
    const double value = frame.y.low + i * frame.y.step;
    svg += svg_line(kLeft, frame.py(value), kPageWidth - kRight, frame.py(value),
                    "stroke=\"#e3e6ea\"");
    svg += svg_text(kLeft - 10, frame.py(value) + 4.5, "text-anchor=\"end\"",
                    decimal(value, frame.y.digits()));
  }
  for (int i = 0; frame.x.low + i * frame.x.step <= frame.x.high + 1e-9; ++i) {
    const double value = frame.x.low + i * frame.x.step;
    svg += svg_line(frame.px(value), bottom, frame.px(value), bottom + 6,
                    "stroke=\"#5b6470\"");
    svg += svg_text(frame.px(value), bottom + 22, "text-anchor=\"middle\"",
                    decimal(value, 0));
  }
  svg += svg_line(kLeft, bottom, kPageWidth - kRight, bottom,
                  "stroke=\"#5b6470\" stroke-width=\"1.2\"");
  svg += svg_text((kLeft + kPageWidth - kRight) / 2, kPageHeight - 16,
                  "text-anchor=\"middle\"", labels.x);
  svg += svg_text(0, 0,
                  "text-anchor=\"middle\" transform=\"translate(20 " +
                      decimal((kTop + bottom) / 2) + ") rotate(-90)\"",
                  labels.y);
  return svg;
}

std::string drawn(const Series& series, const Frame& frame) {
  if (series.points.empty()) return "";
  std::string line;
  std::string upper;
  std::string lower;
  for (const Series::Point& point : series.points) {
    line += frame.point(point.x, point.y) + " ";
    upper += frame.point(point.x, point.high) + " ";
    lower.insert(0, frame.point(point.x, point.low) + " ");
  }
  std::string svg;
  if (series.has_band) {
    svg += "<polygon points=\"" + upper + lower + "\" fill=\"" + series.colour +
           "\" fill-opacity=\"0.16\"/>\n";
  }
  const char* width = series.has_band ? "2.6" : "1.7";
  svg += "<polyline points=\"" + line + "\" fill=\"none\" stroke=\"" + series.colour +
         "\" stroke-width=\"" + width + "\" stroke-linejoin=\"round\"/>\n";
  if (series.points.size() > kMostMarkedPoints) return svg;
  for (const Series::Point& point : series.points) {
    svg += "<circle cx=\"" + decimal(frame.px(point.x), 2) + "\" cy=\"" +
           decimal(frame.py(point.y), 2) + "\" r=\"" + (series.has_band ? "3.4" : "2.2") +
           "\" fill=\"" + series.colour + "\"/>\n";
  }
  return svg;
}

/// Names in one row, or in two when one is too short.
std::string legend(const std::vector<Series>& series) {
  std::string svg;
  double x = kLeft;
  double y = 62;
  for (const Series& line : series) {
    const double width = 31 + 7.4 * static_cast<double>(line.name.size()) + 26;
    if (x > kLeft && x + width > kPageWidth) {
      x = kLeft;
      y += 20;
    }
    svg += svg_line(x, y, x + 24, y, "stroke=\"" + line.colour + "\" stroke-width=\"3\"");
    svg += svg_text(x + 31, y + 4.5, "", line.name);
    x += width;
  }
  return svg;
}

}  // namespace

std::vector<Series> learning_curves(const RunScan& scan) {
  Series accuracy = {"validation accuracy, 95 % interval", "#1f5fa8", true, {}};
  Series base = {"mean reward, base groups", "#d9822b", false, {}};
  Series suffix = {"mean reward, suffix groups", "#2e8b57", false, {}};
  for (const auto& [version, correct] : scan.total().validation) {
    const Interval interval = correct.interval();
    accuracy.points.push_back(
        {static_cast<double>(version), *correct.share(), interval.low, interval.high});
  }
  for (const auto& [step, tally] : scan.steps) {
    const auto x = static_cast<double>(step);
    if (const auto mean = tally.base_reward.value())
      base.points.push_back({x, *mean, 0, 0});
    if (const auto mean = tally.suffix_reward.value())
      suffix.points.push_back({x, *mean, 0, 0});
  }
  std::vector<Series> series;
  for (Series* line : {&accuracy, &base, &suffix}) {
    if (!line->points.empty()) series.push_back(std::move(*line));
  }
  return series;
}

std::string curve_svg(const CurveLabels& labels, const std::vector<Series>& series) {
  std::string svg = svg_begin(labels.title);
  const bool has_points = std::any_of(series.begin(), series.end(),
                                      [](const Series& s) { return !s.points.empty(); });
  if (!has_points) return svg + svg_nothing(labels.nothing);
  const Frame frame = frame_of(series);
  svg += axes(frame, labels);
  // The series with the band is drawn last and lies on top.
  for (const Series& line : series) svg += line.has_band ? "" : drawn(line, frame);
  for (const Series& line : series) svg += line.has_band ? drawn(line, frame) : "";
  return svg + legend(series) + "</svg>\n";
}

std::string curve_svg(const std::string& title, const std::vector<Series>& series) {
  CurveLabels labels;
  labels.title = title;
  return curve_svg(labels, series);
}

}  // namespace srpo::analysis
