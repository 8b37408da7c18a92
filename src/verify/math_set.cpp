#include "verify/math_set.h"

#include <algorithm>
#include <sstream>

#include "verify/math_normal_form.h"

namespace srpo::verify {
namespace {

using Intervals = std::vector<Interval>;
using MaybeIntervals = std::optional<Intervals>;

NodePtr infinity(int sign) {
  const NodePtr inf = make_node(NodeKind::kConstant, "inf", {});
  return sign < 0 ? negated(inf) : inf;
}

/// The order of constants cannot be found: there is no set.
class NoOrder : public std::runtime_error {
 public:
  NoOrder() : std::runtime_error("constants without an order") {}
};

/// Set algebra on intervals. Throws NoOrder.
class SetAlgebra {
 public:
  explicit SetAlgebra(MathBudget& budget) : budget_(budget) {}

  int order(const NodePtr& a, const NodePtr& b) {
    const std::optional<int> result = order_of(a, b, budget_);
    if (!result) throw NoOrder();
    return *result;
  }

  bool is_empty(const Interval& interval) {
    const int sign = order(interval.lower, interval.upper);
    return sign > 0 || (sign == 0 && (interval.lower_open || interval.upper_open));
  }

  Intervals normal(const Intervals& intervals) {
    Intervals kept;
    for (const Interval& interval : intervals) {
      if (!is_empty(interval)) kept.push_back(interval);
    }
    // Insertion sort: an order that throws has no business in std::sort.
    for (size_t i = 1; i < kept.size(); ++i) {
      for (size_t j = i; j > 0 && starts_before(kept[j], kept[j - 1]); --j) {
        std::swap(kept[j], kept[j - 1]);
      }
    }
    Intervals merged;
    for (const Interval& next : kept) {
      if (merged.empty() || !touches(merged.back(), next)) {
        merged.push_back(next);
        continue;
      }
      Interval& last = merged.back();
      const int sign = order(next.upper, last.upper);
      if (sign > 0) {
        last.upper = next.upper;
        last.upper_open = next.upper_open;
      } else if (sign == 0) {
        last.upper_open = last.upper_open && next.upper_open;
      }
    }
    return merged;
  }

  Intervals complement(const Intervals& intervals) {
    Intervals result;
    NodePtr from = infinity(-1);
    bool open = true;
    for (const Interval& interval : intervals) {
      result.push_back({from, interval.lower, open, !interval.lower_open});
      from = interval.upper;
      open = !interval.upper_open;
    }
    result.push_back({from, infinity(1), open, true});
    return normal(result);
  }

  Intervals meet(const Intervals& a, const Intervals& b) {
    Intervals both = complement(a);
    const Intervals other = complement(b);
    both.insert(both.end(), other.begin(), other.end());
    return complement(normal(both));
  }

 private:
  bool starts_before(const Interval& a, const Interval& b) {
    const int sign = order(a.lower, b.lower);
    return sign < 0 || (sign == 0 && !a.lower_open && b.lower_open);
  }
  bool touches(const Interval& a, const Interval& b) {
    const int sign = order(b.lower, a.upper);
    return sign < 0 || (sign == 0 && !(a.upper_open && b.lower_open));
  }

  MathBudget& budget_;
};

/// x, f(x), |x|: what an inequality is about.
bool is_subject(const NodePtr& node) {
  if (node->kind == NodeKind::kSymbol) return true;
  if (node->kind != NodeKind::kFunction) return false;
  if (!is_known_function(node->name)) return true;
  return node->name == "abs" && node->children.size() == 1 &&
         node->children[0]->kind == NodeKind::kSymbol;
}

bool is_constant(const NodePtr& node) {
  if (!is_scalar(node) && infinite_sign(node) == 0) return false;
  std::set<std::string> unknowns;
  collect_unknowns(node, &unknowns);
  return unknowns.empty();
}

/// Reads nodes as sets.
class SetReader {
 public:
  explicit SetReader(MathBudget& budget) : budget_(budget), algebra_(budget) {}

  MaybeIntervals read(const NodePtr& node) {
    budget_.spend();
    switch (node->kind) {
      case NodeKind::kTuple:
        return interval(*node);
      case NodeKind::kSet:
        return points(*node);
      case NodeKind::kUnion:
        return joined(*node, true);
      case NodeKind::kIntersection:
        return joined(*node, false);
      case NodeKind::kDifference: {
        const MaybeIntervals a = read(node->children[0]);
        const MaybeIntervals b = a ? read(node->children[1]) : a;
        if (!b) return std::nullopt;
        return algebra_.meet(*a, algebra_.complement(*b));
      }
      case NodeKind::kRelation:
        return relation(*node);
      case NodeKind::kList:
        return conditions(*node);
      default:
        return std::nullopt;
    }
  }

  const std::string& unknown() const { return unknown_; }

 private:
  MaybeIntervals interval(const Node& node) {
    if (node.children.size() != 2 || node.name == "<>") return std::nullopt;
    if (!is_constant(node.children[0]) || !is_constant(node.children[1])) {
      return std::nullopt;
    }
    if (algebra_.order(node.children[0], node.children[1]) >= 0) return std::nullopt;
    return algebra_.normal(
        {{node.children[0], node.children[1],
          node.name[0] == '(' || infinite_sign(node.children[0]) != 0,
          node.name[1] == ')' || infinite_sign(node.children[1]) != 0}});
  }

  MaybeIntervals points(const Node& node) {
    Intervals result;
    for (const NodePtr& child : node.children) {
      if (!is_constant(child)) return std::nullopt;
      result.push_back({child, child, false, false});
    }
    return algebra_.normal(result);
  }

