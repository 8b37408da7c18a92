#include "rl/tabular/binomial.h"

#include <cmath>

namespace srpo::rl::tabular {
namespace {

/// log k! less Stirling's formula for it, in the form that the rejection needs.
double stirling_rest(double k) {
  static constexpr double kTable[] = {
      0.08106146679532726, 0.04134069595540929, 0.02767792568499834, 0.02079067210376509,
      0.01664469118982119, 0.01387612882307075, 0.01189670994589177, 0.01041126526197209,
      0.00925546218271273, 0.00833056343336287};
  if (k <= 9) return kTable[static_cast<int>(k)];
  const double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

uint64_t by_inversion(uint64_t count, double chance, core::Rng& rng) {
  const double odds = chance / (1 - chance);
  while (true) {
    double mass = std::pow(1 - chance, static_cast<double>(count));
    double at = rng.uniform();
    for (uint64_t k = 0; k <= count; ++k) {
      if (at < mass) return k;
      at -= mass;
      mass *= odds * static_cast<double>(count - k) / static_cast<double>(k + 1);
    }
  }
}

uint64_t by_rejection(uint64_t count, double chance, core::Rng& rng) {
  const auto n = static_cast<double>(count);
  const double deviation = std::sqrt(n * chance * (1 - chance));
  const double b = 1.15 + 2.53 * deviation;
  const double a = -0.0873 + 0.0248 * b + 0.01 * chance;
  const double centre = n * chance + 0.5;
  const double quick = 0.92 - 4.2 / b;
  const double odds = chance / (1 - chance);
  const double alpha = (2.83 + 5.1 / b) * deviation;
  const double mode = std::floor((n + 1) * chance);
  while (true) {
    const double u = rng.uniform() - 0.5;
    double v = rng.uniform();
    const double edge = 0.5 - std::abs(u);
    if (edge <= 0) continue;
    const double k = std::floor((2 * a / edge + b) * u + centre);
    if (k < 0 || k > n) continue;
    if (edge >= 0.07 && v <= quick) return static_cast<uint64_t>(k);
    v = std::log(v * alpha / (a / (edge * edge) + b));
    const double bound = (mode + 0.5) * std::log((mode + 1) / (odds * (n - mode + 1))) +
                         (n + 1) * std::log((n - mode + 1) / (n - k + 1)) +
                         (k + 0.5) * std::log(odds * (n - k + 1) / (k + 1)) +
                         stirling_rest(mode) + stirling_rest(n - mode) -
                         stirling_rest(k) - stirling_rest(n - k);
    if (v <= bound) return static_cast<uint64_t>(k);
  }
}

}  // namespace

uint64_t draw_binomial(uint64_t count, double chance, core::Rng& rng) {
  if (count == 0 || chance <= 0) return 0;
  if (chance >= 1) return count;
  if (chance > 0.5) return count - draw_binomial(count, 1 - chance, rng);
  return static_cast<double>(count) * chance < 10 ? by_inversion(count, chance, rng)
                                                  : by_rejection(count, chance, rng);
}

}  // namespace srpo::rl::tabular
