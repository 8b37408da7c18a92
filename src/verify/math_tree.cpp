#include "verify/math_tree.h"

#include <algorithm>
#include <utility>

namespace srpo::verify {
namespace {

const char* name_of(NodeKind kind) {
  static constexpr const char* kNames[] = {
      "number", "symbol", "constant", "+",    "*",        "/",     "^",      "root",
      "call",   "+-",     "percent",  "deg",  "unit",     "text",  "tuple",  "set",
      "list",   "union",  "meet",     "less", "relation", "ratio", "matrix", "base"};
  return kNames[static_cast<int>(kind)];
}

bool is_commutative(NodeKind kind) {
  return kind == NodeKind::kAdd || kind == NodeKind::kMul || kind == NodeKind::kSet ||
         kind == NodeKind::kUnion || kind == NodeKind::kIntersection;
}

std::string form(const NodePtr& node, bool sorted) {
  switch (node->kind) {
    case NodeKind::kNumber:
      return node->value.get_str();
    case NodeKind::kSymbol:
    case NodeKind::kConstant:
      return node->name;
    case NodeKind::kText:
      return '"' + node->name + '"';
    case NodeKind::kBased:
      return node->name + "_" + node->value.get_str();
    default:
      break;
  }
  std::string text = std::string("(") + name_of(node->kind);
  if (node->kind == NodeKind::kFunction) text = "(" + node->name;
  if (node->kind != NodeKind::kFunction && !node->name.empty()) text += ":" + node->name;
  if (node->columns > 0) text += std::to_string(node->columns);
  std::vector<std::string> parts;
  parts.reserve(node->children.size());
  for (const NodePtr& child : node->children) parts.push_back(form(child, sorted));
  if (sorted && is_commutative(node->kind)) std::sort(parts.begin(), parts.end());
  for (const std::string& part : parts) text += " " + part;
  return text + ")";
}

NodePtr make_flat(NodeKind kind, const std::vector<NodePtr>& parts) {
  if (parts.size() == 1) return parts.front();
  std::vector<NodePtr> flat;
  for (const NodePtr& part : parts) {
    if (part->kind == kind) {
      flat.insert(flat.end(), part->children.begin(), part->children.end());
    } else {
      flat.push_back(part);
    }
  }
  return make_node(kind, std::move(flat));
}

}  // namespace

NodePtr make_number(const mpq_class& value) {
  auto node = std::make_shared<Node>();
  node->kind = NodeKind::kNumber;
  node->value = value;
  return node;
}

NodePtr make_node(NodeKind kind, std::string name, std::vector<NodePtr> children) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->name = std::move(name);
  node->children = std::move(children);
  return node;
}

NodePtr make_node(NodeKind kind, std::vector<NodePtr> children) {
  return make_node(kind, "", std::move(children));
}

NodePtr make_sum(const std::vector<NodePtr>& terms) {
  return make_flat(NodeKind::kAdd, terms);
}

NodePtr make_product(const std::vector<NodePtr>& factors) {
  return make_flat(NodeKind::kMul, factors);
}

NodePtr negated(const NodePtr& node) {
  if (node->kind == NodeKind::kNumber) {
    auto copy = std::make_shared<Node>(*node);
    copy->value = -copy->value;
    return copy;
  }
  return make_product({make_number(-1), node});
}

NodePtr quotient(const NodePtr& above, const NodePtr& below) {
  return make_node(NodeKind::kDiv, {above, below});
}

std::string shown_form(const NodePtr& node) { return form(node, false); }
std::string sorted_form(const NodePtr& node) { return form(node, true); }

bool is_known_function(const std::string& name) {
  static const std::set<std::string> kKnown = {
      "sin",  "cos",  "tan",  "cot",   "sec",   "csc",   "asin",      "acos",  "atan",
      "sinh", "cosh", "tanh", "ln",    "log",   "exp",   "abs",       "floor", "ceil",
      "acot", "asec", "acsc", "asinh", "acosh", "atanh", "factorial", "binom", "gamma",
      "min",  "max",  "gcd",  "lcm",   "mod",   "re",    "im",        "conj",  "coth"};
  return kKnown.count(name) > 0;
}

bool is_scalar(const NodePtr& node) {
  switch (node->kind) {
    case NodeKind::kNumber:
    case NodeKind::kSymbol:
    case NodeKind::kConstant:
      return true;
    case NodeKind::kFunction:
      if (!is_known_function(node->name)) return true;
      break;
    case NodeKind::kAdd:
    case NodeKind::kMul:
    case NodeKind::kDiv:
    case NodeKind::kPow:
    case NodeKind::kRoot:
    case NodeKind::kPercent:
    case NodeKind::kDegree:
    case NodeKind::kUnit:
      break;
    default:
      return false;
  }
  return std::all_of(node->children.begin(), node->children.end(), is_scalar);
}

void collect_unknowns(const NodePtr& node, std::set<std::string>* names) {
  if (node->kind == NodeKind::kSymbol) names->insert(node->name);
  if (node->kind == NodeKind::kFunction && !is_known_function(node->name)) {
    names->insert(sorted_form(node));
    return;
  }
  for (const NodePtr& child : node->children) collect_unknowns(child, names);
}

bool contains(const NodePtr& node, NodeKind kind) {
  return node->kind == kind ||
         std::any_of(node->children.begin(), node->children.end(),
                     [kind](const NodePtr& child) { return contains(child, kind); });
}

bool contains_function(const NodePtr& node, const std::set<std::string>& names) {
  return (node->kind == NodeKind::kFunction && names.count(node->name) > 0) ||
         std::any_of(
             node->children.begin(), node->children.end(),
             [&names](const NodePtr& child) { return contains_function(child, names); });
}

NodePtr renamed(const NodePtr& node, const std::string& from, const std::string& to) {
  if (node->kind == NodeKind::kSymbol) {
    return node->name == from ? make_node(NodeKind::kSymbol, to, {}) : node;
  }
  if (node->children.empty()) return node;
  auto copy = std::make_shared<Node>(*node);
  for (NodePtr& child : copy->children) child = renamed(child, from, to);
  return copy;
}

}  // namespace srpo::verify