  MaybeIntervals joined(const Node& node, bool is_union) {
    MaybeIntervals total;
    for (const NodePtr& child : node.children) {
      const MaybeIntervals part = read(child);
      if (!part) return std::nullopt;
      if (!total) {
        total = part;
      } else if (is_union) {
        total->insert(total->end(), part->begin(), part->end());
        total = algebra_.normal(*total);
      } else {
        total = algebra_.meet(*total, *part);
      }
    }
    return total;
  }

  /// Inequalities joined by "or" (a union) or by "and" and commas (an intersection, or a
  /// union when that is empty).
  MaybeIntervals conditions(const Node& node) {
    for (const NodePtr& child : node.children) {
      const bool is_set = child->kind == NodeKind::kTuple && child->name != "()";
      if (child->kind != NodeKind::kRelation && !(is_set && node.name == "or")) {
        return std::nullopt;
      }
    }
    if (node.name != "or") {
      MaybeIntervals met = joined(node, false);
      if (!met || !met->empty()) return met;
    }
    return joined(node, true);
  }

  bool remember(const std::string& name) {
    if (!unknown_.empty() && unknown_ != name) return false;
    unknown_ = name;
    return true;
  }

  MaybeIntervals relation(const Node& node) {
    std::istringstream words(node.name);
    std::vector<std::string> operators;
    for (std::string word; words >> word;) operators.push_back(word);
    if (operators.size() == 1 && operators[0] == "in") {
      if (!remember(sorted_form(node.children[0]))) return std::nullopt;
      return read(node.children[1]);
    }
    MaybeIntervals total;
    for (size_t i = 0; i < operators.size(); ++i) {
      const MaybeIntervals part =
          comparison(node.children[i], operators[i], node.children[i + 1]);
      if (!part) return std::nullopt;
      total = total ? algebra_.meet(*total, *part) : part;
    }
    return total;
  }

  MaybeIntervals comparison(const NodePtr& left, const std::string& what,
                            const NodePtr& right) {
    if (what == "in" || what == "~" || what == "=") return std::nullopt;
    if (is_subject(left) && is_constant(right)) return about(left, what, right);
    if (is_subject(right) && is_constant(left)) return about(right, flipped(what), left);
    if (!is_scalar(left) || !is_scalar(right)) return std::nullopt;
    std::set<std::string> unknowns;
    collect_unknowns(left, &unknowns);
    collect_unknowns(right, &unknowns);
    mpq_class slope;
    mpq_class offset;
    if (unknowns.size() != 1 ||
        !linear_form(make_sum({left, negated(right)}), *unknowns.begin(), &slope, &offset,
                     budget_)) {
      return std::nullopt;
    }
    if (!remember(*unknowns.begin())) return std::nullopt;
    return half_line(slope < 0 ? flipped(what) : what, make_number(-offset / slope));
  }

  static std::string flipped(const std::string& what) {
    if (what[0] == '<') return ">" + what.substr(1);
    if (what[0] == '>') return "<" + what.substr(1);
    return what;
  }

  MaybeIntervals about(const NodePtr& subject, const std::string& what,
                       const NodePtr& bound) {
    const bool is_abs = subject->kind == NodeKind::kFunction && subject->name == "abs";
    if (!remember(sorted_form(is_abs ? subject->children[0] : subject))) {
      return std::nullopt;
    }
    const Intervals plain = half_line(what, bound);
    if (!is_abs) return plain;
    const Intervals right =
        algebra_.meet(plain, {{make_number(0), infinity(1), false, true}});
    Intervals both = right;
    for (const Interval& interval : right) {
      const bool endless = infinite_sign(interval.upper) != 0;
      both.push_back({endless ? infinity(-1) : negated(interval.upper),
                      negated(interval.lower), interval.upper_open, interval.lower_open});
    }
    return algebra_.normal(both);
  }

  Intervals half_line(const std::string& what, const NodePtr& bound) {
    const bool open = what.size() == 1;
    if (what[0] == '<') {
      return algebra_.normal(
          {{infinity(-1), bound, true, open || infinite_sign(bound) != 0}});
    }
    if (what[0] == '>') {
      return algebra_.normal(
          {{bound, infinity(1), open || infinite_sign(bound) != 0, true}});
    }
    return algebra_.complement({{bound, bound, false, false}});  // !=
  }

  MathBudget& budget_;
  SetAlgebra algebra_;
  std::string unknown_;
};

}  // namespace

std::optional<RealSet> real_set(const NodePtr& node, MathBudget& budget) {
  SetReader reader(budget);
  try {
    MaybeIntervals intervals = reader.read(node);
    if (!intervals) return std::nullopt;
    return RealSet{reader.unknown(), std::move(*intervals)};
  } catch (const NoOrder&) {
    return std::nullopt;
  }
}

Comparison compare_sets(const RealSet& left, const RealSet& right, MathBudget& budget) {
  if (!left.unknown.empty() && !right.unknown.empty() && left.unknown != right.unknown) {
    return {false, "inequalities in different unknowns"};
  }
  if (left.intervals.size() != right.intervals.size()) {
    return {false, "sets with different numbers of intervals"};
  }
  for (size_t i = 0; i < left.intervals.size(); ++i) {
    const Interval& a = left.intervals[i];
    const Interval& b = right.intervals[i];
    if (a.lower_open != b.lower_open || a.upper_open != b.upper_open) {
      return {false, "an end is open in one set and closed in the other"};
    }
    if (order_of(a.lower, b.lower, budget) != 0 ||
        order_of(a.upper, b.upper, budget) != 0) {
      return {false, "intervals with different ends"};
    }
  }
  return {true, "the same set of real numbers"};
}

}  // namespace srpo::verify
