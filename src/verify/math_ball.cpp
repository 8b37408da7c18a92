#include "verify/math_ball.h"

#include <algorithm>
#include <flint/fmpq.h>
#include <optional>

#include "verify/math_rational.h"

namespace srpo::verify {
namespace {

constexpr slong kMostMagnitude = slong{1} << 31;  // log2 of the largest value

struct ThreadCleanup {
  ~ThreadCleanup() { flint_cleanup(); }
};

/// Evaluates one expression; holds what all its parts need.
class Evaluator {
 public:
  Evaluator(const Assignment& assignment, slong precision, MathBudget& budget)
      : assignment_(assignment), precision_(precision), budget_(budget) {}

  Ball value(const NodePtr& node) {
    budget_.spend(1 + precision_ / 64);
    Ball result = computed(*node);
    check_magnitude(result);
    return result;
  }

 private:
  static Ball undefined() {
    Ball ball;
    acb_indeterminate(ball.get());
    return ball;
  }

  static void check_magnitude(const Ball& ball) {
    if (!ball.is_finite()) return;
    mag_t bound;
    mag_init(bound);
    acb_get_mag(bound, ball.get());
    const bool large = mag_cmp_2exp_si(bound, kMostMagnitude) > 0;
    mag_clear(bound);
    if (large) throw OverBudget("value too large");
  }

  Ball computed(const Node& node) {
    switch (node.kind) {
      case NodeKind::kNumber:
        return Ball(node.value, precision_);
      case NodeKind::kSymbol: {
        const auto at = assignment_.find(node.name);
        return at == assignment_.end() ? undefined() : at->second;
      }
      case NodeKind::kConstant:
        return constant(node.name);
      case NodeKind::kAdd:
      case NodeKind::kMul:
        return sum_or_product(node);
      case NodeKind::kDiv: {
        const Ball above = value(node.children[0]);
        const Ball below = value(node.children[1]);
        Ball result;
        acb_div(result.get(), above.get(), below.get(), precision_);
        return result;
      }
      case NodeKind::kPow:
        return power(node);
      case NodeKind::kRoot:
        return root(node);
      case NodeKind::kPercent: {
        Ball result = value(node.children[0]);
        acb_div_si(result.get(), result.get(), 100, precision_);
        return result;
      }
      case NodeKind::kDegree: {
        Ball result = value(node.children[0]);
        acb_mul(result.get(), result.get(), constant("pi").get(), precision_);
        acb_div_si(result.get(), result.get(), 180, precision_);
        return result;
      }
      case NodeKind::kUnit:
        return value(node.children[0]);
      case NodeKind::kFunction:
        return function(node);
      default:
        return undefined();
    }
  }

  Ball constant(const std::string& name) const {
    Ball result;
    if (name == "pi") {
      acb_const_pi(result.get(), precision_);
    } else if (name == "e") {
      arb_const_e(acb_realref(result.get()), precision_);
    } else if (name == "i") {
      acb_onei(result.get());
    } else {
      return undefined();
    }
    return result;
  }

  Ball sum_or_product(const Node& node) {
    Ball total = value(node.children[0]);
    for (size_t i = 1; i < node.children.size(); ++i) {
      const Ball next = value(node.children[i]);
      if (node.kind == NodeKind::kAdd) {
        acb_add(total.get(), total.get(), next.get(), precision_);
      } else {
        acb_mul(total.get(), total.get(), next.get(), precision_);
      }
    }
    return total;
  }

  /// Refuses powers whose result would be too large to be handled.
  void check_power(const Ball& base, const Ball& exponent) const {
    if (!base.is_finite() || !exponent.is_finite()) return;
    mag_t size;
    mag_t bits;
    mag_init(size);
    mag_init(bits);
    acb_get_mag(size, exponent.get());
    const bool large_exponent = mag_cmp_2exp_si(size, 40) > 0;
    acb_get_mag(bits, base.get());
    const double log_base = std::abs(mag_get_d_log2_approx(bits));
    acb_get_mag_lower(bits, base.get());
    const double log_low = mag_is_zero(bits) ? 0 : std::abs(mag_get_d_log2_approx(bits));
    const double total = mag_get_d(size) * std::max(log_base, log_low);
    mag_clear(size);
    mag_clear(bits);
    if (large_exponent || total > static_cast<double>(kMostMagnitude)) {
      throw OverBudget("value too large");
    }
  }

