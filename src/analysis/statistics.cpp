#include "analysis/statistics.h"

#include <cmath>

namespace srpo::analysis {
namespace {

constexpr double kZ = 1.959963984540054;  // 97.5 % quantile of the normal distribution
constexpr double kLeastDeviation = 1e-8;

}  // namespace

std::optional<double> Mean::value() const {
  if (count_ == 0) return std::nullopt;
  return sum_ / static_cast<double>(count_);
}

Interval wilson_interval(uint64_t successes, uint64_t total) {
  if (total == 0) return {};
  const auto n = static_cast<double>(total);
  const double share = static_cast<double>(successes) / n;
  const double divisor = 1 + kZ * kZ / n;
  const double center = (share + kZ * kZ / (2 * n)) / divisor;
  const double half =
      kZ / divisor * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  // At the ends the formula gives 0 and 1 but for rounding.
  return {successes == 0 ? 0 : center - half, successes == total ? 1 : center + half};
}

std::optional<double> Proportion::share() const {
  if (total == 0) return std::nullopt;
  return static_cast<double>(successes) / static_cast<double>(total);
}

std::optional<double> mean(const std::vector<double>& values) {
  Mean mean;
  for (const double value : values) mean.add(value);
  return mean.value();
}

double population_deviation(const std::vector<double>& values) {
  if (values.empty()) return 0;
  const double center = *mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

std::vector<double> group_advantages(const std::vector<double>& rewards) {
  std::vector<double> advantages(rewards.size(), 0);
  if (is_flat(rewards)) return advantages;
  const double center = *mean(rewards);
  const double deviation = population_deviation(rewards);
  for (size_t i = 0; i < rewards.size(); ++i)
    advantages[i] = (rewards[i] - center) / deviation;
  return advantages;
}

bool is_flat(const std::vector<double>& rewards) {
  return population_deviation(rewards) < kLeastDeviation;
}

}  // namespace srpo::analysis
