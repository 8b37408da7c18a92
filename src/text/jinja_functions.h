// The filters, tests and methods that templates may call.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace srpo::text {

/// One use of a filter, test, method or function, with its arguments evaluated.
struct JinjaCall {
  const std::string& place;  ///< of the template, for messages
  int line = 0;
  std::string name;
  std::vector<JinjaValue> positional;
  std::vector<std::pair<std::string, JinjaValue>> named;

  /// Throws kBadFile with the place and the line.
  [[noreturn]] void refuse(const std::string& what) const;
  /// The argument of that position or name; throws for one given that no such question
  /// names only in check_names.
  std::optional<JinjaValue> find(size_t position, const std::string& name) const;
  JinjaValue need(size_t position, const std::string& name) const;
  std::string need_string(size_t position, const std::string& name) const;
  std::string find_string(size_t position, const std::string& name,
                          const std::string& otherwise) const;
  /// Throws when there are more positional arguments or other names than these.
  void check_names(const std::vector<std::string>& names) const;
};

/// Unknown names throw.
JinjaValue apply_jinja_filter(const JinjaValue& subject, const JinjaCall& call);
bool apply_jinja_test(const JinjaValue& subject, const JinjaCall& call);
JinjaValue call_jinja_method(const JinjaValue& subject, const JinjaCall& call);

/// What a loop over the value goes through: elements, keys or characters.
JinjaList iterate_jinja_value(const JinjaValue& value, const JinjaCall& call);
/// `subject[index]`, undefined where there is none.
JinjaValue index_jinja_value(const JinjaValue& subject, const JinjaValue& index);

/// Unicode characters of UTF-8, and back.
std::u32string characters_of(const std::string& text);
std::string text_of(std::u32string_view characters);

}  // namespace srpo::text
