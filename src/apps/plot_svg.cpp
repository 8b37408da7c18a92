#include "plot_svg.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analysis/svg_page.h"

namespace srpo::apps {
namespace {

using analysis::decimal;
using analysis::escaped_xml;
using analysis::svg_line;
using analysis::svg_text;

constexpr double kWidth = 790;
constexpr double kHeight = 470;
constexpr double kLeft = 78;
constexpr double kRight = 246;
constexpr double kTop = 52;
constexpr double kBottom = 62;
// Okabe and Ito: told apart by people who see colours differently.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73",
                                    "#cc79a7", "#8a6d00", "#56b4e9"};
constexpr size_t kNumColours = std::size(kColours);

std::string tick_label(double value) {
  char label[48];
  std::snprintf(label, sizeof label, "%g", value);
  return label;
}

/// One axis, from values to a share of its length.
class Scale {
 public:
  Scale(const PlotAxis& axis, std::vector<double> values) : axis_(axis) {
    for (const auto& [value, label] : axis.ticks) values.push_back(value);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    low_ = on_scale(*low);
    high_ = on_scale(*high);
    if (!axis_.is_log && axis_.ticks.empty()) round_outwards();
    if (high_ - low_ < 1e-12) high_ = low_ + 1;
    const double room = axis_.is_log ? 0.03 * (high_ - low_) : 0;
    low_ -= room;
    high_ += room;
  }
  double share(double value) const { return (on_scale(value) - low_) / (high_ - low_); }

  std::vector<std::pair<double, std::string>> ticks() const {
    if (!axis_.ticks.empty()) return axis_.ticks;
    std::vector<std::pair<double, std::string>> made;
    if (!axis_.is_log) {
      for (double at = low_; at <= high_ + step_ / 2; at += step_)
        made.emplace_back(at, tick_label(std::abs(at) < step_ / 2 ? 0 : at));
      return made;
    }
    const bool is_short = high_ - low_ < 2;
    for (int decade = static_cast<int>(std::floor(low_)); decade <= high_; ++decade) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double value = factor * std::pow(10, decade);
        if (factor > 1 && !is_short) continue;
        if (std::log10(value) < low_ || std::log10(value) > high_) continue;
        made.emplace_back(value, tick_label(value));
      }
    }
    return made;
  }

 private:
  double on_scale(double value) const { return axis_.is_log ? std::log10(value) : value; }
  void round_outwards() {
    const double span = std::max(high_ - low_, 1e-9);
    step_ = std::pow(10, std::floor(std::log10(span / 4)));
    for (const double factor : {2.0, 2.5, 2.0}) {
      if (span / step_ > 7) step_ *= factor;
    }
    low_ = std::floor(low_ / step_ + 1e-9) * step_;
    high_ = std::ceil(high_ / step_ - 1e-9) * step_;
  }

  const PlotAxis& axis_;
  double low_ = 0;
  double high_ = 1;
  double step_ = 1;
};

bool is_shown(const Plot& plot, const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second) &&
         (!plot.x.is_log || point.first > 0) && (!plot.y.is_log || point.second > 0);
}

class Canvas {
 public:
  Canvas(const Plot& plot, Scale x, Scale y)
      : plot_(plot), x_(std::move(x)), y_(std::move(y)) {}

  std::string axes() const {
    const double bottom = kHeight - kBottom;
    std::string svg;
    for (const auto& [value, label] : y_.ticks()) {
      svg += line(kLeft, py(value), kWidth - kRight, py(value), "#e3e6ea");
      svg += svg_text(kLeft - 8, py(value) + 4, "text-anchor=\"end\"", label);
    }
    for (const auto& [value, label] : x_.ticks()) {
      svg += line(px(value), bottom, px(value), bottom + 5, "#5b6470");
      svg += svg_text(px(value), bottom + 20, "text-anchor=\"middle\"", label);
    }
    svg += line(kLeft, bottom, kWidth - kRight, bottom, "#5b6470");
    svg += svg_text((kLeft + kWidth - kRight) / 2, kHeight - 16, "text-anchor=\"middle\"",
                    plot_.x.label);
    svg += svg_text(0, 0,
                    "text-anchor=\"middle\" transform=\"translate(18 " +
                        decimal((kTop + bottom) / 2) + ") rotate(-90)\"",
                    plot_.y.label);
    return svg;
  }

