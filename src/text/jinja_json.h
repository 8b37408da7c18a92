// JSON as a value of a template.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "text/jinja_value.h"

namespace srpo::text {

/// Keeps the order of keys. Throws kBadInput, naming `place`, for text that is not UTF-8,
/// a whole number beyond 64 bits, or more than JinjaValue::kMaxDepth levels.
JinjaValue jinja_value_of(const nlohmann::ordered_json& json, const std::string& place);

}  // namespace srpo::text
