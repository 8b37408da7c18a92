// The fields of a row of a public problem set.
#pragma once

#include <initializer_list>
#include <string>

#include <nlohmann/json.hpp>

namespace srpo::storage {

/// The first of the fields that is there and not null; null when none is, or when `row`
/// is no object.
inline const nlohmann::json* find_field(const nlohmann::json& row,
                                        std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (row.is_object() && row.contains(name) && !row[name].is_null()) return &row[name];
  }
  return nullptr;
}

/// A string as it is, anything else as JSON.
inline std::string field_text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace srpo::storage
