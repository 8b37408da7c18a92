#include "verify/math_shapes.h"

#include <algorithm>
#include <sstream>

namespace srpo::verify {
namespace {

bool is_capital_symbol(const NodePtr& node) {
  return node->kind == NodeKind::kSymbol && node->name[0] >= 'A' && node->name[0] <= 'Z';
}

/// dx / dt
bool is_derivative(const NodePtr& node) {
  if (node->kind != NodeKind::kDiv) return false;
  return std::all_of(node->children.begin(), node->children.end(),
                     [](const NodePtr& side) {
                       return side->kind == NodeKind::kMul &&
                              side->children[0]->kind == NodeKind::kSymbol &&
                              side->children[0]->name == "d";
                     });
}

bool is_label(const NodePtr& node) {
  switch (node->kind) {
    case NodeKind::kSymbol:
    case NodeKind::kText:
      return true;
    case NodeKind::kUnit:
      return is_label(node->children[0]);
    case NodeKind::kFunction:
      return !is_known_function(node->name) ||
             (node->name == "abs" && is_label(node->children[0]));
    case NodeKind::kMul:
      return std::all_of(node->children.begin(), node->children.end(), is_capital_symbol);
    case NodeKind::kDiv:
      if (is_derivative(node)) return true;
      [[fallthrough]];
    case NodeKind::kRatio:
    case NodeKind::kTuple:
    case NodeKind::kList:
      return std::all_of(node->children.begin(), node->children.end(), is_label);
    default:
      return false;
  }
}

bool has_unknowns(const NodePtr& node) {
  std::set<std::string> names;
  collect_unknowns(node, &names);
  return !names.empty();
}

std::vector<std::string> operators_of(const Node& relation) {
  std::istringstream words(relation.name);
  std::vector<std::string> operators;
  for (std::string word; words >> word;) operators.push_back(word);
  return operators;
}

NodePtr with_sign(const NodePtr& node, int sign) {
  if (node->kind == NodeKind::kPlusMinus) {
    const int own = node->name == "-" ? -sign : sign;
    const NodePtr inner = with_sign(node->children[0], sign);
    return own < 0 ? negated(inner) : inner;
  }
  if (!contains(node, NodeKind::kPlusMinus)) return node;
  auto copy = std::make_shared<Node>(*node);
  for (NodePtr& child : copy->children) child = with_sign(child, sign);
  return copy;
}

NodePtr with_children(const NodePtr& node, std::vector<NodePtr> children) {
  auto copy = std::make_shared<Node>(*node);
  copy->children = std::move(children);
  return copy;
}

/// A tuple whose elements have signs of their own: all choices.
std::vector<NodePtr> all_tuples(const NodePtr& node, MathBudget& budget) {
  std::vector<std::vector<NodePtr>> rows{{}};
  for (const NodePtr& child : node->children) {
    std::vector<NodePtr> choices{child};
    if (contains(child, NodeKind::kPlusMinus)) {
      choices = {with_sign(child, 1), with_sign(child, -1)};
    }
    std::vector<std::vector<NodePtr>> longer;
    longer.reserve(rows.size() * choices.size());
    for (const auto& row : rows) {
      for (const NodePtr& choice : choices) {
        longer.push_back(row);
        longer.back().push_back(choice);
        budget.spend(static_cast<int64_t>(row.size()) + 1);
      }
    }
    rows = std::move(longer);
    if (rows.size() > 64) throw OverBudget("too many choices of signs");
  }
  std::vector<NodePtr> tuples;
  tuples.reserve(rows.size());
  for (auto& row : rows) tuples.push_back(with_children(node, std::move(row)));
  return tuples;
}

}  // namespace

std::optional<Labelled> labelled_value(const NodePtr& node) {
  if (node->kind == NodeKind::kRatio && node->children[0]->kind == NodeKind::kText) {
    return Labelled{node->children[0], node->children[1]};  // Answer: 5
  }
  if (node->kind != NodeKind::kRelation) return std::nullopt;
  const std::vector<std::string> operators = operators_of(*node);
  if (operators.size() == 1 && operators[0] == "in" && is_label(node->children[0])) {
    return Labelled{node->children[0], node->children[1]};
  }
  size_t end = 0;  // sides before the first "about"
  while (end < operators.size() && operators[end] == "=") ++end;
  if (end < operators.size() && operators[end] != "~") return std::nullopt;
  const NodePtr& first = node->children[0];
  if (end == 0) {  // x ~ 11, or 1/3 ~ 0.33
    if (is_label(first)) return Labelled{first, node->children[1]};
    return Labelled{nullptr, first};
  }
  const NodePtr& value = node->children[end];
  if (is_label(first)) {
    // MR = SRMC is about both sides.
    if (first->kind == NodeKind::kMul && is_label(value)) return std::nullopt;
    return Labelled{first, value};
  }
  for (size_t i = 0; i < end; ++i) {
    if (i > 0 && is_label(node->children[i])) return Labelled{node->children[i], value};
    if (has_unknowns(node->children[i])) return std::nullopt;
  }
  return has_unknowns(value) ? std::nullopt
                             : std::optional<Labelled>(Labelled{nullptr, value});
}

Quantity quantity_of(const NodePtr& node) {
  if (node->kind == NodeKind::kUnit) {
    Quantity inner = quantity_of(node->children[0]);
    inner.unit += (inner.unit.empty() ? "" : " ") + node->name;
    return inner;
  }
  if (node->kind == NodeKind::kPercent || node->kind == NodeKind::kDegree) {
    Quantity inner;
    inner.value = node->children[0];
    inner.percent = node->kind == NodeKind::kPercent;
    inner.degree = node->kind == NodeKind::kDegree;
    return inner;
  }
  if (node->kind == NodeKind::kMul && node->children.size() >= 2) {
    const NodePtr& last = node->children.back();
    if (last->kind == NodeKind::kUnit || last->kind == NodeKind::kPercent ||
        last->kind == NodeKind::kDegree) {
      Quantity inner = quantity_of(last);
      std::vector<NodePtr> factors(node->children.begin(), node->children.end() - 1);
      factors.push_back(inner.value);
      const bool sign_only = factors.size() == 2 &&
                             factors[0]->kind == NodeKind::kNumber &&
                             factors[0]->value == -1;
      inner.value = sign_only ? negated(factors[1]) : make_product(factors);
      return inner;
    }
  }
  return {node, "", false, false};
}

NodePtr expanded_signs(const NodePtr& node, MathBudget& budget) {
  if (!contains(node, NodeKind::kPlusMinus)) return node;
  if (node->kind == NodeKind::kTuple) {
    return make_node(NodeKind::kList, ",", all_tuples(node, budget));
  }
  if (node->kind == NodeKind::kList || node->kind == NodeKind::kSet) {
    std::vector<NodePtr> elements;
    for (const NodePtr& child : node->children) {
      const NodePtr expanded = expanded_signs(child, budget);
      if (expanded != child && expanded->kind == NodeKind::kList) {
        elements.insert(elements.end(), expanded->children.begin(),
                        expanded->children.end());
      } else {
        elements.push_back(expanded);
      }
    }
    if (elements.size() > budget.limits().max_elements) {
      throw OverBudget("too many elements");
    }
    return with_children(node, std::move(elements));
  }
  return make_node(NodeKind::kList, "or", {with_sign(node, 1), with_sign(node, -1)});
}

namespace {

NodePtr matrix_sum(const NodePtr& a, const NodePtr& b) {
  if (a->columns != b->columns || a->children.size() != b->children.size())
    return nullptr;
  auto sum = std::make_shared<Node>(*a);
  for (size_t i = 0; i < sum->children.size(); ++i) {
    sum->children[i] = make_sum({a->children[i], b->children[i]});
  }
  return sum;
}

NodePtr matrix_product(const NodePtr& a, const NodePtr& b, MathBudget& budget) {
  if (a->kind != NodeKind::kMatrix && b->kind != NodeKind::kMatrix) {
    return make_product({a, b});
  }
  if (a->kind != NodeKind::kMatrix || b->kind != NodeKind::kMatrix) {
    const NodePtr& matrix = a->kind == NodeKind::kMatrix ? a : b;
    const NodePtr& factor = a->kind == NodeKind::kMatrix ? b : a;
    auto scaled = std::make_shared<Node>(*matrix);
    for (NodePtr& child : scaled->children) child = make_product({factor, child});
    return scaled;
  }
  const size_t inner = static_cast<size_t>(a->columns);
  const size_t columns = static_cast<size_t>(b->columns);
  const size_t rows = a->children.size() / inner;
  if (inner != b->children.size() / columns) return nullptr;
  auto product = std::make_shared<Node>(*a);
  product->columns = b->columns;
  product->children.clear();
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      std::vector<NodePtr> terms;
      for (size_t k = 0; k < inner; ++k) {
        terms.push_back(
            make_product({a->children[i * inner + k], b->children[k * columns + j]}));
        budget.spend();
      }
      product->children.push_back(make_sum(terms));
    }
  }
  return product;
}

}  // namespace

