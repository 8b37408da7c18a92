#include "text/jinja_operations.h"

#include <algorithm>
#include <cmath>

#include "text/jinja_access.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;

Value repeat(const std::string& text, int64_t count, const JinjaCall& call) {
  if (count > 0 && text.size() > JinjaBudget::kMaxTextBytes / static_cast<size_t>(count))
    call.refuse("the text grows too long");
  std::string result;
  for (int64_t i = 0; i < count && !text.empty(); ++i) result += text;
  call.charge_text(result.size());
  return Value::string(std::move(result));
}

Value float_arithmetic(const std::string& what, double a, double b) {
  if (what == "+") return Value::number(a + b);
  if (what == "-") return Value::number(a - b);
  if (what == "*") return Value::number(a * b);
  if (what == "/") return Value::number(a / b);
  if (what == "//") return Value::number(std::floor(a / b));
  return Value::number(a - b * std::floor(a / b));
}

Value arithmetic(const std::string& what, const Value& left, const Value& right,
                 const JinjaCall& call) {
  const bool divides = what[0] == '/' || what[0] == '%';
  if (divides && right.as_number() == 0) call.refuse("division by zero");
  const bool floats = left.is(Kind::kFloat) || right.is(Kind::kFloat) || what == "/";
  if (floats) return float_arithmetic(what, left.as_number(), right.as_number());
  const int64_t a = left.as_integer();
  const int64_t b = right.as_integer();
  int64_t result = 0;
  bool overflow = divides && b == -1 && a == INT64_MIN;
  if (what == "+") overflow = __builtin_add_overflow(a, b, &result);
  if (what == "-") overflow = __builtin_sub_overflow(a, b, &result);
  if (what == "*") overflow = __builtin_mul_overflow(a, b, &result);
  if (overflow) call.refuse("a number that is too large");
  // Python rounds down, C++ towards zero.
  const bool down = divides && a % b != 0 && (a % b < 0) != (b < 0);
  if (what == "//") result = a / b - (down ? 1 : 0);
  if (what == "%") result = a % b + (down ? b : 0);
  return Value::integer(result);
}

Value concatenate(const Value& left, const Value& right, const JinjaCall& call) {
  JinjaList both;
  call.charge((left.as_list().size() + right.as_list().size()) * sizeof(Value));
  both.reserve(left.as_list().size() + right.as_list().size());
  both.insert(both.end(), left.as_list().begin(), left.as_list().end());
  both.insert(both.end(), right.as_list().begin(), right.as_list().end());
  return Value::list(std::move(both));
}

}  // namespace

JinjaValue apply_jinja_operator(const std::string& what, const JinjaValue& left,
                                const JinjaValue& right, const JinjaCall& call) {
  if (what == "~") {
    call.charge_text(left.bytes() + right.bytes());
    return Value::string(left.to_text() + right.to_text());
  }
  if (left.is_number() && right.is_number()) return arithmetic(what, left, right, call);
  if (what == "+" && left.is(Kind::kString) && right.is(Kind::kString)) {
    call.charge_text(left.as_string().size() + right.as_string().size());
    return Value::string(left.as_string() + right.as_string());
  }
  if (what == "+" && left.is(Kind::kList) && right.is(Kind::kList))
    return concatenate(left, right, call);
  if (what == "*" && left.is(Kind::kString) && right.is(Kind::kInteger))
    return repeat(left.as_string(), right.as_integer(), call);
  call.refuse("'" + what + "' of " + left.kind_name() + " and " + right.kind_name());
}

JinjaValue apply_jinja_sign(const std::string& what, const JinjaValue& value,
                            const JinjaCall& call) {
  if (what == "not") return Value::boolean(!value.is_true());
  if (!value.is_number()) call.refuse("'" + what + "' of " + value.kind_name());
  const bool minus = what == "-";
  if (value.is(Kind::kFloat))
    return Value::number(minus ? -value.as_number() : value.as_number());
  int64_t result = value.as_integer();
  if (minus && __builtin_sub_overflow(int64_t{0}, result, &result))
    call.refuse("a number that is too large");
  return Value::integer(result);
}

bool compare_jinja_values(const std::string& what, const JinjaValue& left,
                          const JinjaValue& right, const JinjaCall& call) {
  if (what == "in") return is_in_jinja_value(left, right, call);
  if (what == "not in") return !is_in_jinja_value(left, right, call);
  call.charge(std::min(left.bytes(), right.bytes()));
  if (what == "==") return left == right;
  if (what == "!=") return !(left == right);
  int order = 0;
  if (left.is_number() && right.is_number()) {
    order =
        left.as_number() < right.as_number() ? -1 : left.as_number() > right.as_number();
  } else if (left.is(Kind::kString) && right.is(Kind::kString)) {
    order = left.as_string().compare(right.as_string());
  } else {
    call.refuse("'" + what + "' of " + left.kind_name() + " and " + right.kind_name());
  }
  if (what == "<") return order < 0;
  if (what == "<=") return order <= 0;
  return what == ">" ? order > 0 : order >= 0;
}

}  // namespace srpo::text
