#include "text/jinja_parser.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "core/error.h"
#include "text/jinja_lexer.h"

namespace srpo::text {
namespace {

using Expression = std::unique_ptr<JinjaExpression>;
using Statement = std::unique_ptr<JinjaStatement>;
using Kind = JinjaExpressionKind;

constexpr int kMaxDepth =
    150;  // of expressions and of blocks: the evaluator is recursive

class Parser {
 public:
  Parser(const std::string& source, const std::string& place)
      : tokens_(read_jinja_tokens(source, place)), place_(place) {}

  JinjaBody run() {
    JinjaBody body = parse_body({});
    if (!peek(JinjaTokenKind::kEnd)) refuse("unexpected '" + token(1).text + "'");
    return body;
  }

 private:
  // --- tokens ---
  const JinjaToken& token(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool peek(JinjaTokenKind kind) const { return token().kind == kind; }
  bool peek_operator(const char* text) const {
    return token().kind == JinjaTokenKind::kOperator && token().text == text;
  }
  bool peek_name(const char* text) const {
    return token().kind == JinjaTokenKind::kName && token().text == text;
  }
  bool take_operator(const char* text) {
    if (!peek_operator(text)) return false;
    ++at_;
    return true;
  }
  bool take_name(const char* text) {
    if (!peek_name(text)) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw core::Error(core::ErrorKind::kBadFile,
                      place_ + ":" + std::to_string(token().line) + ": " + what);
  }
  void expect_operator(const char* text) {
    if (!take_operator(text)) refuse(found() + " (expected '" + text + "')");
  }
  void expect(JinjaTokenKind kind, const char* what) {
    if (!peek(kind)) refuse(found() + " (expected " + what + ")");
    ++at_;
  }
  std::string expect_name() {
    if (!peek(JinjaTokenKind::kName)) refuse(found() + " (expected a name)");
    return tokens_[at_++].text;
  }
  std::string found() const {
    if (peek(JinjaTokenKind::kEnd)) return "the template ends";
    if (peek(JinjaTokenKind::kBlockEnd) || peek(JinjaTokenKind::kPrintEnd))
      return "the tag ends";
    return "'" + token().text + "'";
  }

  // --- nodes ---
  Expression make(Kind kind, std::string text = "") const {
    auto node = std::make_unique<JinjaExpression>();
    node->kind = kind;
    node->text = std::move(text);
    node->line = token().line;
    return node;
  }
  /// Adds a child. Recursion over the tree is bounded by the depth that is kept here.
  void adopt(JinjaExpression& parent, Expression child) const {
    parent.depth = std::max(parent.depth, child->depth + 1);
    if (parent.depth > kMaxDepth) refuse("an expression nested too deeply");
    parent.children.push_back(std::move(child));
  }
  Expression constant(JinjaValue value) const {
    Expression node = make(Kind::kConstant);
    node->constant = std::move(value);
    return node;
  }
  Expression join(Kind kind, const std::string& text, Expression left,
                  Expression right) const {
    Expression node = make(kind, text);
    adopt(*node, std::move(left));
    adopt(*node, std::move(right));
    return node;
  }

  /// Counts one level of recursion as long as it lives.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.level_ > kMaxDepth) parser_.refuse("nested too deeply");
    }
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };

  // --- statements ---
  bool at_block(const std::set<std::string>& names) const {
    return peek(JinjaTokenKind::kBlockBegin) && token(1).kind == JinjaTokenKind::kName &&
           names.count(token(1).text) > 0;
  }

  JinjaBody parse_body(const std::set<std::string>& ends) {
    const Level level(*this);
    JinjaBody body;
    while (!peek(JinjaTokenKind::kEnd) && !at_block(ends)) {
      if (peek(JinjaTokenKind::kBlockBegin)) {
        parse_block(body);
        continue;
      }
      auto statement = std::make_unique<JinjaStatement>();
      statement->line = token().line;
      if (peek(JinjaTokenKind::kData)) {
        statement->text = tokens_[at_++].text;
      } else {
        expect(JinjaTokenKind::kPrintBegin, "text or a tag");
        statement->kind = JinjaStatementKind::kPrint;
        statement->expressions.push_back(parse_tuple());
        expect(JinjaTokenKind::kPrintEnd, "'}}'");
      }
      body.push_back(std::move(statement));
    }
    return body;
  }

  void end_tag() { expect(JinjaTokenKind::kBlockEnd, "'%}'"); }

  void end_block(const char* name) {
    if (!at_block({name})) refuse(found() + " (expected {% " + name + " %})");
    at_ += 2;
    end_tag();
  }

  void parse_block(JinjaBody& body) {
    ++at_;
    auto statement = std::make_unique<JinjaStatement>();
    statement->line = token().line;
    const std::string name = expect_name();
    if (name == "if") {
      parse_if(*statement);
    } else if (name == "for") {
      parse_for(*statement);
    } else if (name == "set") {
      parse_set(*statement);
    } else if ((name == "break" || name == "continue") && loops_ > 0) {
      statement->kind =
          name == "break" ? JinjaStatementKind::kBreak : JinjaStatementKind::kContinue;
      end_tag();
    } else if (name == "generation") {
      // transformers' mark around the assistant's words; it writes nothing itself.
      end_tag();
      JinjaBody inner = parse_body({"endgeneration"});
      end_block("endgeneration");
      std::move(inner.begin(), inner.end(), std::back_inserter(body));
      return;
    } else {
      refuse("the tag '" + name + "' is not supported here");
    }
    body.push_back(std::move(statement));
  }

