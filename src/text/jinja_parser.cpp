#include "text/jinja_parser.h"

#include <iterator>
#include <set>
#include <utility>

#include "text/jinja_expression_parser.h"

namespace srpo::text {
namespace {

class Parser : private JinjaExpressionParser {
 public:
  using JinjaExpressionParser::JinjaExpressionParser;

  JinjaBody run() {
    JinjaBody body = parse_body({});
    if (!peek(JinjaTokenKind::kEnd)) refuse("unexpected '" + token(1).text + "'");
    return body;
  }

 private:
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
    } else if (name == "macro") {
      parse_macro(*statement);
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

  void parse_macro(JinjaStatement& statement) {
    statement.kind = JinjaStatementKind::kMacro;
    statement.text = expect_name();
    expect_operator("(");
    while (!take_operator(")")) {
      statement.targets.push_back(expect_name());
      if (take_operator("=")) {
        statement.expressions.push_back(parse_expression());
      } else if (!statement.expressions.empty()) {
        refuse(found() + " (expected a default, as the argument before has one)");
      }
      if (!peek_operator(")")) expect_operator(",");
    }
    end_tag();
    const int loops = std::exchange(loops_, 0);
    statement.bodies.push_back(parse_body({"endmacro"}));
    loops_ = loops;
    end_block("endmacro");
  }

  int loops_ = 0;
};

}  // namespace

JinjaBody parse_jinja(const std::string& source, const std::string& place) {
  return Parser(source, place).run();
}

}  // namespace srpo::text
