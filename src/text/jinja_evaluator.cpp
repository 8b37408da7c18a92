#include "text/jinja_evaluator.h"

#include <algorithm>

#include "core/error.h"
#include "text/jinja_access.h"
#include "text/jinja_filters.h"
#include "text/jinja_globals.h"
#include "text/jinja_methods.h"
#include "text/jinja_operations.h"
#include "text/jinja_scopes.h"
#include "text/jinja_tests.h"

namespace srpo::text {
namespace {

using Value = JinjaValue;
using Kind = JinjaKind;
using Node = JinjaExpression;

enum class Flow { kOn, kBreak, kContinue };

class Evaluator {
 public:
  Evaluator(JinjaDict variables, const std::string& place, std::optional<std::time_t> now)
      : scopes_(std::move(variables)), budget_(place), now_(now) {}

  std::string run(const JinjaBody& body) {
    try {
      run_body(body);
    } catch (const core::Error& error) {
      const std::string what = error.what();
      if (what.starts_with(budget_.place())) throw;
      // A value that cannot be made does not know where.
      throw core::Error(error.kind(), budget_.place() + ":" +
                                          std::to_string(budget_.line()) + ": " + what);
    }
    return std::move(output_);
  }

 private:
  /// Counts one level of recursion as long as it lives.
  class Level {
   public:
    Level(Evaluator& evaluator, int line) : evaluator_(evaluator) {
      if (++evaluator_.level_ > JinjaBudget::kMaxLevels)
        evaluator_.budget_.refuse(line, "nested too deeply");
    }
    ~Level() { --evaluator_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Evaluator& evaluator_;
  };

  JinjaCall make_call(int line, const std::string& name) {
    return JinjaCall{budget_, line, name, {}, {}};
  }

  // --- variables ---
  Value look_up(const Node& node) {
    if (const Value* found = scopes_.find(node.text, node.line, budget_)) return *found;
    if (is_jinja_global(node.text)) return Value::function(node.text, nullptr, 0);
    return Value::undefined(node.text);
  }

  void assign_attribute(int line, const std::string& name, const std::string& attribute,
                        Value value) {
    const Value* found = scopes_.find(name, line, budget_);
    if (found == nullptr || !found->is(Kind::kNamespace))
      budget_.refuse(line, "'" + name + "' is not a namespace");
    if (value.is(Kind::kNamespace))
      budget_.refuse(line, "a namespace inside another value");
    Value space = *found;
    budget_.charge(line, space.as_dict().size() * 16);
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
      scopes_.assign(names[0], value, line, budget_);
      return;
    }
    if (!value.is(Kind::kList) || value.as_list().size() != names.size()) {
      budget_.refuse(line, std::string(value.kind_name()) + " does not fill " +
                               std::to_string(names.size()) + " names");
    }
    for (size_t i = 0; i < names.size(); ++i)
      scopes_.assign(names[i], value.as_list()[i], line, budget_);
  }

  // --- statements ---
  Flow run_body(const JinjaBody& body) {
    for (const auto& statement : body) {
      const Flow flow = run_statement(*statement);
      if (flow != Flow::kOn) return flow;
    }
    return Flow::kOn;
  }

  void write(int line, const Value& value) {
    if (value.is(Kind::kString)) {
      budget_.charge(line, value.as_string().size());
      output_ += value.as_string();
    } else {
      budget_.charge(line, value.bytes());
      output_ += value.to_text();
    }
    if (output_.size() > JinjaBudget::kMaxTextBytes)
      budget_.refuse(line, "the text grows too long");
  }

