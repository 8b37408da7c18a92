#include "analysis/curve_svg.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analysis/json_text.h"

namespace srpo::analysis {
namespace {

constexpr double kWidth = 960;
constexpr double kHeight = 560;
constexpr double kLeft = 76;
constexpr double kRight = 28;
constexpr double kTop = 96;
constexpr double kBottom = 66;
constexpr size_t kMostMarkedPoints = 60;

std::string escaped(const std::string& text) {
  std::string xml;
  for (const char c : printable(text)) {
    if (c == '&') {
      xml += "&amp;";
    } else if (c == '<') {
      xml += "&lt;";
    } else if (c == '>') {
      xml += "&gt;";
    } else if (c == '"') {
      xml += "&quot;";
    } else {
      xml += c == '\n' ? ' ' : c;
    }
  }
  return xml;
}

std::string decimal(double value, int digits = 1) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// An axis from `low` to `high` with ticks at multiples of `step`.
struct Axis {
  double low = 0;
  double high = 1;
  double step = 0.2;

  /// Covers the values with 4 to 8 round ticks; whole ones if `whole`.
  static Axis covering(double low, double high, bool whole) {
    const double span = std::max(high - low, whole ? 1.0 : 0.05);
    const double magnitude = std::pow(10, std::floor(std::log10(span / 5)));
    double step = magnitude;
    for (const double factor : {2.0, 5.0, 10.0}) {
      if (span / step > 7) step = magnitude * factor;
    }
    if (whole) step = std::max(1.0, step);
    return {std::floor(low / step + 1e-9) * step,
            std::ceil((low + span) / step - 1e-9) * step, step};
  }
  int digits() const {
    return step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
  }
};

/// From values to the page.
struct Frame {
  Axis x;
  Axis y;
  double px(double value) const {
    return kLeft + (value - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight);
  }
  double py(double value) const {
    return kHeight - kBottom -
           (value - y.low) / (y.high - y.low) * (kHeight - kTop - kBottom);
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

std::string text_at(double x, double y, const std::string& attributes,
                    const std::string& text) {
  return "<text x=\"" + decimal(x) + "\" y=\"" + decimal(y) + "\" " + attributes + ">" +
         escaped(text) + "</text>\n";
}

std::string line_between(double x1, double y1, double x2, double y2,
                         const std::string& attributes) {
  return "<line x1=\"" + decimal(x1) + "\" y1=\"" + decimal(y1) + "\" x2=\"" +
         decimal(x2) + "\" y2=\"" + decimal(y2) + "\" " + attributes + "/>\n";
}

std::string axes(const Frame& frame) {
  const double bottom = kHeight - kBottom;
  std::string svg;
  for (int i = 0; frame.y.low + i * frame.y.step <= frame.y.high + 1e-9; ++i) {
    const double value = frame.y.low + i * frame.y.step;
    svg += line_between(kLeft, frame.py(value), kWidth - kRight, frame.py(value),
                        "stroke=\"#e3e6ea\"");
    svg += text_at(kLeft - 10, frame.py(value) + 4.5, "text-anchor=\"end\"",
                   decimal(value, frame.y.digits()));
  }
  for (int i = 0; frame.x.low + i * frame.x.step <= frame.x.high + 1e-9; ++i) {
    const double value = frame.x.low + i * frame.x.step;
    svg += line_between(frame.px(value), bottom, frame.px(value), bottom + 6,
                        "stroke=\"#5b6470\"");
    svg += text_at(frame.px(value), bottom + 22, "text-anchor=\"middle\"",
                   decimal(value, 0));
  }
  svg += line_between(kLeft, bottom, kWidth - kRight, bottom,
                      "stroke=\"#5b6470\" stroke-width=\"1.2\"");
  svg += text_at((kLeft + kWidth - kRight) / 2, kHeight - 16, "text-anchor=\"middle\"",
                 "policy version (training steps)");
  svg += text_at(0, 0,
                 "text-anchor=\"middle\" transform=\"translate(20 " +
                     decimal((kTop + bottom) / 2) + ") rotate(-90)\"",
                 "accuracy, mean reward");
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

std::string legend(const std::vector<Series>& series) {
  std::string svg;
  double x = kLeft;
  for (const Series& line : series) {
    svg += line_between(x, 68, x + 24, 68,
                        "stroke=\"" + line.colour + "\" stroke-width=\"3\"");
    svg += text_at(x + 31, 72.5, "", line.name);
    x += 31 + 7.4 * static_cast<double>(line.name.size()) + 26;
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

std::string curve_svg(const std::string& title, const std::vector<Series>& series) {
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 560\" width=\"960\" "
      "height=\"560\" "
      "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"14\" fill=\"#2b323b\">\n"
      "<rect width=\"960\" height=\"560\" fill=\"#ffffff\"/>\n";
  svg += text_at(kLeft, 38, "font-size=\"20\" font-weight=\"bold\"", title);
  const bool has_points = std::any_of(series.begin(), series.end(),
                                      [](const Series& s) { return !s.points.empty(); });
  if (!has_points) {
    svg += text_at(kWidth / 2, kHeight / 2, "text-anchor=\"middle\"",
                   "No tree has been recorded yet.");
    return svg + "</svg>\n";
  }
  const Frame frame = frame_of(series);
  svg += axes(frame);
  // The series with the band is drawn last and lies on top.
  for (const Series& line : series) svg += line.has_band ? "" : drawn(line, frame);
  for (const Series& line : series) svg += line.has_band ? drawn(line, frame) : "";
  return svg + legend(series) + "</svg>\n";
}

}  // namespace srpo::analysis
