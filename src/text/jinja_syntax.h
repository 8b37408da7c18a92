// The syntax tree of a Jinja template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace srpo::text {

enum class JinjaExpressionKind {
  kConstant,
  kName,
  kList,       ///< children: the elements
  kDict,       ///< children: key, value, key, value ...
  kAttribute,  ///< child.text; text is in constant, too
  kIndex,      ///< child[child]
  kSlice,      ///< child[child:child:child], a missing bound is a None constant
  kCall,       ///< child(arguments)
  kFilter,     ///< child | text(arguments)
  kTest,       ///< child is text(arguments)
  kUnary,      ///< text: "-", "+", "not"
  kBinary,     ///< text: an operator, "and", "or", "in", "not in"
  kCompare,    ///< a < b < c: children, and their operators separated by spaces in text
  kCondition,  ///< children: value if condition else other (may be missing)
};

struct JinjaExpression {
  JinjaExpressionKind kind = JinjaExpressionKind::kConstant;
  std::string text;
  JinjaValue constant;
  std::vector<std::unique_ptr<JinjaExpression>>
      children;  ///< for calls, filters, tests: the subject, then arguments
  std::vector<std::pair<std::string, std::unique_ptr<JinjaExpression>>>
      named;                           ///< keyword arguments
  std::vector<std::string> operators;  ///< of kCompare
  int line = 0;
  int depth = 1;
};

enum class JinjaStatementKind {
  kData,
  kPrint,
  kIf,
  kFor,
  kSet,
  kSetBlock,
  kBreak,
  kContinue,
  kMacro,
};

struct JinjaStatement;
using JinjaBody = std::vector<std::unique_ptr<JinjaStatement>>;

struct JinjaStatement {
  JinjaStatementKind kind = JinjaStatementKind::kData;
  std::string text;  ///< kData: the text; kSet and kSetBlock: the attribute of a
                     ///< namespace, or ""; kMacro: the name
  std::vector<std::string> targets;  ///< kFor, kSet, kSetBlock; kMacro: the arguments
  std::vector<std::unique_ptr<JinjaExpression>>
      expressions;  ///< kIf: conditions; kFor: list, then filter if any; kMacro: defaults
                    ///< of the last arguments
  std::vector<JinjaBody>
      bodies;  ///< kIf: one a condition, then else; kFor: body, then else
  int line = 0;
};

}  // namespace srpo::text
