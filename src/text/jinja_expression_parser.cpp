#include "text/jinja_expression_parser.h"

#include <cstdlib>
#include <set>

namespace srpo::text {

using Kind = JinjaExpressionKind;

JinjaExpressionParser::Expression JinjaExpressionParser::parse_tuple() {
  Expression first = parse_expression();
  if (!peek_operator(",")) return first;
  Expression list = make(Kind::kList);
  adopt(*list, std::move(first));
  while (take_operator(",")) {
    if (peek(JinjaTokenKind::kBlockEnd) || peek(JinjaTokenKind::kPrintEnd) ||
        peek_operator(")")) {
      break;
    }
    adopt(*list, parse_expression());
  }
  return list;
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_expression() {
  const Level level(*this);
  Expression value = parse_or();
  while (take_name("if")) {
    Expression node = join(Kind::kCondition, "", std::move(value), parse_or());
    if (take_name("else")) adopt(*node, parse_expression());
    value = std::move(node);
  }
  return value;
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_or() {
  Expression left = parse_and();
  while (take_name("or")) left = join(Kind::kBinary, "or", std::move(left), parse_and());
  return left;
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_and() {
  Expression left = parse_not();
  while (take_name("and"))
    left = join(Kind::kBinary, "and", std::move(left), parse_not());
  return left;
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_not() {
  if (!peek_name("not")) return parse_compare();
  const Level level(*this);
  ++at_;
  Expression node = make(Kind::kUnary, "not");
  adopt(*node, parse_not());
  return node;
}

std::string JinjaExpressionParser::take_comparison() {
  for (const char* known : {"==", "!=", "<=", ">=", "<", ">"}) {
    if (take_operator(known)) return known;
  }
  if (take_name("in")) return "in";
  if (peek_name("not") && token(1).kind == JinjaTokenKind::kName &&
      token(1).text == "in") {
    at_ += 2;
    return "not in";
  }
  return "";
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_compare() {
  Expression left = parse_sum();
  std::string comparison = take_comparison();
  if (comparison.empty()) return left;
  Expression node = make(Kind::kCompare);
  adopt(*node, std::move(left));
  for (; !comparison.empty(); comparison = take_comparison()) {
    node->operators.push_back(comparison);
    adopt(*node, parse_sum());
  }
  return node;
}

template <class Next>
JinjaExpressionParser::Expression JinjaExpressionParser::parse_chain(
    std::initializer_list<const char*> operators, const Next& next) {
  Expression left = next();
  while (true) {
    const auto known =
        std::find_if(operators.begin(), operators.end(),
                     [&](const char* text) { return take_operator(text); });
    if (known == operators.end()) return left;
    left = join(Kind::kBinary, *known, std::move(left), next());
  }
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_sum() {
  return parse_chain({"+", "-"}, [this] { return parse_concatenation(); });
}
JinjaExpressionParser::Expression JinjaExpressionParser::parse_concatenation() {
  return parse_chain({"~"}, [this] { return parse_product(); });
}
JinjaExpressionParser::Expression JinjaExpressionParser::parse_product() {
  return parse_chain({"*", "//", "/", "%"},
                     [this] { return parse_unary(/*filters=*/true); });
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_unary(bool filters) {
  const Level level(*this);
  Expression node;
  if (peek_operator("-") || peek_operator("+")) {
    node = make(Kind::kUnary, tokens_[at_++].text);
    adopt(*node, parse_unary(/*filters=*/false));
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  if (peek_operator("**")) refuse("the operator '**' is not supported");
  return filters ? parse_filters_and_tests(std::move(node)) : std::move(node);
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_primary() {
  const JinjaToken& first = token();
  switch (first.kind) {
    case JinjaTokenKind::kName:
      return parse_name();
    case JinjaTokenKind::kString: {
      std::string text;
      while (peek(JinjaTokenKind::kString)) text += tokens_[at_++].text;
      return constant(JinjaValue::string(std::move(text)));
    }
    case JinjaTokenKind::kInteger:
      ++at_;
      return constant(JinjaValue::integer(std::strtoll(first.text.c_str(), nullptr, 10)));
    case JinjaTokenKind::kFloat:
      ++at_;
      return constant(JinjaValue::number(std::strtod(first.text.c_str(), nullptr)));
    default:
      break;
  }
  if (take_operator("(")) {
    if (take_operator(")")) return make(Kind::kList);
    Expression inner = parse_tuple();
    expect_operator(")");
    return inner;
  }
  if (take_operator("[")) return parse_list();
  if (take_operator("{")) return parse_dict();
  refuse(found() + " (expected a value)");
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_name() {
  const std::string name = expect_name();
  if (name == "true" || name == "True") return constant(JinjaValue::boolean(true));
  if (name == "false" || name == "False") return constant(JinjaValue::boolean(false));
  if (name == "none" || name == "None") return constant(JinjaValue::none());
  for (const char* reserved : {"and", "or", "not", "in", "is", "if", "else"}) {
    if (name == reserved) refuse("'" + name + "' (expected a value)");
  }
  return make(Kind::kName, name);
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_list() {
  Expression list = make(Kind::kList);
  while (!take_operator("]")) {
    adopt(*list, parse_expression());
    if (!peek_operator("]")) expect_operator(",");
  }
  return list;
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_dict() {
  Expression dict = make(Kind::kDict);
  while (!take_operator("}")) {
    adopt(*dict, parse_expression());
    expect_operator(":");
    adopt(*dict, parse_expression());
    if (!peek_operator("}")) expect_operator(",");
  }
  return dict;
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_postfix(Expression node) {
  while (true) {
    if (take_operator(".")) {
      const std::string name = expect_name();
      Expression outer = make(Kind::kAttribute, name);
      outer->constant = JinjaValue::string(name);
      adopt(*outer, std::move(node));
      node = std::move(outer);
    } else if (take_operator("[")) {
      node = parse_subscript(std::move(node));
    } else if (take_operator("(")) {
      Expression outer = make(Kind::kCall);
      adopt(*outer, std::move(node));
      parse_arguments(*outer);
      node = std::move(outer);
    } else {
      return node;
    }
  }
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_subscript(
    Expression subject) {
  Expression bounds[3];
  int count = 0;
  bool is_slice = false;
  while (!take_operator("]")) {
    if (take_operator(":")) {
      is_slice = true;
      if (++count > 2) refuse("a slice with more than three bounds");
    } else if (bounds[count] == nullptr) {
      bounds[count] = parse_expression();
    } else {
      refuse(found() + " (expected ']')");
    }
  }
  if (!is_slice && bounds[0] == nullptr) refuse("']' (expected an index)");
  Expression node = make(is_slice ? Kind::kSlice : Kind::kIndex);
  adopt(*node, std::move(subject));
  for (int i = 0; i < (is_slice ? 3 : 1); ++i) {
    adopt(*node, bounds[i] ? std::move(bounds[i]) : constant(JinjaValue::none()));
  }
  return node;
}

void JinjaExpressionParser::parse_arguments(JinjaExpression& call) {
  while (!take_operator(")")) {
    const bool named = peek(JinjaTokenKind::kName) &&
                       token(1).kind == JinjaTokenKind::kOperator && token(1).text == "=";
    if (named) {
      const std::string name = expect_name();
      ++at_;
      Expression value = parse_expression();
      call.depth = std::max(call.depth, value->depth + 1);
      call.named.emplace_back(name, std::move(value));
    } else {
      adopt(call, parse_expression());
    }
    if (!peek_operator(")")) expect_operator(",");
  }
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_filters_and_tests(
    Expression node) {
  while (true) {
    if (take_operator("|")) {
      Expression outer = make(Kind::kFilter, expect_name());
      adopt(*outer, std::move(node));
      if (take_operator("(")) parse_arguments(*outer);
      node = std::move(outer);
    } else if (take_name("is")) {
      node = parse_test(std::move(node));
    } else {
      return node;
    }
  }
}

JinjaExpressionParser::Expression JinjaExpressionParser::parse_test(Expression subject) {
  const bool negated = take_name("not");
  Expression test = make(Kind::kTest, expect_name());
  adopt(*test, std::move(subject));
  if (take_operator("(")) {
    parse_arguments(*test);
  } else if (at_test_argument()) {
    adopt(*test, parse_postfix(parse_primary()));
  }
  if (!negated) return test;
  Expression node = make(Kind::kUnary, "not");
  adopt(*node, std::move(test));
  return node;
}

bool JinjaExpressionParser::at_test_argument() const {
  switch (token().kind) {
    case JinjaTokenKind::kName: {
      static const std::set<std::string> kNotArguments = {"else", "or", "and", "is",
                                                          "if",   "in", "not"};
      return kNotArguments.count(token().text) == 0;
    }
    case JinjaTokenKind::kString:
    case JinjaTokenKind::kInteger:
    case JinjaTokenKind::kFloat:
      return true;
    default:
      return peek_operator("[") || peek_operator("{");
  }
}

}  // namespace srpo::text