  Flow run_statement(const JinjaStatement& statement) {
    const Level level(*this, statement.line);
    budget_.charge(statement.line);
    switch (statement.kind) {
      case JinjaStatementKind::kData:
        budget_.charge(statement.line, statement.text.size());
        output_ += statement.text;
        if (output_.size() > JinjaBudget::kMaxTextBytes)
          budget_.refuse(statement.line, "the text grows too long");
        break;
      case JinjaStatementKind::kPrint:
        write(statement.line, evaluate(*statement.expressions[0]));
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
      case JinjaStatementKind::kMacro:
        scopes_.assign(statement.text,
                       Value::function(statement.text, &statement, scopes_.size()),
                       statement.line, budget_);
        break;
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
    scopes_.open();
    const Flow flow = run_body(statement.bodies[0]);
    scopes_.close();
    set(statement, Value::string(std::exchange(output_, std::move(outer))));
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
    scopes_.open();
    if (statement.expressions.size() > 1) {
      std::erase_if(elements, [&](const Value& element) {
        assign_all(statement.line, statement.targets, element);
        return !evaluate(*statement.expressions[1]).is_true();
      });
    }
    for (size_t i = 0; i < elements.size(); ++i) {
      scopes_.clear_innermost();
      scopes_.assign("loop", loop_value(elements, i), statement.line, budget_);
      assign_all(statement.line, statement.targets, elements[i]);
      if (run_body(statement.bodies[0]) == Flow::kBreak) break;
    }
    scopes_.clear_innermost();
    if (elements.empty() && statement.bodies.size() > 1) run_body(statement.bodies[1]);
    scopes_.close();
  }

  static Value loop_value(const JinjaList& elements, size_t i) {
    const auto count = static_cast<int64_t>(elements.size());
    const auto at = static_cast<int64_t>(i);
    return Value::make_namespace(
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
    const Level level(*this, node.line);
    budget_.charge(node.line);
    switch (node.kind) {
      case JinjaExpressionKind::kConstant:
        return node.constant;
      case JinjaExpressionKind::kName:
        return look_up(node);
      case JinjaExpressionKind::kList:
        return Value::list(evaluate_all(node, 0));
      case JinjaExpressionKind::kDict:
        return make_dict(node);
      case JinjaExpressionKind::kAttribute:
        return index(node, evaluate(*node.children[0]), node.constant);
      case JinjaExpressionKind::kIndex:
        return index(node, evaluate(*node.children[0]), evaluate(*node.children[1]));
      case JinjaExpressionKind::kSlice:
        return slice_jinja_value(evaluate(*node.children[0]), evaluate_call(node, ""));
      case JinjaExpressionKind::kCall:
        return call(node);
      case JinjaExpressionKind::kFilter: {
        const Value subject = evaluate(*node.children[0]);
        return apply_jinja_filter(subject, evaluate_call(node, node.text));
      }
      case JinjaExpressionKind::kTest: {
        const Value subject = evaluate(*node.children[0]);
        return Value::boolean(apply_jinja_test(subject, evaluate_call(node, node.text)));
      }
      case JinjaExpressionKind::kUnary:
        return apply_jinja_sign(node.text, evaluate(*node.children[0]),
                                make_call(node.line, node.text));
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
        budget_.refuse(node.line, std::string(key.kind_name()) + " as a key");
      Value value = evaluate(*node.children[i + 1]);
      if (entries.size() > 64) budget_.charge(node.line, entries.size() * 16);
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
    refuse_undefined(node.line, subject, *node.children[0]);
    if (subject.is(Kind::kString)) budget_.charge(node.line, subject.as_string().size());
    if (subject.is(Kind::kDict) && subject.as_dict().size() > 64)
      budget_.charge(node.line, subject.as_dict().size() * 16);
    return index_jinja_value(subject, at);
  }

  void refuse_undefined(int line, const Value& value, const Node& node) const {
    if (!value.is(Kind::kUndefined)) return;
    std::string name = value.undefined_name();
    if (name.empty()) name = node.text.empty() ? "value" : node.text;
    budget_.refuse(line, "'" + name + "' is undefined");
  }

  JinjaCall evaluate_call(const Node& node, const std::string& name) {
    JinjaCall made = make_call(node.line, name);
    made.positional = evaluate_all(node, 1);
    for (const auto& [key, value] : node.named)
      made.named.emplace_back(key, evaluate(*value));
    return made;
  }

  Value call(const Node& node) {
    const Node& callee = *node.children[0];
    if (callee.kind == JinjaExpressionKind::kAttribute) {
      const Value subject = evaluate(*callee.children[0]);
      refuse_undefined(node.line, subject, *callee.children[0]);
      if (subject.is(Kind::kString)) budget_.charge(node.line, subject.bytes());
      const JinjaCall made = evaluate_call(node, callee.text);
      return call_jinja_method(subject, made);
    }
    if (callee.kind != JinjaExpressionKind::kName)
      budget_.refuse(node.line, "a call of a value");
    const Value function = look_up(callee);
    const JinjaCall made = evaluate_call(node, callee.text);
    if (!function.is(Kind::kFunction))
      made.refuse("the function '" + made.name + "' is not supported");
    if (function.macro() == nullptr) return call_jinja_global(made, now_);
    return call_macro(*function.macro(), function.num_scopes(), made);
  }

  /// What the macro writes. It sees the variables of where it was defined, and its
  /// arguments.
  Value call_macro(const JinjaStatement& macro, size_t num_scopes,
                   const JinjaCall& made) {
    const Level level(*this, made.line);
    made.check_names(macro.targets);
    const size_t keep = std::min(num_scopes, scopes_.size());
    std::vector<JinjaDict> aside = scopes_.set_aside(keep);
    std::string outer = std::exchange(output_, "");
    scopes_.open();
    const size_t first_default = macro.targets.size() - macro.expressions.size();
    for (size_t i = 0; i < macro.targets.size(); ++i) {
      std::optional<Value> value = made.find(i, macro.targets[i]);
      if (!value && i >= first_default)
        value = evaluate(*macro.expressions[i - first_default]);
      scopes_.assign(macro.targets[i],
                     value ? *value : Value::undefined(macro.targets[i]), made.line,
                     budget_);
    }
    run_body(macro.bodies[0]);
    scopes_.restore(keep, std::move(aside));
    return Value::string(std::exchange(output_, std::move(outer)));
  }

  Value binary(const Node& node) {
    const std::string& what = node.text;
    const Value left = evaluate(*node.children[0]);
    if (what == "and") return left.is_true() ? evaluate(*node.children[1]) : left;
    if (what == "or") return left.is_true() ? left : evaluate(*node.children[1]);
    const Value right = evaluate(*node.children[1]);
    if (what != "~") {
      refuse_undefined(node.line, left, *node.children[0]);
      refuse_undefined(node.line, right, *node.children[1]);
    }
    return apply_jinja_operator(what, left, right, make_call(node.line, what));
  }

  Value compare(const Node& node) {
    Value left = evaluate(*node.children[0]);
    for (size_t i = 0; i < node.operators.size(); ++i) {
      Value right = evaluate(*node.children[i + 1]);
      const JinjaCall made = make_call(node.line, node.operators[i]);
      if (!compare_jinja_values(node.operators[i], left, right, made))
        return Value::boolean(false);
      left = std::move(right);
    }
    return Value::boolean(true);
  }

  JinjaScopes scopes_;
  JinjaBudget budget_;
  std::optional<std::time_t> now_;
  std::string output_;
  int level_ = 0;
};

}  // namespace

std::string run_jinja(const JinjaBody& body, JinjaDict variables,
                      const std::string& place, std::optional<std::time_t> now) {
  return Evaluator(std::move(variables), place, now).run(body);
}

}  // namespace srpo::text
