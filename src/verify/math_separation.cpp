#include <algorithm>
#include <cmath>
#include <map>

#include "verify/math_rational.h"
#include "verify/math_scalar.h"

namespace srpo::verify {
namespace {

constexpr int kMostAngleParts = 360;

/// log2 of bounds on all conjugates of numerator and denominator, both algebraic
/// integers.
struct Bounds {
  double above = 0;
  double below = 0;
};

/// r when the value is r * pi.
std::optional<mpq_class> pi_multiple(const NodePtr& node, MathBudget& budget) {
  if (node->kind == NodeKind::kConstant && node->name == "pi") return mpq_class(1);
  if (node->kind == NodeKind::kDegree) {
    const auto degrees = exact_rational(node->children[0], budget);
    if (!degrees) return std::nullopt;
    return mpq_class(*degrees / 180);
  }
  if (node->kind == NodeKind::kDiv) {
    const auto above = pi_multiple(node->children[0], budget);
    const auto below = exact_rational(node->children[1], budget);
    if (!above || !below || *below == 0) return std::nullopt;
    return mpq_class(*above / *below);
  }
  if (node->kind == NodeKind::kAdd) {
    mpq_class total = 0;
    for (const NodePtr& child : node->children) {
      const auto part = pi_multiple(child, budget);
      if (!part) return std::nullopt;
      total += *part;
    }
    return total;
  }
  if (node->kind != NodeKind::kMul) {
    const auto value = exact_rational(node, budget);
    return value && *value == 0 ? value : std::nullopt;
  }
  mpq_class total = 1;
  int num_pi = 0;
  for (const NodePtr& child : node->children) {
    if (const auto value = exact_rational(child, budget)) {
      total *= *value;
    } else if (const auto part = pi_multiple(child, budget)) {
      total *= *part;
      ++num_pi;
    } else {
      return std::nullopt;
    }
  }
  return num_pi == 1 ? std::optional<mpq_class>(total) : std::nullopt;
}

/// Walks a constant and collects its bounds; the degree of the field is the product of
/// the degrees of all different roots in it.
class SeparationBound {
 public:
  explicit SeparationBound(MathBudget& budget) : budget_(budget) {}

  std::optional<Bounds> bounds(const NodePtr& node) {
    budget_.spend();
    if (const auto value = exact_rational(node, budget_)) return rational(*value);
    switch (node->kind) {
      case NodeKind::kConstant:
        if (node->name != "i") return std::nullopt;
        add_degree("i", 2);
        return Bounds{};
      case NodeKind::kAdd:
      case NodeKind::kMul:
        return sum_or_product(*node);
      case NodeKind::kDiv:
        return division(bounds(node->children[0]), bounds(node->children[1]));
      case NodeKind::kPow:
        return power(node);
      case NodeKind::kRoot: {
        const auto index = exact_rational(node->children[1], budget_);
        if (!index || *index == 0) return std::nullopt;
        return raised(node->children[0], 1 / *index);
      }
      case NodeKind::kPercent:
        return division(bounds(node->children[0]), rational(100));
      case NodeKind::kUnit:
        return bounds(node->children[0]);
      case NodeKind::kFunction:
        return trigonometric(*node);
      default:
        return std::nullopt;
    }
  }

  double degree() const {
    double product = 1;
    for (const auto& [key, degree] : degrees_) product *= degree;
    return product;
  }

 private:
  void add_degree(const std::string& key, double degree) { degrees_[key] = degree; }

  static double log2_of(const mpz_class& value) {
    return value == 0 ? 0 : static_cast<double>(mpz_sizeinbase(value.get_mpz_t(), 2));
  }
  static Bounds rational(const mpq_class& value) {
    return {log2_of(value.get_num()), log2_of(value.get_den())};
  }

  static std::optional<Bounds> division(const std::optional<Bounds>& a,
                                        const std::optional<Bounds>& b) {
    if (!a || !b) return std::nullopt;
    return Bounds{a->above + b->below, a->below + b->above};
  }

  std::optional<Bounds> sum_or_product(const Node& node) {
    Bounds total;
    bool first = true;
    for (const NodePtr& child : node.children) {
      const auto part = bounds(child);
      if (!part) return std::nullopt;
      if (first) {
        total = *part;
      } else if (node.kind == NodeKind::kMul) {
        total = {total.above + part->above, total.below + part->below};
      } else {
        total = {std::max(total.above + part->below, part->above + total.below) + 1,
                 total.below + part->below};
      }
      first = false;
    }
    return total;
  }

  std::optional<Bounds> power(const NodePtr& node) {
    const auto exponent = exact_rational(node->children[1], budget_);
    if (!exponent) return std::nullopt;
    return raised(node->children[0], *exponent);
  }

  std::optional<Bounds> raised(const NodePtr& base, const mpq_class& exponent) {
    auto value = bounds(base);
    if (!value || exponent.get_den() > 100 || abs(exponent.get_num()) > 10000) {
      return std::nullopt;
    }
    const double index = exponent.get_den().get_d();
    if (index > 1) {
      add_degree(
          "root " + std::to_string(static_cast<int>(index)) + " " + sorted_form(base),
          index);
      value->above = (value->above + (index - 1) * value->below) / index;
    }
    const double times = std::abs(exponent.get_num().get_d());
    Bounds result{value->above * times, value->below * times};
    if (exponent < 0) std::swap(result.above, result.below);
    return result;
  }

  std::optional<Bounds> trigonometric(const Node& node) {
    const bool reciprocal = node.name == "sec" || node.name == "csc";
    const bool ratio = node.name == "tan" || node.name == "cot";
    if (node.name != "sin" && node.name != "cos" && !reciprocal && !ratio) {
      return std::nullopt;
    }
    const auto multiple = pi_multiple(node.children[0], budget_);
    if (!multiple || multiple->get_den() > kMostAngleParts) return std::nullopt;
    const mpz_class parts = multiple->get_den() * 4;  // a root of unity of this order
    add_degree("angle " + parts.get_str(), parts.get_d());
    const Bounds wave{1, 1};  // 2 cos over 2
    if (ratio) return division(wave, wave);
    if (reciprocal) return division(Bounds{}, wave);
    return wave;
  }

  MathBudget& budget_;
  std::map<std::string, double> degrees_;
};

}  // namespace

std::optional<double> separation_bits(const NodePtr& node, MathBudget& budget) {
  SeparationBound walk(budget);
  const auto bounds = walk.bounds(node);
  if (!bounds) return std::nullopt;
  return (walk.degree() - 1) * std::max(bounds->above, 1.0) + bounds->below + 1;
}

}  // namespace srpo::verify
