#include "verify/math_normal_form.h"

#include <algorithm>
#include <flint/fmpq_mpoly.h>
#include <map>
#include <memory>
#include <optional>

#include "verify/math_ball.h"
#include "verify/math_rational.h"

namespace srpo::verify {
namespace {

constexpr slong kMostExponent = 100;
constexpr size_t kMostGenerators = 40;

/// The ring of polynomials in named generators.
class Ring {
 public:
  explicit Ring(const std::vector<std::string>& names) {
    for (const std::string& name : names) index_.emplace(name, index_.size());
    fmpq_mpoly_ctx_init(context_, static_cast<slong>(names.size()), ORD_DEGLEX);
  }
  ~Ring() { fmpq_mpoly_ctx_clear(context_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  const fmpq_mpoly_ctx_struct* context() const { return context_; }
  slong index_of(const std::string& name) const {
    return static_cast<slong>(index_.at(name));
  }

 private:
  fmpq_mpoly_ctx_t context_;
  std::map<std::string, size_t> index_;
};

/// A polynomial and a bound on the bits of its coefficients.
class Polynomial {
 public:
  explicit Polynomial(const Ring& ring) : ring_(&ring) {
    fmpq_mpoly_init(value_, ring.context());
  }
  ~Polynomial() { fmpq_mpoly_clear(value_, ring_->context()); }
  Polynomial(const Polynomial& other) : Polynomial(*other.ring_) {
    fmpq_mpoly_set(value_, other.value_, ring_->context());
    bits_ = other.bits_;
  }
  Polynomial(Polynomial&& other) noexcept : Polynomial(*other.ring_) {
    fmpq_mpoly_swap(value_, other.value_, ring_->context());
    bits_ = other.bits_;
  }
  Polynomial& operator=(const Polynomial&) = delete;
  Polynomial& operator=(Polynomial&& other) noexcept {
    fmpq_mpoly_swap(value_, other.value_, ring_->context());
    bits_ = other.bits_;
    return *this;
  }

  void set(const mpq_class& value) {
    fmpq_t number;
    fmpq_init(number);
    fmpq_set_mpq(number, value.get_mpq_t());
    fmpq_mpoly_set_fmpq(value_, number, ring_->context());
    fmpq_clear(number);
    bits_ = static_cast<int64_t>(mpz_sizeinbase(value.get_num_mpz_t(), 2) +
                                 mpz_sizeinbase(value.get_den_mpz_t(), 2));
  }
  void set_generator(slong index) {
    fmpq_mpoly_gen(value_, index, ring_->context());
    bits_ = 1;
  }

  slong length() const { return fmpq_mpoly_length(value_, ring_->context()); }
  bool is_zero() const { return fmpq_mpoly_is_zero(value_, ring_->context()) != 0; }
  bool is_constant() const { return fmpq_mpoly_is_fmpq(value_, ring_->context()) != 0; }
  int64_t bits() const { return bits_; }
  fmpq_mpoly_struct* get() { return value_; }
  const fmpq_mpoly_struct* get() const { return value_; }
  const Ring& ring() const { return *ring_; }

  int leading_sign() const {
    fmpq_t coefficient;
    fmpq_init(coefficient);
    fmpq_mpoly_get_term_coeff_fmpq(coefficient, value_, 0, ring_->context());
    const int sign = fmpq_sgn(coefficient);
    fmpq_clear(coefficient);
    return sign;
  }
  void make_monic() { fmpq_mpoly_make_monic(value_, value_, ring_->context()); }
  bool equals(const Polynomial& other) const {
    return fmpq_mpoly_equal(value_, other.value_, ring_->context()) != 0;
  }
  void set_bits(int64_t bits) { bits_ = bits; }

 private:
  const Ring* ring_;
  fmpq_mpoly_t value_;
  int64_t bits_ = 1;
};

struct Fraction {
  Polynomial above;
  Polynomial below;
};

bool is_structural(const Node& node, MathBudget& budget) {
  switch (node.kind) {
    case NodeKind::kNumber:
    case NodeKind::kAdd:
    case NodeKind::kMul:
    case NodeKind::kDiv:
    case NodeKind::kPercent:
    case NodeKind::kUnit:
      return true;
    case NodeKind::kPow: {
      const auto exponent = exact_rational(node.children[1], budget);
      return exponent && exponent->get_den() == 1 && abs(*exponent) <= kMostExponent;
    }
    default:
      return false;
  }
}

/// The generators of an expression; false when one of them is no plain unknown.
bool collect_generators(const NodePtr& node, std::set<std::string>* names,
                        MathBudget& budget) {
  budget.spend();
  if (is_structural(*node, budget)) {
    bool plain = true;
    const size_t count = node->kind == NodeKind::kPow ? 1 : node->children.size();
    for (size_t i = 0; i < count; ++i) {
      plain = collect_generators(node->children[i], names, budget) && plain;
    }
    return plain;
  }
  if (exact_rational(node, budget)) return true;
  names->insert(sorted_form(node));
  return node->kind == NodeKind::kSymbol;
}

/// Brings expressions to normal form in one ring.
class Normalizer {
 public:
  Normalizer(const Ring& ring, MathBudget& budget) : ring_(ring), budget_(budget) {}

  /// Nothing at a limit, or when a denominator is zero.
  std::optional<Fraction> normal(const NodePtr& node) {
    budget_.spend();
    if (!is_structural(*node, budget_)) return leaf(node);
    switch (node->kind) {
      case NodeKind::kNumber:
        return constant(node->value);
      case NodeKind::kAdd:
      case NodeKind::kMul:
        return sum_or_product(*node);
      case NodeKind::kDiv: {
        auto above = normal(node->children[0]);
        auto below = above ? normal(node->children[1]) : std::nullopt;
        if (!below || below->above.is_zero()) return std::nullopt;
        std::swap(below->above, below->below);
        return product(*above, *below);
      }
      case NodeKind::kPercent: {
        auto value = normal(node->children[0]);
        if (!value) return value;
        return product(*value, constant(mpq_class(1, 100)));
      }
      case NodeKind::kUnit:
        return normal(node->children[0]);
      default:
        return power(*node);
    }
  }

  std::optional<Polynomial> times(const Polynomial& a, const Polynomial& b) {
    const int64_t terms = static_cast<int64_t>(a.length()) * b.length();
    const int64_t bits = a.bits() + b.bits() + 8;
    budget_.spend(1 + terms / 4 + terms * (bits / 2048));
    if (terms > 10 * budget_.limits().max_terms || bits > budget_.limits().max_bits) {
      return std::nullopt;
    }
    Polynomial result(ring_);
    fmpq_mpoly_mul(result.get(), a.get(), b.get(), ring_.context());
    result.set_bits(bits);
    if (result.length() > budget_.limits().max_terms) return std::nullopt;
    return result;
  }

  std::optional<Polynomial> plus(const Polynomial& a, const Polynomial& b) {
    const int64_t bits = a.bits() + b.bits() + 1;
    budget_.spend(1 + (a.length() + b.length()) / 4);
    if (bits > budget_.limits().max_bits) return std::nullopt;
    Polynomial result(ring_);
    fmpq_mpoly_add(result.get(), a.get(), b.get(), ring_.context());
    result.set_bits(std::max(a.bits(), b.bits()) + 1);
    if (result.length() > budget_.limits().max_terms) return std::nullopt;
    return result;
  }

 private:
  Fraction constant(const mpq_class& value) {
    Fraction result{Polynomial(ring_), Polynomial(ring_)};
    result.above.set(value);
    result.below.set(1);
    return result;
  }

  std::optional<Fraction> leaf(const NodePtr& node) {
    if (const auto value = exact_rational(node, budget_)) return constant(*value);
    Fraction result{Polynomial(ring_), Polynomial(ring_)};
    result.above.set_generator(ring_.index_of(sorted_form(node)));
    result.below.set(1);
    return result;
  }

  std::optional<Fraction> sum_or_product(const Node& node) {
    std::optional<Fraction> total = normal(node.children[0]);
    for (size_t i = 1; total && i < node.children.size(); ++i) {
      const std::optional<Fraction> next = normal(node.children[i]);
      if (!next) return std::nullopt;
      total = node.kind == NodeKind::kAdd ? sum(*total, *next) : product(*total, *next);
    }
    return total;
  }

  std::optional<Fraction> sum(const Fraction& a, const Fraction& b) {
    if (a.below.equals(b.below)) {
      auto above = plus(a.above, b.above);
      if (!above) return std::nullopt;
      return Fraction{std::move(*above), Polynomial(a.below)};
    }
    auto left = times(a.above, b.below);
    auto right = times(b.above, a.below);
    auto below = times(a.below, b.below);
    if (!left || !right || !below) return std::nullopt;
    auto above = plus(*left, *right);
    if (!above) return std::nullopt;
    return Fraction{std::move(*above), std::move(*below)};
  }

  std::optional<Fraction> product(const Fraction& a, const Fraction& b) {
    auto above = times(a.above, b.above);
    auto below = times(a.below, b.below);
    if (!above || !below) return std::nullopt;
    return Fraction{std::move(*above), std::move(*below)};
  }

  std::optional<Fraction> power(const Node& node) {
    const auto exponent = exact_rational(node.children[1], budget_);
    auto base = normal(node.children[0]);
    if (!exponent || !base) return std::nullopt;
    slong count = exponent->get_num().get_si();
    if (count == 0 && base->above.is_zero()) return std::nullopt;
    if (count < 0) {
      if (base->above.is_zero()) return std::nullopt;
      std::swap(base->above, base->below);
      count = -count;
    }
    std::optional<Fraction> result = constant(1);
    for (slong i = 0; result && i < count; ++i) result = product(*result, *base);
    return result;
  }

  const Ring& ring_;
  MathBudget& budget_;
};

struct Generators {
  std::set<std::string> names;
  bool plain = true;
};

std::optional<Generators> generators_of(const NodePtr& left, const NodePtr& right,
                                        MathBudget& budget) {
  register_thread_cleanup();
  Generators result;
  result.plain = collect_generators(left, &result.names, budget);
  result.plain = collect_generators(right, &result.names, budget) && result.plain;
  if (result.names.size() > kMostGenerators) return std::nullopt;
  return result;
}

}  // namespace

Proof compare_normal_forms(const NodePtr& left, const NodePtr& right,
                           MathBudget& budget) {
  const auto generators = generators_of(left, right, budget);
  if (!generators) return Proof::kUnknown;
  const Ring ring({generators->names.begin(), generators->names.end()});
  Normalizer normalizer(ring, budget);
  const auto a = normalizer.normal(left);
  const auto b = a ? normalizer.normal(right) : std::nullopt;
  if (!b) return Proof::kUnknown;
  const auto ours = normalizer.times(a->above, b->below);
  const auto theirs = normalizer.times(b->above, a->below);
  if (!ours || !theirs) return Proof::kUnknown;
  if (ours->equals(*theirs)) return Proof::kEqual;
  return generators->plain ? Proof::kUnequal : Proof::kUnknown;
}

Proof compare_equations(const NodePtr& left, const NodePtr& right, int* sign,
                        MathBudget& budget) {
  *sign = 0;
  const auto generators = generators_of(left, right, budget);
  if (!generators) return Proof::kUnknown;
  const Ring ring({generators->names.begin(), generators->names.end()});
  Normalizer normalizer(ring, budget);
  auto a = normalizer.normal(left);
  auto b = a ? normalizer.normal(right) : std::nullopt;
  if (!b || a->above.is_zero() || b->above.is_zero()) return Proof::kUnknown;
  if (a->below.is_constant() && b->below.is_constant()) {
    *sign = a->above.leading_sign() * a->below.leading_sign() * b->above.leading_sign() *
            b->below.leading_sign();
  }
  a->above.make_monic();
  b->above.make_monic();
  if (a->above.equals(b->above)) return Proof::kEqual;
  return generators->plain ? Proof::kUnequal : Proof::kUnknown;
}

bool linear_form(const NodePtr& node, const std::string& unknown, mpq_class* slope,
                 mpq_class* offset, MathBudget& budget) {
  const auto generators = generators_of(node, node, budget);
  if (!generators || generators->names != std::set<std::string>{unknown}) return false;
  const Ring ring({unknown});
  const auto value = Normalizer(ring, budget).normal(node);
  if (!value || !value->below.is_constant()) return false;
  if (fmpq_mpoly_total_degree_si(value->above.get(), ring.context()) != 1) return false;
  fmpq_t below;
  fmpq_t coefficient;
  fmpq_init(below);
  fmpq_init(coefficient);
  fmpq_mpoly_get_fmpq(below, value->below.get(), ring.context());
  const auto read = [&](ulong exponent) {
    fmpq_mpoly_get_coeff_fmpq_ui(coefficient, value->above.get(), &exponent,
                                 ring.context());
    fmpq_div(coefficient, coefficient, below);
    mpq_class result;
    fmpq_get_mpq(result.get_mpq_t(), coefficient);
    return result;
  };
  *slope = read(1);
  *offset = read(0);
  fmpq_clear(below);
  fmpq_clear(coefficient);
  return true;
}

}  // namespace srpo::verify
