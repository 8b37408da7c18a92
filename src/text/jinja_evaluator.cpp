#include "text/jinja_evaluator.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "text/jinja_functions.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;
using Node = JinjaExpression;

constexpr int64_t kMaxSteps = 10'000'000;
constexpr size_t kMaxTextBytes = size_t{16} << 20;
constexpr int64_t kMaxRange = 100'000;
constexpr size_t kBytesAStep = 64;  // copying this much counts as one step

enum class Flow { kOn, kBreak, kContinue };

class Evaluator {
 public:
  Evaluator(JinjaDict variables, const std::string& place)
      : scopes_{std::move(variables)}, place_(place) {}

  std::string run(const JinjaBody& body) {
    run_body(body);
    return std::move(output_);
  }

 private:
  // --- limits and errors ---
  [[noreturn]] void refuse(int line, const std::string& what) const {
    throw core::Error(core::ErrorKind::kBadFile,
                      place_ + ":" + std::to_string(line) + ": " + what);
  }

  void charge(int line, size_t bytes = 0) {
    steps_ += 1 + static_cast<int64_t>(bytes / kBytesAStep);
    if (steps_ > kMaxSteps) refuse(line, "the template runs too long");
    if (bytes > kMaxTextBytes) refuse(line, "the text grows too long");
  }

  Value text_value(int line, std::string text) {
    charge(line, text.size());
    return Value::string(std::move(text));
  }

  JinjaCall make_call(int line, const std::string& name) const {
    return JinjaCall{place_, line, name, {}, {}};
  }

