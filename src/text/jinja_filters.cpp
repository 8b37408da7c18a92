#include "text/jinja_filters.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>

#include "text/jinja_access.h"
#include "text/jinja_methods.h"
#include "text/jinja_tests.h"
#include "text/jinja_text_functions.h"
#include "text/white_space.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;

int64_t length_of(const Value& subject, const JinjaCall& call) {
  switch (subject.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      return static_cast<int64_t>(characters_of(subject.as_string()).size());
    case Kind::kList:
      return static_cast<int64_t>(subject.as_list().size());
    case Kind::kDict:
      return static_cast<int64_t>(subject.as_dict().size());
    default:
      call.refuse(std::string("the length of ") + subject.kind_name());
  }
}

Value to_integer(const Value& subject, const JinjaCall& call) {
  call.check_names({"default"});
  if (subject.is(Kind::kFloat)) {
    if (!(std::fabs(subject.as_number()) < 9e18)) call.refuse("'int' of a large number");
    return Value::integer(static_cast<int64_t>(subject.as_number()));
  }
  if (subject.is_number()) return Value::integer(subject.as_integer());
  Value otherwise = call.find(0, "default").value_or(Value::integer(0));
  if (!subject.is(Kind::kString)) return otherwise;
  const std::string text(trim(subject.as_string()));
  const bool digits =
      !text.empty() && text.size() < 18 &&
      text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == std::string::npos &&
      text != "-";
  return digits ? Value::integer(std::stoll(text)) : otherwise;
}

/// The call that is left for a test or filter named by argument `position`:
/// select('test', arguments...).
JinjaCall inner_call(const JinjaCall& call, size_t position,
                     const std::string& otherwise) {
  JinjaCall inner{
      call.budget, call.line, call.find_string(position, "", otherwise), {}, {}};
  for (size_t i = position + 1; i < call.positional.size(); ++i) {
    inner.positional.push_back(call.positional[i]);
  }
  return inner;
}

enum class Keep { kMatches, kOthers };

Value select(const Value& subject, const JinjaCall& call, Keep keep, bool by_attribute) {
  call.check_names({"", "", ""});
  const size_t test_position = by_attribute ? 1 : 0;
  const bool plain = call.positional.size() <= test_position;
  const JinjaCall inner = inner_call(call, test_position, "defined");
  JinjaList kept;
  for (const Value& element : iterate_jinja_value(subject, call)) {
    const Value tested =
        by_attribute ? index_jinja_value(element, call.need(0, "")) : element;
    const bool matches = plain ? tested.is_true() : apply_jinja_test(tested, inner);
    if (matches == (keep == Keep::kMatches)) kept.push_back(element);
  }
  return Value::list(std::move(kept));
}

Value map(const Value& subject, const JinjaCall& call) {
  const auto attribute = call.find(SIZE_MAX, "attribute");
  call.check_names({"", "", "", "attribute", "default"});
  if (!attribute && call.positional.empty())
    call.refuse("'map' without a filter or attribute");
  const auto otherwise = call.find(SIZE_MAX, "default");
  JinjaList mapped;
  for (const Value& element : iterate_jinja_value(subject, call)) {
    if (!attribute) {
      mapped.push_back(apply_jinja_filter(element, inner_call(call, 0, "")));
      continue;
    }
    Value found = index_jinja_value(element, *attribute);
    mapped.push_back(found.is(Kind::kUndefined) && otherwise ? *otherwise : found);
  }
  return Value::list(std::move(mapped));
}

Value reverse(const Value& subject, const JinjaCall& call) {
  if (subject.is(Kind::kString)) {
    std::u32string characters = characters_of(subject.as_string());
    std::reverse(characters.begin(), characters.end());
    return Value::string(text_of(characters));
  }
  JinjaList elements = iterate_jinja_value(subject, call);
  std::reverse(elements.begin(), elements.end());
  return Value::list(std::move(elements));
}

Value unique(const Value& subject, const JinjaCall& call) {
  JinjaList kept;
  for (const Value& element : iterate_jinja_value(subject, call)) {
    call.charge(kept.size() * std::min(element.bytes(), JinjaBudget::kMaxTextBytes / 64));
    if (std::find(kept.begin(), kept.end(), element) == kept.end())
      kept.push_back(element);
    if (kept.size() > 10000) call.refuse("'unique' of more than 10000 elements");
  }
  return Value::list(std::move(kept));
}

Value first_or_last(const Value& subject, const JinjaCall& call, bool first) {
  const JinjaList elements = iterate_jinja_value(subject, call);
  if (elements.empty()) return Value::undefined(call.name + " of nothing");
  return first ? elements.front() : elements.back();
}

Value tojson(const Value& subject, const JinjaCall& call) {
  call.check_names({"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii_only = call.find_flag(0, "ensure_ascii", false);
  style.sort_keys = call.find_flag(3, "sort_keys", false);
  const Value width = call.find(1, "indent").value_or(Value::none());
  if (!width.is(Kind::kNone)) {
    if (!width.is(Kind::kInteger) || width.as_integer() < 0 || width.as_integer() > 32)
      call.refuse("the indent of 'tojson'");
    style.indent = width.as_integer();
  }
  if (!call.find(2, "separators").value_or(Value::none()).is(Kind::kNone))
    call.refuse("'tojson' with separators");
  call.charge(subject.bytes() * 2);
  return Value::string(to_json(subject, style));
}

/// Pairs of a dict, ordered by key without regard to case, or by value.
Value dictsort(const Value& subject, const JinjaCall& call) {
  call.check_names({"case_sensitive", "by", "reverse"});
  const bool exact = call.find_flag(0, "case_sensitive", false);
  const bool reversed = call.find_flag(2, "reverse", false);
  if (call.find_string(1, "by", "key") != "key") call.refuse("'dictsort' by value");
  if (!subject.is(Kind::kDict)) call.refuse("'dictsort' of something that is no dict");
  JinjaList items = items_of_jinja_value(subject, call).as_list();
  const auto key_of = [&](const Value& item) {
    const std::string& key = item.as_list()[0].as_string();
    return exact ? key : lower(key);
  };
  std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
    return reversed ? key_of(b) < key_of(a) : key_of(a) < key_of(b);
  });
  return Value::list(std::move(items));
}

