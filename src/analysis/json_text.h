// Values as JSON text, whatever bytes a model has put into them.
#pragma once

#include <cstdint>
#include <string>

namespace srpo::analysis {

/// A JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
std::string json_string(const std::string& text);

/// The shortest text that reads back as the same number; `null` when it is not finite.
std::string json_number(double value);

/// The text with control characters and bytes that are no UTF-8 replaced, so that a
/// terminal shows it as it is. Line feeds stay.
std::string printable(const std::string& text);

}  // namespace srpo::analysis
