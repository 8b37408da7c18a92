#include "text/jinja_functions.h"

#include <algorithm>
#include <functional>
#include <map>

#include <unicode/locid.h>
#include <unicode/unistr.h>

#include "core/error.h"
#include "text/unicode.h"
#include "text/white_space.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;

enum class Case { kUpper, kLower };

std::string change_case(const std::string& text, Case wanted) {
  icu::UnicodeString letters = icu::UnicodeString::fromUTF8(text);
  if (wanted == Case::kUpper) {
    letters.toUpper(icu::Locale::getRoot());
  } else {
    letters.toLower(icu::Locale::getRoot());
  }
  std::string result;
  letters.toUTF8String(result);
  return result;
}

std::string capitalize(const std::string& text) {
  const std::u32string characters = characters_of(text);
  if (characters.empty()) return text;
  return change_case(text_of(std::u32string_view(characters).substr(0, 1)),
                     Case::kUpper) +
         change_case(text_of(std::u32string_view(characters).substr(1)), Case::kLower);
}

const std::string& string_of(const Value& subject, const JinjaCall& call) {
  if (!subject.is(Kind::kString)) {
    call.refuse("'" + call.name + "' of " + subject.kind_name() + " (expected a string)");
  }
  return subject.as_string();
}

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

std::string replace(const std::string& text, const std::string& from,
                    const std::string& to, const JinjaCall& call) {
  if (from.empty()) call.refuse("replacing the empty string");
  std::string result;
  size_t at = 0;
  for (size_t found = 0; (found = text.find(from, at)) != std::string::npos;) {
    result.append(text, at, found - at).append(to);
    at = found + from.size();
    if (result.size() > (size_t{64} << 20)) call.refuse("the text grows too long");
  }
  return result.append(text, at, std::string::npos);
}

/// Strips white space, or the characters of the first argument.
std::string strip(const std::string& text, const JinjaCall& call, bool left, bool right) {
  call.check_names({"chars"});
  const auto chars = call.find(0, "chars");
  if (!chars || chars->is(Kind::kNone)) {
    std::string_view rest = text;
    if (left) rest = trim_left(rest);
    if (right) rest = trim_right(rest);
    return std::string(rest);
  }
  const std::u32string set = characters_of(string_of(*chars, call));
  const std::u32string all = characters_of(text);
  std::u32string_view rest = all;
  const auto in_set = [&](char32_t c) { return set.find(c) != std::u32string::npos; };
  while (left && !rest.empty() && in_set(rest.front())) rest.remove_prefix(1);
  while (right && !rest.empty() && in_set(rest.back())) rest.remove_suffix(1);
  return text_of(rest);
}

Value split(const std::string& text, const JinjaCall& call) {
  call.check_names({"sep", "maxsplit"});
  const auto separator = call.find(0, "sep");
  const auto limit = call.find(1, "maxsplit");
  int64_t left = limit ? limit->as_integer() : -1;
  JinjaList parts;
  if (!separator || separator->is(Kind::kNone)) {
    if (limit) call.refuse("'split' at white space with a limit");
    std::string word;
    for (char32_t c : characters_of(text)) {
      std::string character;
      append_utf8(character, c);
      if (!trim(character).empty()) {
        word += character;
      } else if (!word.empty()) {
        parts.push_back(Value::string(std::exchange(word, "")));
      }
    }
    if (!word.empty()) parts.push_back(Value::string(word));
    return Value::list(std::move(parts));
  }
  const std::string& mark = string_of(*separator, call);
  if (mark.empty()) call.refuse("'split' at the empty string");
  size_t at = 0;
  for (size_t found = 0; left != 0 && (found = text.find(mark, at)) != std::string::npos;
       --left) {
    parts.push_back(Value::string(text.substr(at, found - at)));
    at = found + mark.size();
  }
  parts.push_back(Value::string(text.substr(at)));
  return Value::list(std::move(parts));
}

