// One use of a filter, test, method or function, with its arguments evaluated.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_budget.h"
#include "text/jinja_value.h"

namespace srpo::text {

struct JinjaCall {
  JinjaBudget& budget;
  int line = 0;
  std::string name;
  std::vector<JinjaValue> positional;
  std::vector<std::pair<std::string, JinjaValue>> named;

  /// Throws kBadFile with the place and the line.
  [[noreturn]] void refuse(const std::string& what) const;
  /// Pays for work on that many bytes.
  void charge(size_t bytes) const { budget.charge(line, bytes); }
  /// Pays for a text that is to be made; throws kBadFile when it is too long.
  void charge_text(size_t bytes) const { budget.charge_text(line, bytes); }

  /// The argument of that position or name.
  std::optional<JinjaValue> find(size_t position, const std::string& name) const;
  JinjaValue need(size_t position, const std::string& name) const;
  std::string need_string(size_t position, const std::string& name) const;
  std::string find_string(size_t position, const std::string& name,
                          const std::string& otherwise) const;
  bool find_flag(size_t position, const std::string& name, bool otherwise) const;
  /// Throws when there are more positional arguments or other names than these.
  void check_names(const std::vector<std::string>& names) const;

  /// The text of a string; throws for anything else.
  const std::string& string_of(const JinjaValue& value) const;
};

}  // namespace srpo::text
