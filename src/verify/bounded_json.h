// JSON that somebody else wrote, with a bound on its nesting: writing it out again takes
// stack for each level.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace srpo::verify {

inline constexpr int kMostJsonLevels = 500;

/// Throws nlohmann's exception for what is no JSON, kBadInput for deeper nesting.
inline nlohmann::json parse_bounded_json(const std::string& text) {
  return nlohmann::json::parse(
      text, [](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
        REQUIRE(depth <= kMostJsonLevels, kBadInput,
                "JSON nested in more than " << kMostJsonLevels << " levels");
        return true;
      });
}

/// The same, but a discarded value for what is no JSON.
inline nlohmann::json parse_bounded_json_or_none(const std::string& text) {
  try {
    return parse_bounded_json(text);
  } catch (const nlohmann::json::exception&) {
    return nlohmann::json(nlohmann::json::value_t::discarded);
  }
}

}  // namespace srpo::verify
