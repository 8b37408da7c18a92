// Reads the expressions of a Jinja template; the statements' parser builds on it.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "text/jinja_lexer.h"
#include "text/jinja_syntax.h"

namespace srpo::text {

/// Walks the tokens of one template. Everything wrong throws kBadFile with place and
/// line. One thread only.
class JinjaExpressionParser {
 public:
  /// Of expressions and of blocks: whoever walks the tree is recursive.
  static constexpr int kMaxDepth = 150;

  JinjaExpressionParser(const std::string& source, const std::string& place)
      : tokens_(read_jinja_tokens(source, place)), place_(place) {}

 protected:
  using Expression = std::unique_ptr<JinjaExpression>;

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
  Expression make(JinjaExpressionKind kind, std::string text = "") const {
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
    Expression node = make(JinjaExpressionKind::kConstant);
    node->constant = std::move(value);
    return node;
  }
  Expression join(JinjaExpressionKind kind, const std::string& text, Expression left,
                  Expression right) const {
    Expression node = make(kind, text);
    adopt(*node, std::move(left));
    adopt(*node, std::move(right));
    return node;
  }

  /// Counts one level of recursion as long as it lives.
  class Level {
   public:
    explicit Level(JinjaExpressionParser& parser) : parser_(parser) {
      if (++parser_.level_ > kMaxDepth) parser_.refuse("nested too deeply");
    }
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    JinjaExpressionParser& parser_;
  };

  // --- expressions, loosest first ---
  Expression parse_tuple();
  Expression parse_expression();
  Expression parse_or();

 private:
  Expression parse_and();
  Expression parse_not();
  /// The comparison at this place, taken; "" when there is none.
  std::string take_comparison();
  Expression parse_compare();
  /// Operators of one strength, from left to right.
  template <class Next>
  Expression parse_chain(std::initializer_list<const char*> operators, const Next& next);
  Expression parse_sum();
  Expression parse_concatenation();
  Expression parse_product();
  Expression parse_unary(bool filters);
  Expression parse_primary();
  Expression parse_name();
  Expression parse_list();
  Expression parse_dict();
  Expression parse_postfix(Expression node);
  Expression parse_subscript(Expression subject);
  /// What stands between '(' and ')' of a call.
  void parse_arguments(JinjaExpression& call);
  Expression parse_filters_and_tests(Expression node);
  Expression parse_test(Expression subject);
  bool at_test_argument() const;

 protected:
  std::vector<JinjaToken> tokens_;
  const std::string& place_;
  size_t at_ = 0;
  int level_ = 0;
};

}  // namespace srpo::text