  // --- variables ---
  Value look_up(const std::string& name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      for (const auto& [key, value] : *scope) {
        if (key == name) return value;
      }
    }
    return Value::undefined(name);
  }

  void assign(const std::string& name, Value value) {
    for (auto& [key, old] : scopes_.back()) {
      if (key == name) {
        old = std::move(value);
        return;
      }
    }
    scopes_.back().emplace_back(name, std::move(value));
  }

  void assign_attribute(int line, const std::string& name, const std::string& attribute,
                        Value value) {
    Value space = look_up(name);
    if (!space.is(Kind::kNamespace)) refuse(line, "'" + name + "' is not a namespace");
    if (value.is(Kind::kNamespace)) refuse(line, "a namespace inside another value");
    for (auto& [key, old] : space.entries_of_namespace()) {
      if (key == attribute) {
        old = std::move(value);
        return;
      }
    }
    space.entries_of_namespace().emplace_back(attribute, std::move(value));
  }

  void assign_all(int line, const std::vector<std::string>& names, const Value& value) {
    if (names.size() == 1) {
      assign(names[0], value);
      return;
    }
    if (!value.is(Kind::kList) || value.as_list().size() != names.size()) {
      refuse(line, std::string(value.kind_name()) + " does not fill " +
                       std::to_string(names.size()) + " names");
    }
    for (size_t i = 0; i < names.size(); ++i) assign(names[i], value.as_list()[i]);
  }

  // --- statements ---
  Flow run_body(const JinjaBody& body) {
    for (const auto& statement : body) {
      const Flow flow = run_statement(*statement);
      if (flow != Flow::kOn) return flow;
    }
    return Flow::kOn;
  }

  void write(int line, const std::string& text) {
    charge(line, text.size());
    output_ += text;
    if (output_.size() > kMaxTextBytes) refuse(line, "the text grows too long");
  }

  Flow run_statement(const JinjaStatement& statement) {
    charge(statement.line);
    switch (statement.kind) {
      case JinjaStatementKind::kData:
        write(statement.line, statement.text);
        break;
      case JinjaStatementKind::kPrint:
        write(statement.line, evaluate(*statement.expressions[0]).to_text());
        break;
      case JinjaStatementKind::kIf:
        return run_if(statement);
      case JinjaStatementKind::kFor:
        run_for(statement);
        break;
      case JinjaStatementKind::kSet:
        set(statement, evaluate(*statement.expressions[0]));
        break;
      case JinjaStatementKind::kSetBlock:
        return run_set_block(statement);
      case JinjaStatementKind::kBreak:
        return Flow::kBreak;
      case JinjaStatementKind::kContinue:
        return Flow::kContinue;
    }
    return Flow::kOn;
  }

  void set(const JinjaStatement& statement, const Value& value) {
    if (statement.text.empty()) {
      assign_all(statement.line, statement.targets, value);
    } else {
      assign_attribute(statement.line, statement.targets[0], statement.text, value);
    }
  }

  Flow run_set_block(const JinjaStatement& statement) {
    std::string outer = std::exchange(output_, "");
    scopes_.emplace_back();
    const Flow flow = run_body(statement.bodies[0]);
    scopes_.pop_back();
    set(statement, text_value(statement.line, std::exchange(output_, std::move(outer))));
    return flow;
  }

  Flow run_if(const JinjaStatement& statement) {
    for (size_t i = 0; i < statement.expressions.size(); ++i) {
      if (evaluate(*statement.expressions[i]).is_true())
        return run_body(statement.bodies[i]);
    }
    const bool has_else = statement.bodies.size() > statement.expressions.size();
    return has_else ? run_body(statement.bodies.back()) : Flow::kOn;
  }

  void run_for(const JinjaStatement& statement) {
    const Value subject = evaluate(*statement.expressions[0]);
    JinjaList elements = iterate_jinja_value(subject, make_call(statement.line, "for"));
    charge(statement.line, elements.size() * sizeof(Value));
    scopes_.emplace_back();
    if (statement.expressions.size() > 1) {
      std::erase_if(elements, [&](const Value& element) {
        assign_all(statement.line, statement.targets, element);
        return !evaluate(*statement.expressions[1]).is_true();
      });
    }
    for (size_t i = 0; i < elements.size(); ++i) {
      scopes_.back().clear();
      assign("loop", loop_value(elements, i));
      assign_all(statement.line, statement.targets, elements[i]);
      if (run_body(statement.bodies[0]) == Flow::kBreak) break;
    }
    scopes_.back().clear();
    if (elements.empty() && statement.bodies.size() > 1) run_body(statement.bodies[1]);
    scopes_.pop_back();
  }

  static Value loop_value(const JinjaList& elements, size_t i) {
    const auto count = static_cast<int64_t>(elements.size());
    const auto at = static_cast<int64_t>(i);
    return Value::dict(
        {{"index0", Value::integer(at)},
         {"index", Value::integer(at + 1)},
         {"first", Value::boolean(i == 0)},
         {"last", Value::boolean(at + 1 == count)},
         {"length", Value::integer(count)},
         {"revindex", Value::integer(count - at)},
         {"revindex0", Value::integer(count - at - 1)},
         {"previtem", i > 0 ? elements[i - 1] : Value::undefined("previtem")},
         {"nextitem", at + 1 < count ? elements[i + 1] : Value::undefined("nextitem")}});
  }

  // --- expressions ---
  Value evaluate(const Node& node) {
    charge(node.line);
    switch (node.kind) {
      case JinjaExpressionKind::kConstant:
        return node.constant;
      case JinjaExpressionKind::kName:
        return look_up(node.text);
      case JinjaExpressionKind::kList:
        return Value::list(evaluate_all(node, 0));
      case JinjaExpressionKind::kDict:
        return make_dict(node);
      case JinjaExpressionKind::kAttribute:
        return index(node, evaluate(*node.children[0]), Value::string(node.text));
      case JinjaExpressionKind::kIndex:
        return index(node, evaluate(*node.children[0]), evaluate(*node.children[1]));
      case JinjaExpressionKind::kSlice:
        return slice(node);
      case JinjaExpressionKind::kCall:
        return call(node);
      case JinjaExpressionKind::kFilter:
        return filter(node);
      case JinjaExpressionKind::kTest:
        return test(node);
      case JinjaExpressionKind::kUnary:
        return unary(node);
      case JinjaExpressionKind::kBinary:
        return binary(node);
      case JinjaExpressionKind::kCompare:
        return compare(node);
      case JinjaExpressionKind::kCondition:
        if (evaluate(*node.children[1]).is_true()) return evaluate(*node.children[0]);
        return node.children.size() > 2 ? evaluate(*node.children[2])
                                        : Value::undefined("");
    }
    ENSURE(false, "an expression of unknown kind");
  }

  JinjaList evaluate_all(const Node& node, size_t first) {
    JinjaList values;
    for (size_t i = first; i < node.children.size(); ++i)
      values.push_back(evaluate(*node.children[i]));
    return values;
  }

  Value make_dict(const Node& node) {
    JinjaDict entries;
    for (size_t i = 0; i < node.children.size(); i += 2) {
      const Value key = evaluate(*node.children[i]);
      if (!key.is(Kind::kString))
        refuse(node.line, std::string(key.kind_name()) + " as a key");
      Value value = evaluate(*node.children[i + 1]);
      const auto old =
          std::find_if(entries.begin(), entries.end(),
                       [&](const auto& entry) { return entry.first == key.as_string(); });
      if (old != entries.end()) {
        old->second = std::move(value);
      } else {
        entries.emplace_back(key.as_string(), std::move(value));
      }
    }
    return Value::dict(std::move(entries));
  }

  Value index(const Node& node, const Value& subject, const Value& at) {
    if (subject.is(Kind::kUndefined)) {
      refuse(node.line, "'" + name_of(*node.children[0]) + "' is undefined");
    }
    if (subject.is(Kind::kString)) charge(node.line, subject.as_string().size());
    return index_jinja_value(subject, at);
  }

  static std::string name_of(const Node& node) {
    return node.text.empty() ? "value" : node.text;
  }

  /// A bound of a slice, brought into [lowest, highest].
  int64_t bound(const Node& node, int64_t missing, int64_t size, int64_t lowest,
                int64_t highest) {
    const Value value = evaluate(node);
    if (value.is(Kind::kNone)) return missing;
    if (!value.is(Kind::kInteger))
      refuse(node.line, std::string(value.kind_name()) + " in a slice");
    const int64_t at =
        value.as_integer() < 0 ? value.as_integer() + size : value.as_integer();
    return std::clamp(at, lowest, highest);
  }

  Value slice(const Node& node) {
    const Value subject = evaluate(*node.children[0]);
    if (!subject.is(Kind::kString) && !subject.is(Kind::kList)) {
      refuse(node.line, std::string("a slice of ") + subject.kind_name());
    }
    const bool is_text = subject.is(Kind::kString);
    const std::u32string characters = is_text ? characters_of(subject.as_string()) : U"";
    const auto size =
        static_cast<int64_t>(is_text ? characters.size() : subject.as_list().size());
    charge(node.line, static_cast<size_t>(size) * (is_text ? 4 : sizeof(Value)));
    const Value step_value = evaluate(*node.children[3]);
    const int64_t step = step_value.is(Kind::kNone) ? 1 : step_value.as_integer();
    if (step == 0 || step > size + 1 || step < -size - 1) {
      if (step == 0) refuse(node.line, "a slice of step 0");
    }
    const int64_t lowest = step > 0 ? 0 : -1;
    const int64_t highest = step > 0 ? size : size - 1;
    const int64_t begin =
        bound(*node.children[1], step > 0 ? lowest : highest, size, lowest, highest);
    const int64_t end =
        bound(*node.children[2], step > 0 ? highest : lowest, size, lowest, highest);
    std::u32string text;
    JinjaList list;
    const int64_t stride = std::clamp(step, -size - 1, size + 1);
    for (int64_t i = begin; step > 0 ? i < end : i > end; i += stride) {
      if (is_text) {
        text += characters[static_cast<size_t>(i)];
      } else {
        list.push_back(subject.as_list()[static_cast<size_t>(i)]);
      }
    }
    return is_text ? Value::string(text_of(text)) : Value::list(std::move(list));
  }

  JinjaCall evaluate_call(const Node& node, const std::string& name) {
    JinjaCall made = make_call(node.line, name);
    made.positional = evaluate_all(node, 1);
    for (const auto& [key, value] : node.named)
      made.named.emplace_back(key, evaluate(*value));
    return made;
  }

  void charge_for(int line, const Value& value) {
    if (value.is(Kind::kString)) charge(line, value.as_string().size());
    if (value.is(Kind::kList)) charge(line, value.as_list().size() * sizeof(Value));
  }

  Value filter(const Node& node) {
    const Value subject = evaluate(*node.children[0]);
    charge_for(node.line, subject);
    Value result = apply_jinja_filter(subject, evaluate_call(node, node.text));
    charge_for(node.line, result);
    return result;
  }

  Value test(const Node& node) {
    const Value subject = evaluate(*node.children[0]);
    return Value::boolean(apply_jinja_test(subject, evaluate_call(node, node.text)));
  }

  Value call(const Node& node) {
    const Node& callee = *node.children[0];
    if (callee.kind == JinjaExpressionKind::kAttribute) {
      const Value subject = evaluate(*callee.children[0]);
      if (subject.is(Kind::kUndefined)) {
        refuse(node.line, "'" + name_of(*callee.children[0]) + "' is undefined");
      }
      charge_for(node.line, subject);
      Value result = call_jinja_method(subject, evaluate_call(node, callee.text));
      charge_for(node.line, result);
      return result;
    }
    if (callee.kind != JinjaExpressionKind::kName) refuse(node.line, "a call of a value");
    return call_function(evaluate_call(node, callee.text));
  }

  Value call_function(const JinjaCall& made) {
    if (made.name == "raise_exception") {
      made.check_names({"message"});
      throw core::Error(core::ErrorKind::kBadInput,
                        place_ + ": the template refuses the messages: " +
                            made.need(0, "message").to_text());
    }
    if (made.name == "namespace" || made.name == "dict") {
      JinjaDict entries = made.named;
      if (!made.positional.empty())
        made.refuse("'" + made.name + "' with a plain argument");
      return made.name == "dict" ? Value::dict(std::move(entries))
                                 : Value::make_namespace(std::move(entries));
    }
    if (made.name == "range") return range(made);
    made.refuse("the function '" + made.name + "' is not supported");
  }

  Value range(const JinjaCall& made) {
    made.check_names({"", "", ""});
    for (const Value& argument : made.positional) {
      if (!argument.is(Kind::kInteger))
        made.refuse(std::string("range of ") + argument.kind_name());
    }
    const bool has_begin = made.positional.size() > 1;
    const int64_t begin = has_begin ? made.need(0, "").as_integer() : 0;
    const int64_t end = made.need(has_begin ? 1 : 0, "").as_integer();
    const int64_t step = made.find(2, "").value_or(Value::integer(1)).as_integer();
    if (step == 0) made.refuse("range of step 0");
    const double count =
        std::ceil((static_cast<double>(end) - static_cast<double>(begin)) /
                  static_cast<double>(step));
    if (count > static_cast<double>(kMaxRange))
      made.refuse("a range of more than 100000 numbers");
    JinjaList numbers;
    for (int64_t i = 0; static_cast<double>(i) < count; ++i) {
      numbers.push_back(Value::integer(begin + i * step));
    }
    return Value::list(std::move(numbers));
  }

  Value unary(const Node& node) {
    const Value value = evaluate(*node.children[0]);
    if (node.text == "not") return Value::boolean(!value.is_true());
    if (!value.is_number())
      refuse(node.line, "'" + node.text + "' of " + value.kind_name());
    const bool minus = node.text == "-";
    if (value.is(Kind::kFloat))
      return Value::number(minus ? -value.as_number() : value.as_number());
    int64_t result = value.as_integer();
    if (minus && __builtin_sub_overflow(int64_t{0}, result, &result))
      refuse(node.line, "overflow");
    return Value::integer(result);
  }

  Value binary(const Node& node) {
    const std::string& what = node.text;
    const Value left = evaluate(*node.children[0]);
    if (what == "and") return left.is_true() ? evaluate(*node.children[1]) : left;
    if (what == "or") return left.is_true() ? left : evaluate(*node.children[1]);
    const Value right = evaluate(*node.children[1]);
    if (what == "~") return text_value(node.line, left.to_text() + right.to_text());
    if (left.is_number() && right.is_number()) return arithmetic(node, left, right);
    if (what == "+" && left.is(Kind::kString) && right.is(Kind::kString)) {
      return text_value(node.line, left.as_string() + right.as_string());
    }
    if (what == "+" && left.is(Kind::kList) && right.is(Kind::kList)) {
      JinjaList both = left.as_list();
      both.insert(both.end(), right.as_list().begin(), right.as_list().end());
      charge(node.line, both.size() * sizeof(Value));
      return Value::list(std::move(both));
    }
    if (what == "*" && left.is(Kind::kString) && right.is(Kind::kInteger)) {
      return repeat(node, left.as_string(), right.as_integer());
    }
    for (const Value* side : {&left, &right}) {
      if (!side->is(Kind::kUndefined)) continue;
      refuse(node.line,
             "'" + name_of(*node.children[side == &left ? 0 : 1]) + "' is undefined");
    }
    refuse(node.line,
           "'" + what + "' of " + left.kind_name() + " and " + right.kind_name());
  }

  Value repeat(const Node& node, const std::string& text, int64_t count) {
    if (count > 0 && text.size() > kMaxTextBytes / static_cast<size_t>(count)) {
      refuse(node.line, "the text grows too long");
    }
    std::string result;
    for (int64_t i = 0; i < count && !text.empty(); ++i) result += text;
    return text_value(node.line, std::move(result));
  }

  Value arithmetic(const Node& node, const Value& left, const Value& right) {
    const char what = node.text[0];
    const bool divides = what == '/' || what == '%';
    if (divides && right.as_number() == 0) refuse(node.line, "division by zero");
    const bool floats =
        left.is(Kind::kFloat) || right.is(Kind::kFloat) || node.text == "/";
    if (floats) return float_arithmetic(node.text, left.as_number(), right.as_number());
    const int64_t a = left.as_integer();
    const int64_t b = right.as_integer();
    int64_t result = 0;
    bool overflow = divides && b == -1 && a == INT64_MIN;
    if (what == '+') overflow = __builtin_add_overflow(a, b, &result);
    if (what == '-') overflow = __builtin_sub_overflow(a, b, &result);
    if (what == '*') overflow = __builtin_mul_overflow(a, b, &result);
    if (overflow) refuse(node.line, "a number that is too large");
    // Python rounds down, C++ towards zero.
    const bool down = divides && a % b != 0 && (a % b < 0) != (b < 0);
    if (what == '/') result = a / b - (down ? 1 : 0);
    if (what == '%') result = a % b + (down ? b : 0);
    return Value::integer(result);
  }

  static Value float_arithmetic(const std::string& what, double a, double b) {
    if (what == "+") return Value::number(a + b);
    if (what == "-") return Value::number(a - b);
    if (what == "*") return Value::number(a * b);
    if (what == "/") return Value::number(a / b);
    if (what == "//") return Value::number(std::floor(a / b));
    return Value::number(a - b * std::floor(a / b));
  }

  Value compare(const Node& node) {
    Value left = evaluate(*node.children[0]);
    for (size_t i = 0; i < node.operators.size(); ++i) {
      Value right = evaluate(*node.children[i + 1]);
      if (!holds(node, node.operators[i], left, right)) return Value::boolean(false);
      left = std::move(right);
    }
    return Value::boolean(true);
  }

  bool holds(const Node& node, const std::string& what, const Value& left,
             const Value& right) {
    charge_for(node.line, right);
    if (what == "==") return left == right;
    if (what == "!=") return !(left == right);
    if (what == "in") return is_in(node, left, right);
    if (what == "not in") return !is_in(node, left, right);
    int order = 0;
    if (left.is_number() && right.is_number()) {
      order = left.as_number() < right.as_number() ? -1
                                                   : left.as_number() > right.as_number();
    } else if (left.is(Kind::kString) && right.is(Kind::kString)) {
      order = left.as_string().compare(right.as_string());
    } else {
      refuse(node.line,
             "'" + what + "' of " + left.kind_name() + " and " + right.kind_name());
    }
    if (what == "<") return order < 0;
    if (what == "<=") return order <= 0;
    return what == ">" ? order > 0 : order >= 0;
  }

  bool is_in(const Node& node, const Value& element, const Value& container) {
    switch (container.kind()) {
      case Kind::kUndefined:
        return false;
      case Kind::kString:
        if (!element.is(Kind::kString)) break;
        return container.as_string().find(element.as_string()) != std::string::npos;
      case Kind::kList:
        return std::find(container.as_list().begin(), container.as_list().end(),
                         element) != container.as_list().end();
      case Kind::kDict:
        return element.is(Kind::kString) &&
               container.find(element.as_string()) != nullptr;
      default:
        break;
    }
    refuse(node.line, std::string("'in' of ") + element.kind_name() + " and " +
                          container.kind_name());
  }

  std::vector<JinjaDict> scopes_;  ///< innermost last
  const std::string& place_;
  std::string output_;
  int64_t steps_ = 0;
};

}  // namespace

std::string run_jinja(const JinjaBody& body, JinjaDict variables,
                      const std::string& place) {
  return Evaluator(std::move(variables), place).run(body);
}

}  // namespace srpo::text
