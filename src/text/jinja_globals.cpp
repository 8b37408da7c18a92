#include "text/jinja_globals.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "core/error.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;

constexpr int64_t kMaxRange = 100'000;
constexpr size_t kMaxTimeFormat = 200;

Value raise_exception(const JinjaCall& call) {
  call.check_names({"message"});
  throw core::Error(core::ErrorKind::kBadInput,
                    call.budget.place() + ": the template refuses the messages: " +
                        call.need(0, "message").to_text());
}

Value make_dict(const JinjaCall& call) {
  JinjaDict entries;
  if (call.positional.size() > 1) call.refuse("'" + call.name + "' of two values");
  if (!call.positional.empty()) {
    const Value& given = call.positional[0];
    if (!given.is(Kind::kDict) && !given.is(Kind::kNamespace))
      call.refuse("'" + call.name + "' of " + given.kind_name());
    entries = given.as_dict();
  }
  for (const auto& given : call.named) {
    const auto old = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
      return entry.first == given.first;
    });
    if (old != entries.end()) {
      old->second = given.second;
    } else {
      entries.push_back(given);
    }
  }
  return call.name == "dict" ? Value::dict(std::move(entries))
                             : Value::make_namespace(std::move(entries));
}

Value range(const JinjaCall& call) {
  call.check_names({"", "", ""});
  for (const Value& argument : call.positional) {
    if (!argument.is(Kind::kInteger))
      call.refuse(std::string("range of ") + argument.kind_name());
  }
  const bool has_begin = call.positional.size() > 1;
  const int64_t begin = has_begin ? call.need(0, "").as_integer() : 0;
  const int64_t end = call.need(has_begin ? 1 : 0, "").as_integer();
  const int64_t step = call.find(2, "").value_or(Value::integer(1)).as_integer();
  if (step == 0) call.refuse("range of step 0");
  const double count = std::ceil((static_cast<double>(end) - static_cast<double>(begin)) /
                                 static_cast<double>(step));
  if (count > static_cast<double>(kMaxRange))
    call.refuse("a range of more than 100000 numbers");
  JinjaList numbers;
  call.charge(static_cast<size_t>(std::max(count, 0.0)) * sizeof(Value));
  for (int64_t i = 0; static_cast<double>(i) < count; ++i)
    numbers.push_back(Value::integer(begin + i * step));
  return Value::list(std::move(numbers));
}

/// Conversions that Python's and C's strftime write alike.
void check_time_format(const std::string& format, const JinjaCall& call) {
  constexpr std::string_view kKnown = "aAbBcCdDeFgGhHIjmMnpRsStTuUVwWxXyY%";
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') continue;
    if (++at < format.size() && format[at] == '-') ++at;
    if (at >= format.size() || kKnown.find(format[at]) == std::string_view::npos)
      call.refuse("the time format '" + format + "' is not supported");
  }
}

Value strftime_now(const JinjaCall& call, std::optional<std::time_t> now) {
  call.check_names({"format"});
  const std::string format = call.need_string(0, "format");
  if (format.size() > kMaxTimeFormat) call.refuse("a long time format");
  check_time_format(format, call);
  if (format.empty()) return Value::string("");
  const std::time_t time = now ? *now : std::time(nullptr);
  std::tm local{};
  ::localtime_r(&time, &local);
  char text[8192];
  return Value::string(
      std::string(text, std::strftime(text, sizeof text, format.c_str(), &local)));
}

}  // namespace

bool is_jinja_global(const std::string& name) {
  static constexpr std::string_view kNames[] = {"raise_exception", "namespace", "dict",
                                                "range", "strftime_now"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

JinjaValue call_jinja_global(const JinjaCall& call, std::optional<std::time_t> now) {
  if (call.name == "raise_exception") return raise_exception(call);
  if (call.name == "namespace" || call.name == "dict") return make_dict(call);
  if (call.name == "range") return range(call);
  if (call.name == "strftime_now") return strftime_now(call, now);
  call.refuse("the function '" + call.name + "' is not supported");
}

}  // namespace srpo::text
