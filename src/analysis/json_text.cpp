#include "analysis/json_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace srpo::analysis {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

/// Length of the UTF-8 character that begins at `i`, 0 when there is none (overlong forms
/// and surrogates are none).
size_t character_bytes(const std::string& text, size_t i) {
  const auto byte = [&](size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const auto follows = [&](size_t at) { return (byte(at) & 0xC0U) == 0x80U; };
  const unsigned first = byte(i);
  const unsigned second = byte(i + 1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && follows(i + 1)) return 2;
  if (first >= 0xE0 && first <= 0xEF && follows(i + 1) && follows(i + 2)) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && follows(i + 1) && follows(i + 2) &&
      follows(i + 3)) {
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool too_large = first == 0xF4 && second >= 0x90;
    return overlong || too_large ? 0 : 4;
  }
  return 0;
}

std::string escaped(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  char code[8];
  std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned char>(c));
  return code;
}

}  // namespace

std::string json_string(const std::string& text) {
  std::string json = "\"";
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = character_bytes(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    if (bytes == 0) {
      json += kReplacement;
    } else if (bytes == 1 && (c < 0x20 || c == '"' || c == '\\' || c == 0x7F)) {
      json += escaped(text[i]);
    } else {
      json.append(text, i, bytes);
    }
    i += bytes == 0 ? 1 : bytes;
  }
  return json + "\"";
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

std::string printable(const std::string& text) {
  std::string shown;
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = character_bytes(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    const bool is_control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
    const bool is_c1_control =
        bytes == 2 && c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (bytes == 0 || is_control || is_c1_control) {
      shown += kReplacement;
    } else {
      shown.append(text, i, bytes);
    }
    i += bytes == 0 ? 1 : bytes;
  }
  return shown;
}

}  // namespace srpo::analysis