  Ball power(const Node& node) {
    const Ball base = value(node.children[0]);
    const std::optional<mpq_class> exact = exact_rational(node.children[1], budget_);
    if (exact) {
      check_power(base, Ball(*exact, 64));
      return rational_power_of(base, *exact);
    }
    const Ball exponent = value(node.children[1]);
    check_power(base, exponent);
    Ball result;
    if (acb_is_zero(base.get())) {
      if (!arb_is_positive(acb_realref(exponent.get()))) return undefined();
      return result;
    }
    acb_pow(result.get(), base.get(), exponent.get(), precision_);
    return result;
  }

  /// A negative real base has a real power when the exponent's denominator is odd, as in
  /// school: (-8)^(1/3) is -2.
  Ball rational_power_of(const Ball& base, const mpq_class& exponent) const {
    if (acb_is_zero(base.get())) return exponent > 0 ? Ball() : undefined();
    const mpz_class& below = exponent.get_den();
    if (below != 1 && below.fits_slong_p() && mpz_odd_p(below.get_mpz_t()) &&
        base.is_real() && arb_is_negative(acb_realref(base.get()))) {
      Ball rooted = base;
      acb_neg(rooted.get(), rooted.get());
      rooted = raised(rooted, mpq_class(1, below));
      acb_neg(rooted.get(), rooted.get());
      return raised(rooted, exponent.get_num());
    }
    return raised(base, exponent);
  }

  Ball raised(const Ball& base, const mpq_class& exponent) const {
    Ball result;
    if (exponent.get_den() == 1 && exponent.get_num().fits_slong_p()) {
      acb_pow_si(result.get(), base.get(), exponent.get_num().get_si(), precision_);
    } else if (exponent.get_den() == 2 && exponent.get_num() == 1) {
      acb_sqrt(result.get(), base.get(), precision_);
    } else {
      acb_pow(result.get(), base.get(), Ball(exponent, precision_).get(), precision_);
    }
    return result;
  }

  Ball root(const Node& node) {
    const Ball base = value(node.children[0]);
    const std::optional<mpq_class> index = exact_rational(node.children[1], budget_);
    if (index) {
      if (*index == 0) return undefined();
      check_power(base, Ball(1 / *index, 64));
      return rational_power_of(base, 1 / *index);
    }
    const Ball below = value(node.children[1]);
    Ball exponent;
    acb_inv(exponent.get(), below.get(), precision_);
    check_power(base, exponent);
    Ball result;
    acb_pow(result.get(), base.get(), exponent.get(), precision_);
    return result;
  }

  // ---- functions

  Ball function(const Node& node) {
    if (!is_known_function(node.name)) {
      const auto at = assignment_.find(sorted_form(std::make_shared<Node>(node)));
      return at == assignment_.end() ? undefined() : at->second;
    }
    if (node.children.empty() || node.children.size() > 2) return undefined();
    Ball first = value(node.children[0]);
    if (!first.is_finite()) return first;
    if (node.children.size() == 2)
      return of_two(node.name, first, value(node.children[1]));
    if (node.name.size() > 1 && node.name[0] == 'a' && node.name != "abs") {
      return inverse(node.name, first);
    }
    return of_one(node.name, first);
  }

  Ball of_one(const std::string& name, const Ball& x) const {
    struct Entry {
      const char* name;
      void (*compute)(acb_t, const acb_t, slong);
    };
    static constexpr Entry kEntries[] = {
        {"sin", acb_sin},   {"cos", acb_cos},   {"tan", acb_tan},   {"cot", acb_cot},
        {"sec", acb_sec},   {"csc", acb_csc},   {"sinh", acb_sinh}, {"cosh", acb_cosh},
        {"tanh", acb_tanh}, {"coth", acb_coth}, {"ln", acb_log},    {"gamma", acb_gamma},
    };
    Ball result;
    for (const Entry& entry : kEntries) {
      if (name != entry.name) continue;
      if (name == "ln" && x.contains_zero()) return undefined();
      entry.compute(result.get(), x.get(), precision_);
      return result;
    }
    if (name == "exp") {
      mag_t size;
      mag_init(size);
      acb_get_mag(size, x.get());
      const bool large = mag_cmp_2exp_si(size, 31) > 0;
      mag_clear(size);
      if (large) throw OverBudget("value too large");
      acb_exp(result.get(), x.get(), precision_);
    } else if (name == "factorial") {
      acb_add_si(result.get(), x.get(), 1, precision_);
      return gamma(result);
    } else if (name == "abs") {
      acb_abs(acb_realref(result.get()), x.get(), precision_);
    } else if (name == "re") {
      acb_get_real(acb_realref(result.get()), x.get());
    } else if (name == "im") {
      acb_get_imag(acb_realref(result.get()), x.get());
    } else if (name == "conj") {
      acb_conj(result.get(), x.get());
    } else if (name == "floor" || name == "ceil") {
      return whole(name == "floor", x);
    } else {
      return undefined();
    }
    return result;
  }

