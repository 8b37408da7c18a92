#include "text/jinja_methods.h"

#include <algorithm>
#include <optional>

#include "text/jinja_access.h"
#include "text/jinja_text_functions.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;

std::optional<Value> string_method(const std::string& text, const JinjaCall& call) {
  const std::string& name = call.name;
  if (name == "strip") return Value::string(strip(text, call, true, true));
  if (name == "lstrip") return Value::string(strip(text, call, true, false));
  if (name == "rstrip") return Value::string(strip(text, call, false, true));
  if (name == "split") return split(text, call);
  if (name == "startswith" || name == "endswith") {
    call.check_names({""});
    const Value argument = call.need(0, "");
    const auto fits = [&](const Value& part) {
      return name == "endswith" ? text.ends_with(call.string_of(part))
                                : text.starts_with(call.string_of(part));
    };
    if (!argument.is(Kind::kList)) return Value::boolean(fits(argument));
    const JinjaList& parts = argument.as_list();
    return Value::boolean(std::any_of(parts.begin(), parts.end(), fits));
  }
  if (name == "replace") return Value::string(replace(text, call));
  if (name == "find") {
    call.check_names({""});
    const size_t at = text.find(call.need_string(0, ""));
    if (at == std::string::npos) return Value::integer(-1);
    return Value::integer(static_cast<int64_t>(characters_of(text.substr(0, at)).size()));
  }
  if (name == "join") {
    call.check_names({""});
    const JinjaCall inner{call.budget, call.line, "join", {Value::string(text)}, {}};
    return Value::string(join(call.need(0, ""), inner));
  }
  if (name == "upper" || name == "lower" || name == "capitalize") {
    call.check_names({});
    return Value::string(name == "upper"   ? upper(text)
                         : name == "lower" ? lower(text)
                                           : capitalize(text));
  }
  return std::nullopt;
}

std::optional<Value> dict_method(const Value& subject, const JinjaCall& call) {
  if (call.name == "get") {
    call.check_names({"", ""});
    const Value* found = subject.find(call.need_string(0, ""));
    return found != nullptr ? *found : call.find(1, "").value_or(Value::none());
  }
  if (call.name == "items") return items_of_jinja_value(subject, call);
  if (call.name == "keys") return Value::list(iterate_jinja_value(subject, call));
  if (call.name == "values") {
    JinjaList values;
    for (const auto& [key, value] : subject.as_dict()) values.push_back(value);
    return Value::list(std::move(values));
  }
  return std::nullopt;
}

}  // namespace

JinjaValue call_jinja_method(const JinjaValue& subject, const JinjaCall& call) {
  std::optional<JinjaValue> result;
  if (subject.is(Kind::kString)) result = string_method(subject.as_string(), call);
  if (subject.is(Kind::kDict)) result = dict_method(subject, call);
  if (!result) {
    call.refuse("the method '" + call.name + "' of " + subject.kind_name() +
                " is not supported");
  }
  return *result;
}

JinjaValue items_of_jinja_value(const Value& subject, const JinjaCall& call) {
  if (subject.is(Kind::kUndefined)) return Value::list({});
  if (!subject.is(Kind::kDict)) {
    call.refuse(std::string("the items of ") + subject.kind_name() +
                " (expected a dict)");
  }
  JinjaList items;
  for (const auto& [key, value] : subject.as_dict()) {
    items.push_back(Value::list({Value::string(key), value}));
  }
  return Value::list(std::move(items));
}

}  // namespace srpo::text
