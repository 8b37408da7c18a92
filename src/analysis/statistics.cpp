#include "analysis/statistics.h"

#include <algorithm>
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

void Moments::add(double value) {
  ++count_;
  sum_ += value;
  squares_ += static_cast<long double>(value) * value;
}

void Moments::merge(const Moments& other) {
  count_ += other.count_;
  sum_ += other.sum_;
  squares_ += other.squares_;
}

std::optional<double> Moments::mean() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<double>(sum_ / static_cast<long double>(count_));
}

double Moments::spread() const {
  const long double spread = squares_ - sum_ * sum_ / static_cast<long double>(count_);
  return static_cast<double>(std::max(spread, 0.0L));
}

std::optional<double> Moments::deviation() const {
  if (count_ == 0) return std::nullopt;
  return std::sqrt(spread() / static_cast<double>(count_));
}

std::optional<double> Moments::half_width() const {
  if (count_ < 2) return std::nullopt;
  const auto n = static_cast<double>(count_);
  return kZ * std::sqrt(spread() / (n - 1) / n);
}

std::optional<Interval> Moments::interval() const {
  const auto half = half_width();
  if (!half) return std::nullopt;
  return Interval{*mean() - *half, *mean() + *half};
}

void Correlation::add(double x, double y) {
  ++count_;
  const auto n = static_cast<double>(count_);
  const double dx = x - mean_x_;
  const double dy = y - mean_y_;
  mean_x_ += dx / n;
  mean_y_ += dy / n;
  xx_ += dx * (x - mean_x_);
  yy_ += dy * (y - mean_y_);
  xy_ += dx * (y - mean_y_);
}

std::optional<double> Correlation::value() const {
  if (count_ < 2 || xx_ <= 0 || yy_ <= 0) return std::nullopt;
  return xy_ / std::sqrt(xx_ * yy_);
}

size_t Histogram::bin_of(double value) const {
  const auto last = static_cast<double>(counts_.size() - 1);
  const double bin = std::floor(
      (value - low_) / (high_ - low_) * static_cast<double>(counts_.size()) + 1e-9);
  return std::isnan(bin) ? 0 : static_cast<size_t>(std::clamp(bin, 0.0, last));
}

double Histogram::edge(size_t bin) const {
  return low_ +
         (high_ - low_) * static_cast<double>(bin) / static_cast<double>(counts_.size());
}

uint64_t Histogram::total() const {
  uint64_t sum = 0;
  for (const uint64_t count : counts_) sum += count;
  return sum;
}

double mcnemar_p(uint64_t b, uint64_t c) {
  const auto n = static_cast<double>(b + c);
  if (b == c) return 1;
  double tail = 0;
  for (uint64_t k = 0; k <= std::min(b, c); ++k) {
    const auto at = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(at + 1) - std::lgamma(n - at + 1) -
                     n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
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