  /// Surely an integer, or not finite: a ball about an integer has no floor.
  Ball whole(bool down, const Ball& x) const {
    if (!x.is_real()) return undefined();
    Ball result;
    if (down) {
      arb_floor(acb_realref(result.get()), acb_realref(x.get()), precision_);
    } else {
      arb_ceil(acb_realref(result.get()), acb_realref(x.get()), precision_);
    }
    return arb_is_exact(acb_realref(result.get())) ? result : undefined();
  }

  Ball gamma(const Ball& x) const {
    mag_t size;
    mag_init(size);
    acb_get_mag(size, x.get());
    const bool large = mag_cmp_2exp_si(size, 26) > 0;
    mag_clear(size);
    if (large) throw OverBudget("value too large");
    Ball result;
    acb_gamma(result.get(), x.get(), precision_);
    return result;
  }

  Ball inverse(const std::string& name, const Ball& x) const {
    struct Entry {
      const char* name;
      void (*compute)(acb_t, const acb_t, slong);
      bool of_reciprocal;
    };
    static constexpr Entry kEntries[] = {
        {"asin", acb_asin, false},   {"acos", acb_acos, false},
        {"atan", acb_atan, false},   {"acot", acb_atan, true},
        {"asec", acb_acos, true},    {"acsc", acb_asin, true},
        {"asinh", acb_asinh, false}, {"acosh", acb_acosh, false},
        {"atanh", acb_atanh, false},
    };
    for (const Entry& entry : kEntries) {
      if (name != entry.name) continue;
      Ball argument = x;
      if (entry.of_reciprocal) acb_inv(argument.get(), argument.get(), precision_);
      Ball result;
      entry.compute(result.get(), argument.get(), precision_);
      return result;
    }
    return undefined();
  }

  Ball of_two(const std::string& name, const Ball& x, const Ball& y) const {
    if (!y.is_finite()) return y;
    Ball result;
    if (name == "binom") return binomial(x, y);
    if (!x.is_real() || !y.is_real()) return undefined();
    arb_ptr out = acb_realref(result.get());
    if (name == "min") {
      arb_min(out, acb_realref(x.get()), acb_realref(y.get()), precision_);
    } else if (name == "max") {
      arb_max(out, acb_realref(x.get()), acb_realref(y.get()), precision_);
    } else if (name == "mod") {
      arb_div(out, acb_realref(x.get()), acb_realref(y.get()), precision_);
      result = whole(true, result);
      arb_mul(acb_realref(result.get()), acb_realref(result.get()), acb_realref(y.get()),
              precision_);
      arb_sub(acb_realref(result.get()), acb_realref(x.get()), acb_realref(result.get()),
              precision_);
    } else {
      return undefined();
    }
    return result;
  }

  /// Gamma(x+1) / Gamma(y+1) / Gamma(x-y+1)
  Ball binomial(const Ball& x, const Ball& y) const {
    Ball above;
    Ball below;
    acb_add_si(above.get(), x.get(), 1, precision_);
    above = gamma(above);
    acb_add_si(below.get(), y.get(), 1, precision_);
    const Ball first = gamma(below);
    acb_sub(below.get(), x.get(), y.get(), precision_);
    acb_add_si(below.get(), below.get(), 1, precision_);
    const Ball second = gamma(below);
    acb_div(above.get(), above.get(), first.get(), precision_);
    acb_div(above.get(), above.get(), second.get(), precision_);
    return above;
  }

  const Assignment& assignment_;
  const slong precision_;
  MathBudget& budget_;
};

}  // namespace

void register_thread_cleanup() {
  static thread_local ThreadCleanup cleanup;
  (void)cleanup;
}

Ball::Ball(const mpq_class& value, slong precision) : Ball() {
  fmpq_t number;
  fmpq_init(number);
  fmpq_set_mpq(number, value.get_mpq_t());
  acb_set_fmpq(value_, number, precision);
  fmpq_clear(number);
}

Ball evaluate(const NodePtr& node, const Assignment& assignment, slong precision,
              MathBudget& budget) {
  register_thread_cleanup();
  return Evaluator(assignment, precision, budget).value(node);
}

}  // namespace srpo::verify
