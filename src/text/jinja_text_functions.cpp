#include "text/jinja_text_functions.h"

#include <utility>

#include <unicode/locid.h>
#include <unicode/unistr.h>

#include "text/jinja_access.h"
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

size_t times(size_t a, size_t b) { return b != 0 && a > SIZE_MAX / b ? SIZE_MAX : a * b; }

size_t count(const std::string& text, const std::string& part) {
  size_t number = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++number;
  return number;
}

Value split_at_space(const std::string& text) {
  JinjaList parts;
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

}  // namespace

std::string upper(const std::string& text) { return change_case(text, Case::kUpper); }
std::string lower(const std::string& text) { return change_case(text, Case::kLower); }

std::string capitalize(const std::string& text) {
  const std::u32string characters = characters_of(text);
  if (characters.empty()) return text;
  return change_case(text_of(std::u32string_view(characters).substr(0, 1)),
                     Case::kUpper) +
         change_case(text_of(std::u32string_view(characters).substr(1)), Case::kLower);
}

std::string title(const std::string& text) {
  std::string result;
  bool in_word = false;
  for (char32_t c : characters_of(text)) {
    std::string character;
    append_utf8(character, c);
    result += in_word ? lower(character) : upper(character);
    // jinja2 begins a word behind white space, '-', '(', '{', '[' and '<'.
    in_word = !trim(character).empty() &&
              std::string_view("-({[<").find(character) == std::string_view::npos;
  }
  return result;
}

std::string replace(const std::string& text, const JinjaCall& call) {
  call.check_names({"old", "new", "count"});
  const std::string from = call.need_string(0, "old");
  const std::string to = call.need_string(1, "new");
  const auto limit = call.find(2, "count");
  if (limit && !limit->is(Kind::kInteger) && !limit->is(Kind::kNone))
    call.refuse("the count of 'replace'");
  int64_t left = limit && limit->is(Kind::kInteger) ? limit->as_integer() : -1;
  if (from.empty()) call.refuse("replacing the empty string");
  call.charge(text.size());
  const size_t added = times(count(text, from), to.size());
  call.charge_text(added > JinjaBudget::kMaxTextBytes ? added : text.size() + added);
  std::string result;
  size_t at = 0;
  for (size_t found = 0; left != 0 && (found = text.find(from, at)) != std::string::npos;
       --left) {
    result.append(text, at, found - at).append(to);
    at = found + from.size();
  }
  return result.append(text, at, std::string::npos);
}

std::string strip(const std::string& text, const JinjaCall& call, bool left, bool right) {
  call.check_names({"chars"});
  const auto chars = call.find(0, "chars");
  if (!chars || chars->is(Kind::kNone)) {
    std::string_view rest = text;
    if (left) rest = trim_left(rest);
    if (right) rest = trim_right(rest);
    return std::string(rest);
  }
  const std::u32string set = characters_of(call.string_of(*chars));
  call.charge(times(text.size(), set.size() / 16 + 1));
  const std::u32string all = characters_of(text);
  std::u32string_view rest = all;
  const auto in_set = [&](char32_t c) { return set.find(c) != std::u32string::npos; };
  while (left && !rest.empty() && in_set(rest.front())) rest.remove_prefix(1);
  while (right && !rest.empty() && in_set(rest.back())) rest.remove_suffix(1);
  return text_of(rest);
}

JinjaValue split(const std::string& text, const JinjaCall& call) {
  call.check_names({"sep", "maxsplit"});
  const auto separator = call.find(0, "sep");
  const auto limit = call.find(1, "maxsplit");
  if (limit && !limit->is(Kind::kInteger)) call.refuse("the limit of 'split'");
  int64_t left = limit ? limit->as_integer() : -1;
  call.charge(times(text.size(), 8));
  if (!separator || separator->is(Kind::kNone)) {
    if (limit) call.refuse("'split' at white space with a limit");
    return split_at_space(text);
  }
  const std::string& mark = call.string_of(*separator);
  if (mark.empty()) call.refuse("'split' at the empty string");
  JinjaList parts;
  size_t at = 0;
  for (size_t found = 0; left != 0 && (found = text.find(mark, at)) != std::string::npos;
       --left) {
    parts.push_back(Value::string(text.substr(at, found - at)));
    at = found + mark.size();
  }
  parts.push_back(Value::string(text.substr(at)));
  return Value::list(std::move(parts));
}

std::string join(const JinjaValue& subject, const JinjaCall& call) {
  call.check_names({"d", "attribute"});
  const std::string between = call.find_string(0, "d", "");
  const auto attribute = call.find(1, "attribute");
  std::string result;
  bool first = true;
  for (const Value& element : iterate_jinja_value(subject, call)) {
    const Value shown = attribute ? index_jinja_value(element, *attribute) : element;
    call.charge_text(result.size() + between.size() + shown.bytes());
    if (!std::exchange(first, false)) result += between;
    result += shown.to_text();
  }
  return result;
}

std::string indent(const std::string& text, const JinjaCall& call) {
  call.check_names({"width", "first", "blank"});
  const Value width = call.find(0, "width").value_or(Value::integer(4));
  const bool is_number = width.is(Kind::kInteger);
  if (!(is_number && width.as_integer() >= 0 && width.as_integer() <= 1000) &&
      !width.is(Kind::kString)) {
    call.refuse("the width of 'indent'");
  }
  const std::string margin =
      is_number ? std::string(static_cast<size_t>(width.as_integer()), ' ')
                : width.as_string();
  const bool first = call.find_flag(1, "first", false);
  const bool blank = call.find_flag(2, "blank", false);
  const size_t added = times(count(text, "\n") + 1, margin.size());
  call.charge_text(added > JinjaBudget::kMaxTextBytes ? added : text.size() + added);
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

}  // namespace srpo::text