Value to_float(const Value& subject, const JinjaCall& call) {
  call.check_names({"default"});
  if (subject.is_number()) return Value::number(subject.as_number());
  Value otherwise = call.find(0, "default").value_or(Value::number(0));
  if (!subject.is(Kind::kString)) return otherwise;
  const std::string text(trim(subject.as_string()));
  if (text.empty() || text.find_first_not_of("0123456789.eE+-") != std::string::npos)
    return otherwise;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return *end == '\0' ? Value::number(number) : otherwise;
}

Value absolute(const Value& subject, const JinjaCall& call) {
  if (subject.is(Kind::kFloat)) return Value::number(std::fabs(subject.as_number()));
  if (!subject.is_number() || subject.as_integer() == INT64_MIN)
    call.refuse(std::string("the absolute value of ") + subject.kind_name());
  return Value::integer(std::abs(subject.as_integer()));
}

Value default_value(const Value& subject, const JinjaCall& call) {
  call.check_names({"default_value", "boolean"});
  const bool boolean = call.find_flag(1, "boolean", false);
  if (!subject.is(Kind::kUndefined) && (!boolean || subject.is_true())) return subject;
  return call.find(0, "default_value").value_or(Value::string(""));
}

using Filter = std::function<Value(const Value&, const JinjaCall&)>;

Filter without_arguments(Filter filter) {
  return [filter = std::move(filter)](const Value& subject, const JinjaCall& call) {
    call.check_names({});
    return filter(subject, call);
  };
}

Filter of_text(std::string (*change)(const Value&, const JinjaCall&)) {
  return without_arguments([change](const Value& subject, const JinjaCall& call) {
    return Value::string(change(subject, call));
  });
}

std::map<std::string, Filter> text_filters() {
  return {
      {"trim",
       [](const Value& s, const JinjaCall& c) {
         return Value::string(strip(s.to_text(), c, true, true));
       }},
      {"upper",
       of_text([](const Value& s, const JinjaCall&) { return upper(s.to_text()); })},
      {"lower",
       of_text([](const Value& s, const JinjaCall&) { return lower(s.to_text()); })},
      {"capitalize",
       of_text([](const Value& s, const JinjaCall&) { return capitalize(s.to_text()); })},
      {"title",
       of_text([](const Value& s, const JinjaCall&) { return title(s.to_text()); })},
      {"string", of_text([](const Value& s, const JinjaCall&) { return s.to_text(); })},
      {"safe", of_text([](const Value& s, const JinjaCall&) { return s.to_text(); })},
      {"replace",
       [](const Value& s, const JinjaCall& c) {
         return Value::string(replace(s.to_text(), c));
       }},
      {"indent",
       [](const Value& s, const JinjaCall& c) {
         return Value::string(indent(c.string_of(s), c));
       }},
      {"join",
       [](const Value& s, const JinjaCall& c) { return Value::string(join(s, c)); }},
      {"tojson", tojson}};
}

std::map<std::string, Filter> list_filters() {
  const auto length = without_arguments(
      [](const Value& s, const JinjaCall& c) { return Value::integer(length_of(s, c)); });
  return {
      {"length", length},
      {"count", length},
      {"default", default_value},
      {"d", default_value},
      {"first", without_arguments([](const Value& s, const JinjaCall& c) {
         return first_or_last(s, c, true);
       })},
      {"last", without_arguments([](const Value& s, const JinjaCall& c) {
         return first_or_last(s, c, false);
       })},
      {"int", to_integer},
      {"float", to_float},
      {"abs", without_arguments(absolute)},
      {"dictsort", dictsort},
      {"list", without_arguments([](const Value& s, const JinjaCall& c) {
         return Value::list(iterate_jinja_value(s, c));
       })},
      {"items", without_arguments(items_of_jinja_value)},
      {"reverse", without_arguments(reverse)},
      {"unique", without_arguments(unique)},
      {"map", map},
      {"select", [](const Value& s,
                    const JinjaCall& c) { return select(s, c, Keep::kMatches, false); }},
      {"reject", [](const Value& s,
                    const JinjaCall& c) { return select(s, c, Keep::kOthers, false); }},
      {"selectattr",
       [](const Value& s, const JinjaCall& c) {
         return select(s, c, Keep::kMatches, true);
       }},
      {"rejectattr", [](const Value& s, const JinjaCall& c) {
         return select(s, c, Keep::kOthers, true);
       }}};
}

}  // namespace

JinjaValue apply_jinja_filter(const JinjaValue& subject, const JinjaCall& call) {
  static const std::map<std::string, Filter> filters = [] {
    auto all = text_filters();
    all.merge(list_filters());
    return all;
  }();
  const auto found = filters.find(call.name);
  if (found == filters.end())
    call.refuse("the filter '" + call.name + "' is not supported");
  call.charge(subject.bytes());
  return found->second(subject, call);
}

}  // namespace srpo::text