NodePtr worked_out(const NodePtr& node, MathBudget& budget) {
  if (node->kind != NodeKind::kAdd && node->kind != NodeKind::kMul &&
      node->kind != NodeKind::kDiv) {
    return node;
  }
  if (!contains(node, NodeKind::kMatrix)) return node;
  std::vector<NodePtr> parts;
  for (const NodePtr& child : node->children) parts.push_back(worked_out(child, budget));
  if (node->kind == NodeKind::kDiv) {
    if (parts[1]->kind == NodeKind::kMatrix) return node;
    const NodePtr result =
        matrix_product(quotient(make_number(1), parts[1]), parts[0], budget);
    return result ? result : node;
  }
  NodePtr total = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    if (node->kind == NodeKind::kMul) {
      total = matrix_product(total, parts[i], budget);
    } else {
      const bool both =
          total->kind == NodeKind::kMatrix && parts[i]->kind == NodeKind::kMatrix;
      total = both ? matrix_sum(total, parts[i]) : nullptr;
    }
    if (!total) return node;
  }
  return total;
}

std::string letters_of(const NodePtr& node) {
  if (node->kind == NodeKind::kSymbol || node->kind == NodeKind::kConstant) {
    return node->name;
  }
  if (node->kind != NodeKind::kMul) return "";
  std::string letters;
  for (const NodePtr& child : node->children) {
    if (child->kind != NodeKind::kSymbol && child->kind != NodeKind::kConstant) return "";
    letters += child->name;
  }
  return letters;
}

}  // namespace srpo::verify