  void parse_if(JinjaStatement& statement) {
    statement.kind = JinjaStatementKind::kIf;
    do {
      statement.expressions.push_back(parse_tuple());
      end_tag();
      statement.bodies.push_back(parse_body({"elif", "else", "endif"}));
    } while (at_block({"elif"}) && (at_ += 2, true));
    if (at_block({"else"})) {
      at_ += 2;
      end_tag();
      statement.bodies.push_back(parse_body({"endif"}));
    }
    end_block("endif");
  }

  void parse_for(JinjaStatement& statement) {
    statement.kind = JinjaStatementKind::kFor;
    do {
      statement.targets.push_back(expect_name());
    } while (take_operator(","));
    if (!take_name("in")) refuse(found() + " (expected 'in')");
    statement.expressions.push_back(parse_or());
    if (take_name("if")) statement.expressions.push_back(parse_expression());
    if (peek_name("recursive")) refuse("a recursive loop is not supported");
    end_tag();
    ++loops_;
    statement.bodies.push_back(parse_body({"else", "endfor"}));
    --loops_;
    if (at_block({"else"})) {
      at_ += 2;
      end_tag();
      statement.bodies.push_back(parse_body({"endfor"}));
    }
    end_block("endfor");
  }

  void parse_set(JinjaStatement& statement) {
    do {
      statement.targets.push_back(expect_name());
    } while (take_operator(","));
    if (statement.targets.size() == 1 && take_operator("."))
      statement.text = expect_name();
    if (take_operator("=")) {
      statement.kind = JinjaStatementKind::kSet;
      statement.expressions.push_back(parse_tuple());
      end_tag();
      return;
    }
    if (statement.targets.size() != 1) refuse(found() + " (expected '=')");
    statement.kind = JinjaStatementKind::kSetBlock;
    end_tag();
    statement.bodies.push_back(parse_body({"endset"}));
    end_block("endset");
  }

  // --- expressions, loosest first ---
  Expression parse_tuple() {
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

  Expression parse_expression() {
    const Level level(*this);
    Expression value = parse_or();
    while (take_name("if")) {
      Expression node = join(Kind::kCondition, "", std::move(value), parse_or());
      if (take_name("else")) adopt(*node, parse_expression());
      value = std::move(node);
    }
    return value;
  }

  Expression parse_or() {
    Expression left = parse_and();
    while (take_name("or"))
      left = join(Kind::kBinary, "or", std::move(left), parse_and());
    return left;
  }

  Expression parse_and() {
    Expression left = parse_not();
    while (take_name("and"))
      left = join(Kind::kBinary, "and", std::move(left), parse_not());
    return left;
  }

  Expression parse_not() {
    if (!peek_name("not")) return parse_compare();
    const Level level(*this);
    ++at_;
    Expression node = make(Kind::kUnary, "not");
    adopt(*node, parse_not());
    return node;
  }

  /// The comparison at this place, taken; "" when there is none.
  std::string take_comparison() {
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

  Expression parse_compare() {
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

  /// Operators of one strength, from left to right.
  template <class Next>
  Expression parse_chain(std::initializer_list<const char*> operators, const Next& next) {
    Expression left = next();
    while (true) {
      const auto known =
          std::find_if(operators.begin(), operators.end(),
                       [&](const char* text) { return take_operator(text); });
      if (known == operators.end()) return left;
      left = join(Kind::kBinary, *known, std::move(left), next());
    }
  }

  Expression parse_sum() {
    return parse_chain({"+", "-"}, [this] { return parse_concatenation(); });
  }
  Expression parse_concatenation() {
    return parse_chain({"~"}, [this] { return parse_product(); });
  }
  Expression parse_product() {
    return parse_chain({"*", "//", "/", "%"},
                       [this] { return parse_unary(/*filters=*/true); });
  }

  Expression parse_unary(bool filters) {
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

  Expression parse_primary() {
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
        return constant(
            JinjaValue::integer(std::strtoll(first.text.c_str(), nullptr, 10)));
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

  Expression parse_name() {
    const std::string name = expect_name();
    if (name == "true" || name == "True") return constant(JinjaValue::boolean(true));
    if (name == "false" || name == "False") return constant(JinjaValue::boolean(false));
    if (name == "none" || name == "None") return constant(JinjaValue::none());
    for (const char* reserved : {"and", "or", "not", "in", "is", "if", "else"}) {
      if (name == reserved) refuse("'" + name + "' (expected a value)");
    }
    return make(Kind::kName, name);
  }

  Expression parse_list() {
    Expression list = make(Kind::kList);
    while (!take_operator("]")) {
      adopt(*list, parse_expression());
      if (!peek_operator("]")) expect_operator(",");
    }
    return list;
  }

  Expression parse_dict() {
    Expression dict = make(Kind::kDict);
    while (!take_operator("}")) {
      adopt(*dict, parse_expression());
      expect_operator(":");
      adopt(*dict, parse_expression());
      if (!peek_operator("}")) expect_operator(",");
    }
    return dict;
  }

  Expression parse_postfix(Expression node) {
    while (true) {
      if (take_operator(".")) {
        Expression outer = make(Kind::kAttribute, expect_name());
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

  Expression parse_subscript(Expression subject) {
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

  /// What stands between '(' and ')' of a call.
  void parse_arguments(JinjaExpression& call) {
    while (!take_operator(")")) {
      const bool named = peek(JinjaTokenKind::kName) &&
                         token(1).kind == JinjaTokenKind::kOperator &&
                         token(1).text == "=";
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

  Expression parse_filters_and_tests(Expression node) {
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

  Expression parse_test(Expression subject) {
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

  bool at_test_argument() const {
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

  std::vector<JinjaToken> tokens_;
  const std::string& place_;
  size_t at_ = 0;
  int level_ = 0;
  int loops_ = 0;
};

}  // namespace

JinjaBody parse_jinja(const std::string& source, const std::string& place) {
  return Parser(source, place).run();
}

}  // namespace srpo::text
