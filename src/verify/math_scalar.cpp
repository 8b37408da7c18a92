#include "verify/math_scalar.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"
#include "verify/math_ball.h"
#include "verify/math_normal_form.h"
#include "verify/math_rational.h"

namespace srpo::verify {
namespace {

constexpr slong kFirstPrecision = 128;
constexpr slong kConstantAgreement = 333;  // 100 digits
constexpr slong kMostConstantBits = 16384;
constexpr slong kPointAgreement = 160;  // 48 digits
constexpr double kMostSeparationBits = 12000;
constexpr int kNumPoints = 6;
constexpr int kMostPoints = 24;
constexpr size_t kMostUnknowns = 16;

/// |difference| <= 2^-agreement * (|a| + |b|), surely; never for values not found.
bool agree(const Ball& a, const Ball& b, slong agreement) {
  if (!a.is_finite() || !b.is_finite()) return false;
  Ball difference;
  acb_sub(difference.get(), a.get(), b.get(), 4 * agreement);
  mag_t size;
  mag_t other;
  mag_t gap;
  mag_init(size);
  mag_init(other);
  mag_init(gap);
  acb_get_mag(size, a.get());
  acb_get_mag(other, b.get());
  mag_add(size, size, other);
  mag_mul_2exp_si(size, size, -agreement);
  acb_get_mag(gap, difference.get());
  const bool close = mag_cmp(gap, size) <= 0;
  mag_clear(size);
  mag_clear(other);
  mag_clear(gap);
  return close;
}

bool surely_differ(const Ball& a, const Ball& b) {
  return a.is_finite() && b.is_finite() && acb_overlaps(a.get(), b.get()) == 0;
}

Comparison same(std::string reason) { return {true, std::move(reason)}; }
Comparison different(std::string reason) { return {false, std::move(reason)}; }

/// Algebraic constants whose balls overlap: equal when the difference is below the bound.
std::optional<Comparison> by_separation(const NodePtr& left, const NodePtr& right,
                                        MathBudget& budget) {
  const NodePtr gap = make_sum({left, negated(right)});
  const std::optional<double> bits = separation_bits(gap, budget);
  if (!bits || *bits > kMostSeparationBits) return std::nullopt;
  const slong precision = 2 * static_cast<slong>(*bits) + 256;
  const Ball value = evaluate(gap, {}, precision, budget);
  if (!value.is_finite()) return std::nullopt;
  if (!value.contains_zero()) return different("the values differ");
  mag_t size;
  mag_init(size);
  acb_get_mag(size, value.get());
  const bool zero = mag_cmp_2exp_si(size, -static_cast<slong>(std::ceil(*bits))) < 0;
  mag_clear(size);
  if (!zero) return std::nullopt;
  return same("the difference is zero by a separation bound");
}

/// The bits of all rational numbers in a constant: so many more digits could hide a small
/// part of it.
slong rational_bits(const NodePtr& node, MathBudget& budget) {
  if (const auto value = exact_rational(node, budget)) {
    return static_cast<slong>(mpz_sizeinbase(value->get_num_mpz_t(), 2) +
                              mpz_sizeinbase(value->get_den_mpz_t(), 2));
  }
  slong bits = 0;
  for (const NodePtr& child : node->children) bits += rational_bits(child, budget);
  return bits;
}

Comparison compare_constants(const NodePtr& left, const NodePtr& right,
                             MathBudget& budget) {
  const Ball a = evaluate(left, {}, kFirstPrecision, budget);
  const Ball b = evaluate(right, {}, kFirstPrecision, budget);
  if (surely_differ(a, b)) return different("the values differ");
  if (!a.is_finite() || !b.is_finite()) return different("a value is not defined");
  if (const auto decided = by_separation(left, right, budget)) return *decided;
  const slong agreement =
      kConstantAgreement + rational_bits(left, budget) + rational_bits(right, budget);
  if (agreement > kMostConstantBits) throw OverBudget("constants with too many digits");
  for (const slong factor : {1, 4}) {
    const slong precision = factor * (agreement + 64);
    const Ball c = evaluate(left, {}, precision, budget);
    const Ball d = evaluate(right, {}, precision, budget);
    if (surely_differ(c, d)) return different("the values differ");
    if (agree(c, d, agreement)) return same("the values agree to 100 digits");
  }
  return different("undecided: the values agree as far as they could be computed");
}

/// Where unknowns are counted in whole numbers.
bool needs_integers(const NodePtr& node) {
  return contains_function(node, {"floor", "ceil", "mod", "factorial", "binom", "gcd"});
}

bool has_power_of_negative(const NodePtr& node) {
  if (node->kind == NodeKind::kPow && node->children[0]->kind == NodeKind::kNumber &&
      node->children[0]->value < 0 && node->children[1]->kind != NodeKind::kNumber) {
    return true;
  }
  return std::any_of(node->children.begin(), node->children.end(), has_power_of_negative);
}

bool has_imaginary(const NodePtr& node) {
  return (node->kind == NodeKind::kConstant && node->name == "i") ||
         std::any_of(node->children.begin(), node->children.end(), has_imaginary);
}

bool is_counting_name(const std::string& name) {
  return name.size() == 1 && std::string("jklmnNpqMK").find(name) != std::string::npos;
}

Assignment make_point(const std::set<std::string>& unknowns, int number, bool integers,
                      bool negative) {
  Assignment point;
  core::Rng rng(20, core::Purpose::kTest, static_cast<uint64_t>(number));
  for (const std::string& name : unknowns) {
    mpq_class value;
    if (integers && is_counting_name(name)) {
      value = static_cast<unsigned long>(2 + rng.below(23));
    } else {
      value = mpq_class(static_cast<unsigned long>(300 + rng.below(2700)),
                        static_cast<unsigned long>(1009));
      if (negative && rng.below(3) != 0) value = -value;
    }
    value.canonicalize();
    point.emplace(name, Ball(value, 4096));
  }
  return point;
}

enum class PointVerdict { kAgree, kDiffer, kUnknown };

/// At a negative point values count only where both are real or the answer is complex by
/// its nature: a root that leaves the real numbers says nothing about the answer.
PointVerdict at_point(const NodePtr& left, const NodePtr& right, const Assignment& point,
                      bool real_only, MathBudget& budget) {
  for (const slong precision : {slong{256}, slong{1024}}) {
    const Ball a = evaluate(left, point, precision, budget);
    const Ball b = evaluate(right, point, precision, budget);
    if (!a.is_finite() || !b.is_finite()) continue;
    if (real_only && (!a.is_real() || !b.is_real())) return PointVerdict::kUnknown;
    if (surely_differ(a, b)) return PointVerdict::kDiffer;
    if (agree(a, b, kPointAgreement)) return PointVerdict::kAgree;
  }
  return PointVerdict::kUnknown;
}

Comparison compare_functions(const NodePtr& left, const NodePtr& right,
                             const std::set<std::string>& unknowns, MathBudget& budget) {
  if (unknowns.size() > kMostUnknowns) throw OverBudget("too many unknowns");
  const bool integers = needs_integers(left) || needs_integers(right) ||
                        has_power_of_negative(left) || has_power_of_negative(right);
  const bool complex = has_imaginary(left) || has_imaginary(right);
  int num_agreeing = 0;
  for (int number = 0; number < kMostPoints; ++number) {
    const bool negative = number % 3 == 2;
    const Assignment point = make_point(unknowns, number, integers, negative);
    switch (at_point(left, right, point, negative && !complex, budget)) {
      case PointVerdict::kDiffer:
        return different("the values differ at a point");
      case PointVerdict::kAgree:
        ++num_agreeing;
        break;
      case PointVerdict::kUnknown:
        break;
    }
    if (num_agreeing >= kNumPoints && number >= 8) {
      return same("the values agree to 48 digits at random points");
    }
  }
  return different("undecided: no value at enough points");
}

}  // namespace

int infinite_sign(const NodePtr& node) {
  if (node->kind == NodeKind::kConstant && node->name == "inf") return 1;
  if (node->kind != NodeKind::kMul || node->children.size() != 2) return 0;
  const Node& sign = *node->children[0];
  const Node& value = *node->children[1];
  const bool negative = sign.kind == NodeKind::kNumber && sign.value == -1 &&
                        value.kind == NodeKind::kConstant && value.name == "inf";
  return negative ? -1 : 0;
}

Comparison compare_scalars(const NodePtr& left, const NodePtr& right,
                           MathBudget& budget) {
  if (!is_scalar(left) || !is_scalar(right)) return different("not both are values");
  if (infinite_sign(left) != 0 || infinite_sign(right) != 0) {
    if (infinite_sign(left) == infinite_sign(right)) return same("both are infinite");
    return different("one is infinite");
  }
  const auto a = exact_rational(left, budget);
  const auto b = exact_rational(right, budget);
  if (a && b) {
    return *a == *b ? same("the same rational number")
                    : different("different rational numbers");
  }
  if (sorted_form(left) == sorted_form(right)) return same("the same form");
  const Proof proof = compare_normal_forms(left, right, budget);
  if (proof == Proof::kEqual) return same("the same normal form");
  if (proof == Proof::kUnequal) return different("different normal forms");
  std::set<std::string> unknowns;
  collect_unknowns(left, &unknowns);
  collect_unknowns(right, &unknowns);
  if (unknowns.empty()) return compare_constants(left, right, budget);
  return compare_functions(left, right, unknowns, budget);
}

bool are_proportional(const NodePtr& left, const NodePtr& right, MathBudget& budget) {
  std::set<std::string> unknowns;
  collect_unknowns(left, &unknowns);
  collect_unknowns(right, &unknowns);
  if (unknowns.empty() || unknowns.size() > kMostUnknowns) return false;
  std::optional<Ball> ratio;
  int num_agreeing = 0;
  for (int number = 0; number < kMostPoints && num_agreeing < kNumPoints; ++number) {
    const Assignment point = make_point(unknowns, number, false, number % 3 == 2);
    const Ball a = evaluate(left, point, 256, budget);
    const Ball b = evaluate(right, point, 256, budget);
    if (!a.is_finite() || !b.is_finite() || !a.is_real() || !b.is_real()) continue;
    if (a.contains_zero() || b.contains_zero()) continue;
    Ball next;
    acb_div(next.get(), a.get(), b.get(), 256);
    if (ratio && !agree(*ratio, next, kPointAgreement)) return false;
    ratio = next;
    ++num_agreeing;
  }
  return num_agreeing >= kNumPoints;
}

std::optional<int> order_of(const NodePtr& left, const NodePtr& right,
                            MathBudget& budget) {
  const int a = infinite_sign(left);
  const int b = infinite_sign(right);
  if (a != 0 || b != 0) return a == b ? 0 : (a - b > 0 ? 1 : -1);
  const auto exact_left = exact_rational(left, budget);
  const auto exact_right = exact_left ? exact_rational(right, budget) : exact_left;
  if (exact_right) {
    const int order = cmp(*exact_left, *exact_right);
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
  }
  std::set<std::string> unknowns;
  collect_unknowns(left, &unknowns);
  collect_unknowns(right, &unknowns);
  if (!unknowns.empty()) return std::nullopt;
  const Ball x = evaluate(left, {}, kFirstPrecision, budget);
  const Ball y = evaluate(right, {}, kFirstPrecision, budget);
  if (!x.is_finite() || !y.is_finite() || !x.is_real() || !y.is_real()) {
    return std::nullopt;
  }
  if (arb_lt(acb_realref(x.get()), acb_realref(y.get()))) return -1;
  if (arb_gt(acb_realref(x.get()), acb_realref(y.get()))) return 1;
  if (compare_constants(left, right, budget).same) return 0;
  return std::nullopt;
}

bool are_close(const NodePtr& left, const NodePtr& right, int decimals,
               MathBudget& budget) {
  if (decimals > 1000) return false;
  const slong precision = 256 + 4 * slong{decimals};
  const Ball gap = evaluate(make_sum({left, negated(right)}), {}, precision, budget);
  if (!gap.is_finite() || !gap.is_real()) return false;
  mpz_class scale;
  mpz_ui_pow_ui(scale.get_mpz_t(), 10, static_cast<unsigned>(decimals));
  const Ball half(mpq_class(1, scale * 2), precision);
  Ball size;
  acb_abs(acb_realref(size.get()), gap.get(), precision);
  return arb_le(acb_realref(size.get()), acb_realref(half.get())) != 0;
}

}  // namespace srpo::verify
