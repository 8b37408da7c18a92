#include "text/jinja_access.h"

#include <algorithm>

#include "text/unicode.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;

/// A bound of a slice, brought into [lowest, highest].
int64_t bound_of(const Value& value, int64_t missing, int64_t size, int64_t lowest,
                 int64_t highest, const JinjaCall& call) {
  if (value.is(Kind::kNone)) return missing;
  if (!value.is(Kind::kInteger))
    call.refuse(std::string(value.kind_name()) + " in a slice");
  const int64_t at =
      value.as_integer() < 0 ? value.as_integer() + size : value.as_integer();
  return std::clamp(at, lowest, highest);
}

}  // namespace

JinjaList iterate_jinja_value(const JinjaValue& value, const JinjaCall& call) {
  JinjaList elements;
  switch (value.kind()) {
    case Kind::kUndefined:
      break;
    case Kind::kList:
      call.charge(value.as_list().size() * sizeof(Value));
      return value.as_list();
    case Kind::kDict:
      for (const auto& [key, entry] : value.as_dict())
        elements.push_back(Value::string(key));
      break;
    case Kind::kString:
      call.charge(value.as_string().size() * sizeof(Value));
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

JinjaValue slice_jinja_value(const JinjaValue& subject, const JinjaCall& call) {
  if (!subject.is(Kind::kString) && !subject.is(Kind::kList))
    call.refuse(std::string("a slice of ") + subject.kind_name());
  const bool is_text = subject.is(Kind::kString);
  const std::u32string characters = is_text ? characters_of(subject.as_string()) : U"";
  const auto size =
      static_cast<int64_t>(is_text ? characters.size() : subject.as_list().size());
  call.charge(static_cast<size_t>(size) * (is_text ? 4 : sizeof(Value)));
  const Value& step_value = call.positional[2];
  if (!step_value.is(Kind::kNone) && !step_value.is(Kind::kInteger))
    call.refuse(std::string(step_value.kind_name()) + " as the step of a slice");
  const int64_t wanted = step_value.is(Kind::kNone) ? 1 : step_value.as_integer();
  if (wanted == 0) call.refuse("a slice of step 0");
  const int64_t step = std::clamp(wanted, -size - 1, size + 1);
  const bool forward = step > 0;
  const int64_t lowest = forward ? 0 : -1;
  const int64_t highest = forward ? size : size - 1;
  const int64_t begin = bound_of(call.positional[0], forward ? lowest : highest, size,
                                 lowest, highest, call);
  const int64_t end = bound_of(call.positional[1], forward ? highest : lowest, size,
                               lowest, highest, call);
  std::u32string text;
  JinjaList list;
  for (int64_t i = begin; forward ? i < end : i > end; i += step) {
    if (is_text) {
      text += characters[static_cast<size_t>(i)];
    } else {
      list.push_back(subject.as_list()[static_cast<size_t>(i)]);
    }
  }
  return is_text ? Value::string(text_of(text)) : Value::list(std::move(list));
}

bool is_in_jinja_value(const JinjaValue& element, const JinjaValue& container,
                       const JinjaCall& call) {
  call.charge(container.bytes());
  switch (container.kind()) {
    case Kind::kUndefined:
      return false;
    case Kind::kString:
      if (!element.is(Kind::kString)) break;
      return container.as_string().find(element.as_string()) != std::string::npos;
    case Kind::kList:
      return std::find(container.as_list().begin(), container.as_list().end(), element) !=
             container.as_list().end();
    case Kind::kDict:
      return element.is(Kind::kString) && container.find(element.as_string()) != nullptr;
    default:
      break;
  }
  call.refuse(std::string("'in' of ") + element.kind_name() + " and " +
              container.kind_name());
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
