#include "verify/math_rational.h"

#include <algorithm>

namespace srpo::verify {
namespace {

using Value = std::optional<mpq_class>;

constexpr unsigned long kMostFactorial = 3000;

int64_t size_in_bits(const mpq_class& value) {
  return static_cast<int64_t>(mpz_sizeinbase(value.get_num_mpz_t(), 2) +
                              mpz_sizeinbase(value.get_den_mpz_t(), 2));
}

Value checked(mpq_class value, MathBudget& budget) {
  const int64_t bits = size_in_bits(value);
  budget.spend(1 + bits / 256);
  if (bits > budget.limits().max_bits) return std::nullopt;
  return value;
}

mpz_class floor_of(const mpq_class& value) {
  mpz_class result;
  mpz_fdiv_q(result.get_mpz_t(), value.get_num_mpz_t(), value.get_den_mpz_t());
  return result;
}

bool is_integer(const mpq_class& value) { return value.get_den() == 1; }

Value factorial(const mpq_class& value, MathBudget& budget) {
  if (!is_integer(value) || value < 0 || value > kMostFactorial) return std::nullopt;
  mpz_class result;
  mpz_fac_ui(result.get_mpz_t(), value.get_num().get_ui());
  return checked(result, budget);
}

Value binomial(const mpq_class& n, const mpq_class& k, MathBudget& budget) {
  if (!is_integer(n) || !is_integer(k) || n < 0 || n > kMostFactorial || k < 0) {
    return std::nullopt;
  }
  if (k > n) return mpq_class(0);
  mpz_class result;
  mpz_bin_uiui(result.get_mpz_t(), n.get_num().get_ui(), k.get_num().get_ui());
  return checked(result, budget);
}

Value power_of(const NodePtr& node, MathBudget& budget) {
  const Value base = exact_rational(node->children[0], budget);
  if (!base) return std::nullopt;
  const Value exponent = exact_rational(node->children[1], budget);
  if (!exponent) return std::nullopt;
  if (is_integer(*exponent)) return rational_power(*base, exponent->get_num(), budget);
  const mpz_class below = exponent->get_den();
  if (!below.fits_ulong_p() || below > 1000) return std::nullopt;
  const Value root = rational_root(*base, below.get_ui());
  if (!root) return std::nullopt;
  return rational_power(*root, exponent->get_num(), budget);
}

Value function_of(const Node& node, MathBudget& budget) {
  if (!is_known_function(node.name) || node.children.empty()) return std::nullopt;
  std::vector<mpq_class> values;
  for (const NodePtr& child : node.children) {
    Value value = exact_rational(child, budget);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  const std::string& name = node.name;
  if (name == "min") return *std::min_element(values.begin(), values.end());
  if (name == "max") return *std::max_element(values.begin(), values.end());
  const mpq_class& first = values.front();
  if (values.size() == 1) {
    if (name == "factorial") return factorial(first, budget);
    if (name == "abs") return mpq_class(abs(first));
    if (name == "floor") return mpq_class(floor_of(first));
    if (name == "ceil") return mpq_class(-floor_of(-first));
    if (name == "exp" && first == 0) return mpq_class(1);
    if (name == "ln" && first == 1) return mpq_class(0);
    return std::nullopt;
  }
  if (values.size() != 2) return std::nullopt;
  const mpq_class& second = values.back();
  if (name == "binom") return binomial(first, second, budget);
  if (!is_integer(first) || !is_integer(second)) return std::nullopt;
  if (name == "gcd") return mpq_class(gcd(first.get_num(), second.get_num()));
  if (name == "lcm") return mpq_class(lcm(first.get_num(), second.get_num()));
  if (name == "mod" && second != 0) {
    mpz_class rest;
    mpz_fdiv_r(rest.get_mpz_t(), first.get_num_mpz_t(), second.get_num_mpz_t());
    return mpq_class(rest);
  }
  return std::nullopt;
}

Value sum_or_product(const Node& node, MathBudget& budget) {
  const bool is_sum = node.kind == NodeKind::kAdd;
  mpq_class total = is_sum ? 0 : 1;
  for (const NodePtr& child : node.children) {
    const Value value = exact_rational(child, budget);
    if (!value) return std::nullopt;
    if (is_sum) {
      total += *value;
    } else {
      total *= *value;
    }
    if (!checked(total, budget)) return std::nullopt;
  }
  return total;
}

}  // namespace

std::optional<mpq_class> rational_power(const mpq_class& base, const mpz_class& exponent,
                                        MathBudget& budget) {
  if (exponent == 0) return base == 0 ? Value() : Value(1);
  if (base == 0) return exponent < 0 ? Value() : Value(0);
  if (base == 1) return base;
  if (base == -1) return mpq_class(mpz_even_p(exponent.get_mpz_t()) ? 1 : -1);
  const mpz_class size = abs(exponent);
  if (size * size_in_bits(base) > budget.limits().max_bits) return std::nullopt;
  const unsigned long power = size.get_ui();
  mpq_class result;
  mpz_pow_ui(result.get_num_mpz_t(), base.get_num_mpz_t(), power);
  mpz_pow_ui(result.get_den_mpz_t(), base.get_den_mpz_t(), power);
  if (exponent < 0) result = 1 / result;
  return checked(result, budget);
}

std::optional<mpq_class> rational_root(const mpq_class& value, unsigned long index) {
  if (index == 0 || (value < 0 && index % 2 == 0)) return std::nullopt;
  mpq_class root;
  if (mpz_root(root.get_num_mpz_t(), value.get_num_mpz_t(), index) == 0 ||
      mpz_root(root.get_den_mpz_t(), value.get_den_mpz_t(), index) == 0) {
    return std::nullopt;
  }
  return root;
}

std::optional<mpq_class> exact_rational(const NodePtr& node, MathBudget& budget) {
  budget.spend();
  switch (node->kind) {
    case NodeKind::kNumber:
      return node->value;
    case NodeKind::kAdd:
    case NodeKind::kMul:
      return sum_or_product(*node, budget);
    case NodeKind::kDiv: {
      const Value above = exact_rational(node->children[0], budget);
      const Value below = above ? exact_rational(node->children[1], budget) : above;
      if (!below || *below == 0) return std::nullopt;
      return checked(*above / *below, budget);
    }
    case NodeKind::kPow:
      return power_of(node, budget);
    case NodeKind::kRoot: {
      const Value value = exact_rational(node->children[0], budget);
      const Value index = value ? exact_rational(node->children[1], budget) : value;
      if (!index || !is_integer(*index) || *index < 1 || *index > 1000)
        return std::nullopt;
      return rational_root(*value, index->get_num().get_ui());
    }
    case NodeKind::kPercent: {
      const Value value = exact_rational(node->children[0], budget);
      return value ? Value(*value / 100) : value;
    }
    case NodeKind::kUnit:
      return exact_rational(node->children[0], budget);
    case NodeKind::kFunction:
      return function_of(*node, budget);
    default:
      return std::nullopt;
  }
}

}  // namespace srpo::verify
