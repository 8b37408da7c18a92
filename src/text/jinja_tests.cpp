#include "text/jinja_tests.h"

#include <algorithm>
#include <map>
#include <string>

#include "text/jinja_access.h"
#include "text/jinja_text_functions.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;

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
      {"callable",
       [](const Value& s, const JinjaCall&) { return s.is(Kind::kFunction); }},
      {"lower",
       [](const Value& s, const JinjaCall&) {
         const std::string text = s.to_text();
         return lower(text) == text && upper(text) != text;
       }},
      {"upper",
       [](const Value& s, const JinjaCall&) {
         const std::string text = s.to_text();
         return upper(text) == text && lower(text) != text;
       }},
      {"odd", [](const Value& s,
                 const JinjaCall&) { return s.is_number() && s.as_integer() % 2 != 0; }},
      {"even", [](const Value& s, const JinjaCall&) {
         return s.is_number() && s.as_integer() % 2 == 0;
       }}};
  return tests;
}

}  // namespace

bool apply_jinja_test(const JinjaValue& subject, const JinjaCall& call) {
  const auto plain = plain_tests().find(call.name);
  if (plain != plain_tests().end()) {
    call.check_names({});
    return plain->second(subject, call);
  }
  for (const char* equal : {"eq", "equalto", "==", "sameas", "ne", "in"}) {
    if (call.name != equal) continue;
    call.check_names({""});
    const JinjaValue other = call.need(0, "");
    if (call.name == "in") return is_in_jinja_value(subject, other, call);
    call.charge(std::min(subject.bytes(), other.bytes()));
    return (subject == other) == (call.name != "ne");
  }
  call.refuse("the test '" + call.name + "' is not supported");
}

}  // namespace srpo::text
