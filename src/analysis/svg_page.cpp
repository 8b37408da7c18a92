#include "analysis/svg_page.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analysis/json_text.h"

namespace srpo::analysis {

std::string escaped_xml(const std::string& text) {
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

std::string decimal(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

Axis Axis::covering(double low, double high, bool whole) {
  // Values that do not differ by more than rounding still get an axis.
  const double size = std::max(std::abs(low), std::abs(high));
  const double least = whole ? 1.0 : 0.05 * (size > 0 ? std::min(1.0, size) : 1.0);
  const double span = std::max(high - low, least);
  const double magnitude = std::pow(10, std::floor(std::log10(span / 5)));
  double step = magnitude;
  for (const double factor : {2.0, 5.0, 10.0}) {
    if (span / step > 7) step = magnitude * factor;
  }
  if (whole) step = std::max(1.0, step);
  return {std::floor(low / step + 1e-9) * step,
          std::ceil((low + span) / step - 1e-9) * step, step};
}

int Axis::digits() const {
  return step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(step) - 1e-9));
}

std::string svg_text(double x, double y, const std::string& attributes,
                     const std::string& text) {
  return "<text x=\"" + decimal(x) + "\" y=\"" + decimal(y) + "\" " + attributes + ">" +
         escaped_xml(text) + "</text>\n";
}

std::string svg_line(double x1, double y1, double x2, double y2,
                     const std::string& attributes) {
  return "<line x1=\"" + decimal(x1) + "\" y1=\"" + decimal(y1) + "\" x2=\"" +
         decimal(x2) + "\" y2=\"" + decimal(y2) + "\" " + attributes + "/>\n";
}

std::string svg_begin(const std::string& title) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 560\" "
         "width=\"960\" "
         "height=\"560\" "
         "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"14\" "
         "fill=\"#2b323b\">\n"
         "<rect width=\"960\" height=\"560\" fill=\"#ffffff\"/>\n" +
         svg_text(76, 38, "font-size=\"20\" font-weight=\"bold\"", title);
}

std::string svg_nothing(const std::string& sentence) {
  return svg_text(kPageWidth / 2, kPageHeight / 2, "text-anchor=\"middle\"", sentence) +
         "</svg>\n";
}

}  // namespace srpo::analysis
