#include "text/jinja_call.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::text {

void JinjaBudget::refuse(int line, const std::string& what) const {
  throw core::Error(core::ErrorKind::kBadFile,
                    place_ + ":" + std::to_string(line) + ": " + what);
}

void JinjaCall::refuse(const std::string& what) const { budget.refuse(line, what); }

const std::string& JinjaCall::string_of(const JinjaValue& value) const {
  if (!value.is(JinjaKind::kString)) {
    refuse("'" + name + "' of " + value.kind_name() + " (expected a string)");
  }
  return value.as_string();
}

std::optional<JinjaValue> JinjaCall::find(size_t position,
                                          const std::string& wanted) const {
  if (position < positional.size()) return positional[position];
  for (const auto& [key, value] : named) {
    if (key == wanted) return value;
  }
  return std::nullopt;
}

JinjaValue JinjaCall::need(size_t position, const std::string& wanted) const {
  auto value = find(position, wanted);
  if (!value) refuse("'" + name + "' has too few arguments");
  return *value;
}

std::string JinjaCall::need_string(size_t position, const std::string& wanted) const {
  const JinjaValue value = need(position, wanted);
  return string_of(value);
}

std::string JinjaCall::find_string(size_t position, const std::string& wanted,
                                   const std::string& otherwise) const {
  const auto value = find(position, wanted);
  return value ? string_of(*value) : otherwise;
}

bool JinjaCall::find_flag(size_t position, const std::string& wanted,
                          bool otherwise) const {
  const auto value = find(position, wanted);
  return value ? value->is_true() : otherwise;
}

void JinjaCall::check_names(const std::vector<std::string>& names) const {
  if (positional.size() > names.size()) refuse("'" + name + "' has too many arguments");
  for (const auto& [key, value] : named) {
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      refuse("'" + name + "' has no argument '" + key + "'");
    }
  }
}

}  // namespace srpo::text