std::string join(const Value& subject, const JinjaCall& call) {
  call.check_names({"d", "attribute"});
  const std::string between = call.find_string(0, "d", "");
  const auto attribute = call.find(1, "attribute");
  std::string result;
  bool first = true;
  for (const Value& element : iterate_jinja_value(subject, call)) {
    if (!std::exchange(first, false)) result += between;
    result += (attribute ? index_jinja_value(element, *attribute) : element).to_text();
  }
  return result;
}

std::string indent(const std::string& text, const JinjaCall& call) {
  call.check_names({"width", "first", "blank"});
  const auto width = call.find(0, "width");
  if (width && !width->is(Kind::kInteger) && !width->is(Kind::kString)) {
    call.refuse("the width of 'indent'");
  }
  if (width && width->is(Kind::kInteger) &&
      (width->as_integer() < 0 || width->as_integer() > 1000)) {
    call.refuse("the width of 'indent'");
  }
  const std::string margin =
      width && width->is(Kind::kString)
          ? width->as_string()
          : std::string(static_cast<size_t>(width ? width->as_integer() : 4), ' ');
  const bool first = call.find(1, "first").value_or(Value::boolean(false)).is_true();
  const bool blank = call.find(2, "blank").value_or(Value::boolean(false)).is_true();
  std::string result;
  for (size_t begin = 0, number = 0; begin <= text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const bool wanted = number == 0 ? first : (blank || end > begin);
    if (number > 0) result += '\n';
    if (wanted) result += margin;
    result.append(text, begin, end - begin);
    begin = end + 1;
  }
  return result;
}

Value items_of(const Value& subject, const JinjaCall& call) {
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

Value to_integer(const Value& subject, const JinjaCall& call) {
  call.check_names({"default"});
  if (subject.is_number())
    return Value::integer(static_cast<int64_t>(subject.as_number()));
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
      call.place, call.line, call.find_string(position, "", otherwise), {}, {}};
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
  call.check_names({"ensure_ascii", "indent"});
  const auto ascii = call.find(0, "ensure_ascii");
  if (ascii && ascii->is_true()) call.refuse("'tojson' with ensure_ascii");
  const auto width = call.find(1, "indent");
  if (!width || width->is(Kind::kNone))
    return Value::string(to_json(subject, std::nullopt));
  if (!width->is(Kind::kInteger) || width->as_integer() < 0 || width->as_integer() > 32) {
    call.refuse("the indent of 'tojson'");
  }
  return Value::string(to_json(subject, width->as_integer()));
}