  std::string drawn(size_t index) const {
    const PlotLine& drawn = plot_.lines[index];
    const std::string colour = colour_of(index);
    std::string path;
    std::string dots;
    size_t count = 0;
    for (const auto& point : drawn.points) {
      if (!is_shown(plot_, point)) continue;
      const std::string x = decimal(px(point.first), 2);
      const std::string y = decimal(py(point.second), 2);
      path += x + "," + y + " ";
      dots += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"3.2\" fill=\"" + colour +
              "\"/>\n";
      ++count;
    }
    const std::string dash = drawn.is_dashed ? " stroke-dasharray=\"6 5\"" : "";
    return "<polyline points=\"" + path + "\" fill=\"none\" stroke=\"" + colour +
           "\" stroke-width=\"2.2\"" + dash + "/>\n" +
           (count > 30 || drawn.is_dashed ? "" : dots);
  }

  std::string legend() const {
    std::string svg;
    double y = kTop + 8;
    for (size_t i = 0; i < plot_.lines.size(); ++i, y += 22) {
      const double x = kWidth - kRight + 18;
      const char* dash = plot_.lines[i].is_dashed ? "\" stroke-dasharray=\"6 5" : "";
      svg += svg_line(x, y, x + 22, y,
                      "stroke-width=\"2.6\" stroke=\"" + colour_of(i) + dash + "\"");
      svg += svg_text(x + 29, y + 4, "", plot_.lines[i].name);
    }
    return svg;
  }

 private:
  double px(double value) const {
    return kLeft + x_.share(value) * (kWidth - kLeft - kRight);
  }
  double py(double value) const {
    return kHeight - kBottom - y_.share(value) * (kHeight - kTop - kBottom);
  }
  std::string colour_of(size_t index) const {
    const int wanted = plot_.lines[index].colour;
    return kColours[(wanted < 0 ? index : static_cast<size_t>(wanted)) % kNumColours];
  }
  static std::string line(double x1, double y1, double x2, double y2,
                          const std::string& colour) {
    return svg_line(x1, y1, x2, y2, "stroke=\"" + colour + "\"");
  }

  const Plot& plot_;
  Scale x_;
  Scale y_;
};

}  // namespace

std::string to_svg(const Plot& plot) {
  std::vector<double> xs;
  std::vector<double> ys;
  for (const PlotLine& line : plot.lines) {
    for (const auto& point : line.points) {
      if (!is_shown(plot, point)) continue;
      xs.push_back(point.first);
      ys.push_back(point.second);
    }
  }
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " +
                    decimal(kWidth, 0) + " " + decimal(kHeight, 0) +
                    "\" role=\"img\" font-family=\"system-ui, sans-serif\" "
                    "font-size=\"12.5\" fill=\"#22272e\">\n<title>" +
                    escaped_xml(plot.title) +
                    "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
                    "<text x=\"20\" y=\"28\" font-size=\"16\" font-weight=\"600\">" +
                    escaped_xml(plot.title) + "</text>\n";
  if (xs.empty()) {
    return svg + "<text x=\"20\" y=\"60\">there is nothing to draw</text>\n</svg>\n";
  }
  const Canvas canvas(plot, Scale(plot.x, xs), Scale(plot.y, ys));
  svg += canvas.axes();
  for (size_t i = 0; i < plot.lines.size(); ++i) svg += canvas.drawn(i);
  return svg + canvas.legend() + "</svg>\n";
}

}  // namespace srpo::apps
