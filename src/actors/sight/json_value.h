// Records as JSON, for reports and traces.
#pragma once

#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "core/archive.h"

namespace srpo::actors {

/// With quotes and escapes. Bytes that are no UTF-8 go through as they are.
inline void append_json(std::string& text, std::string_view value) {
  text += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      text += escape.data();
    } else {
      text += c;
    }
  }
  text += '"';
}
inline void append_json(std::string& text, const std::string& value) {
  append_json(text, std::string_view(value));
}
/// Numbers; null for one that is not finite.
template <core::Scalar T>
void append_json(std::string& text, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    text += value ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<T>) {
    std::array<char, 40> digits;
    std::snprintf(digits.data(), digits.size(), "%.9g", static_cast<double>(value));
    text += std::isfinite(value) ? digits.data() : "null";
  } else if constexpr (std::is_enum_v<T>) {
    text += std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else {
    text += std::to_string(value);
  }
}
template <core::Record T>
void append_json(std::string& text, const T& value);
template <class T>
void append_json(std::string& text, const std::vector<T>& values) {
  text += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    append_json(text, values[i]);
  }
  text += ']';
}
/// An object of the fields, by their names.
template <core::Record T>
void append_json(std::string& text, const T& value) {
  text += '{';
  bool first = true;
  T::visit_fields(value, [&](const char* name, const auto& field) {
    if (!std::exchange(first, false)) text += ',';
    append_json(text, std::string_view(name));
    text += ':';
    append_json(text, field);
  });
  text += '}';
}

}  // namespace srpo::actors