Value default_value(const Value& subject, const JinjaCall& call) {
  call.check_names({"default_value", "boolean"});
  const bool boolean = call.find(1, "boolean").value_or(Value::boolean(false)).is_true();
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
      {"upper", of_text([](const Value& s, const JinjaCall&) {
         return change_case(s.to_text(), Case::kUpper);
       })},
      {"lower", of_text([](const Value& s, const JinjaCall&) {
         return change_case(s.to_text(), Case::kLower);
       })},
      {"capitalize",
       of_text([](const Value& s, const JinjaCall&) { return capitalize(s.to_text()); })},
      {"string", of_text([](const Value& s, const JinjaCall&) { return s.to_text(); })},
      {"safe", of_text([](const Value& s, const JinjaCall&) { return s.to_text(); })},
      {"replace",
       [](const Value& s, const JinjaCall& c) {
         c.check_names({"old", "new"});
         return Value::string(
             replace(s.to_text(), c.need_string(0, "old"), c.need_string(1, "new"), c));
       }},
      {"indent",
       [](const Value& s, const JinjaCall& c) {
         return Value::string(indent(string_of(s, c), c));
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
      {"list", without_arguments([](const Value& s, const JinjaCall& c) {
         return Value::list(iterate_jinja_value(s, c));
       })},
      {"items", without_arguments(items_of)},
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

using Test = bool (*)(const Value&, const JinjaCall&);

/// Tests without arguments.
const std::map<std::string, Test>& plain_tests() {
  static const std::map<std::string, Test> tests = {
      {"defined",
       [](const Value& s, const JinjaCall&) { return !s.is(Kind::kUndefined); }},
      {"undefined",
       [](const Value& s, const JinjaCall&) { return s.is(Kind::kUndefined); }},
      {"none", [](const Value& s, const JinjaCall&) { return s.is(Kind::kNone); }},
      {"string", [](const Value& s, const JinjaCall&) { return s.is(Kind::kString); }},
      {"number", [](const Value& s, const JinjaCall&) { return s.is_number(); }},
      {"integer", [](const Value& s, const JinjaCall&) { return s.is(Kind::kInteger); }},
      {"float", [](const Value& s, const JinjaCall&) { return s.is(Kind::kFloat); }},
      {"boolean", [](const Value& s, const JinjaCall&) { return s.is(Kind::kBool); }},
      {"true",
       [](const Value& s, const JinjaCall&) { return s.is(Kind::kBool) && s.as_bool(); }},
      {"false", [](const Value& s,
                   const JinjaCall&) { return s.is(Kind::kBool) && !s.as_bool(); }},
      {"mapping", [](const Value& s, const JinjaCall&) { return s.is(Kind::kDict); }},
      {"sequence",
       [](const Value& s, const JinjaCall&) {
         return s.is(Kind::kString) || s.is(Kind::kList) || s.is(Kind::kDict);
       }},
      {"iterable",
       [](const Value& s, const JinjaCall&) {
         return s.is(Kind::kString) || s.is(Kind::kList) || s.is(Kind::kDict) ||
                s.is(Kind::kUndefined);
       }},
      {"odd", [](const Value& s,
                 const JinjaCall&) { return s.is_number() && s.as_integer() % 2 != 0; }},
      {"even", [](const Value& s, const JinjaCall&) {
         return s.is_number() && s.as_integer() % 2 == 0;
       }}};
  return tests;
}

std::optional<Value> string_method(const std::string& text, const JinjaCall& call) {
  const std::string& name = call.name;
  if (name == "strip") return Value::string(strip(text, call, true, true));
  if (name == "lstrip") return Value::string(strip(text, call, true, false));
  if (name == "rstrip") return Value::string(strip(text, call, false, true));
  if (name == "split") return split(text, call);
  if (name == "startswith" || name == "endswith") {
    call.check_names({""});
    const std::string part = call.need_string(0, "");
    return Value::boolean(name == "endswith" ? text.ends_with(part)
                                             : text.starts_with(part));
  }
  if (name == "replace") {
    call.check_names({"", ""});
    return Value::string(
        replace(text, call.need_string(0, ""), call.need_string(1, ""), call));
  }
  if (name == "find") {
    call.check_names({""});
    const size_t at = text.find(call.need_string(0, ""));
    if (at == std::string::npos) return Value::integer(-1);
    return Value::integer(static_cast<int64_t>(characters_of(text.substr(0, at)).size()));
  }
  if (name == "join") {
    call.check_names({""});
    JinjaCall inner{call.place, call.line, "join", {Value::string(text)}, {}};
    return Value::string(join(call.need(0, ""), inner));
  }
  if (name == "upper" || name == "lower" || name == "capitalize") {
    return apply_jinja_filter(Value::string(text), call);
  }
  return std::nullopt;
}

std::optional<Value> dict_method(const Value& subject, const JinjaCall& call) {
  if (call.name == "get") {
    call.check_names({"", ""});
    const Value* found = subject.find(call.need_string(0, ""));
    return found != nullptr ? *found : call.find(1, "").value_or(Value::none());
  }
  if (call.name == "items") return items_of(subject, call);
  if (call.name == "keys") return Value::list(iterate_jinja_value(subject, call));
  if (call.name == "values") {
    JinjaList values;
    for (const auto& [key, value] : subject.as_dict()) values.push_back(value);
    return Value::list(std::move(values));
  }
  return std::nullopt;
}

}  // namespace

void JinjaCall::refuse(const std::string& what) const {
  throw core::Error(core::ErrorKind::kBadFile,
                    place + ":" + std::to_string(line) + ": " + what);
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
  return string_of(value, *this);
}

std::string JinjaCall::find_string(size_t position, const std::string& wanted,
                                   const std::string& otherwise) const {
  const auto value = find(position, wanted);
  return value ? string_of(*value, *this) : otherwise;
}

void JinjaCall::check_names(const std::vector<std::string>& names) const {
  if (positional.size() > names.size()) refuse("'" + name + "' has too many arguments");
  for (const auto& [key, value] : named) {
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      refuse("'" + name + "' has no argument '" + key + "'");
    }
  }
}

JinjaValue apply_jinja_filter(const JinjaValue& subject, const JinjaCall& call) {
  static const std::map<std::string, Filter> filters = [] {
    auto all = text_filters();
    all.merge(list_filters());
    return all;
  }();
  const auto found = filters.find(call.name);
  if (found == filters.end())
    call.refuse("the filter '" + call.name + "' is not supported");
  return found->second(subject, call);
}

bool apply_jinja_test(const JinjaValue& subject, const JinjaCall& call) {
  const auto plain = plain_tests().find(call.name);
  if (plain != plain_tests().end()) {
    call.check_names({});
    return plain->second(subject, call);
  }
  for (const char* equal : {"eq", "equalto", "sameas", "ne", "in"}) {
    if (call.name != equal) continue;
    call.check_names({""});
    const JinjaValue other = call.need(0, "");
    if (call.name == "ne") return !(subject == other);
    if (call.name != "in") return subject == other;
    if (other.is(Kind::kString) && subject.is(Kind::kString)) {
      return other.as_string().find(subject.as_string()) != std::string::npos;
    }
    const JinjaList elements = iterate_jinja_value(other, call);
    return std::find(elements.begin(), elements.end(), subject) != elements.end();
  }
  call.refuse("the test '" + call.name + "' is not supported");
}

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

JinjaList iterate_jinja_value(const JinjaValue& value, const JinjaCall& call) {
  JinjaList elements;
  switch (value.kind()) {
    case Kind::kUndefined:
      break;
    case Kind::kList:
      return value.as_list();
    case Kind::kDict:
      for (const auto& [key, entry] : value.as_dict())
        elements.push_back(Value::string(key));
      break;
    case Kind::kString:
      for (char32_t c : characters_of(value.as_string())) {
        elements.push_back(Value::string(text_of(std::u32string_view(&c, 1))));
      }
      break;
    default:
      call.refuse(std::string("going through ") + value.kind_name());
  }
  return elements;
}

JinjaValue index_jinja_value(const JinjaValue& subject, const JinjaValue& index) {
  if (index.is(Kind::kString)) {
    const JinjaValue* found = subject.find(index.as_string());
    return found != nullptr ? *found : Value::undefined(index.as_string());
  }
  if (!index.is(Kind::kInteger)) return Value::undefined("index");
  int64_t at = index.as_integer();
  const auto place_in = [&](size_t size) -> std::optional<size_t> {
    if (at < 0) at += static_cast<int64_t>(size);
    if (at < 0 || at >= static_cast<int64_t>(size)) return std::nullopt;
    return static_cast<size_t>(at);
  };
  if (subject.is(Kind::kList)) {
    if (const auto found = place_in(subject.as_list().size()))
      return subject.as_list()[*found];
  } else if (subject.is(Kind::kString)) {
    const std::u32string characters = characters_of(subject.as_string());
    if (const auto found = place_in(characters.size())) {
      return Value::string(text_of(std::u32string_view(characters).substr(*found, 1)));
    }
  }
  return Value::undefined("element " + std::to_string(index.as_integer()));
}

std::u32string characters_of(const std::string& text) {
  std::u32string characters;
  for (size_t position = 0; position < text.size();) {
    characters += next_character(text, position);
  }
  return characters;
}

std::string text_of(std::u32string_view characters) {
  std::string text;
  for (char32_t character : characters) append_utf8(text, character);
  return text;
}

}  // namespace srpo::text
