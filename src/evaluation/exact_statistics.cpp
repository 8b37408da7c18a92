#include "evaluation/exact_statistics.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/random.h"

namespace srpo::evaluation {
namespace {

double log_choose(uint64_t n, uint64_t k) {
  const auto real = [](uint64_t value) { return static_cast<double>(value); };
  return std::lgamma(real(n) + 1) - std::lgamma(real(k) + 1) -
         std::lgamma(real(n - k) + 1);
}

/// The continued fraction of the incomplete beta function (Lentz).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double value = d;
  for (int m = 1; m <= 500; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    for (const double term : {even, odd}) {
      d = 1 + term * d;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1 + term / c;
      if (std::abs(c) < kTiny) c = kTiny;
      value *= d * c;
    }
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return value;
}

/// Regularized incomplete beta function.
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double upper_tail_of_t(double t, double degrees) {
  return 0.5 * incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t));
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Between the two nearest of the sorted values, in proportion.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

}  // namespace

double pass_at_k(uint64_t samples, uint64_t correct, uint64_t k) {
  REQUIRE(k >= 1 && k <= samples && correct <= samples, kBadInput,
          "pass@" << k << " of " << correct << " right among " << samples
                  << " samples (expected 1 <= k <= samples, and no more right)");
  if (samples - correct < k) return 1;
  double all_wrong = 1;
  for (uint64_t i = samples - correct + 1; i <= samples; ++i)
    all_wrong *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - all_wrong;
}

double student_t_975(uint64_t degrees_of_freedom) {
  REQUIRE(degrees_of_freedom > 0, kBadInput, "Student's t with 0 degrees of freedom");
  double low = 0;
  double high = 20;
  for (int i = 0; i < 200 && high - low > 1e-13 * high; ++i) {
    const double middle = (low + high) / 2;
    const double tail = upper_tail_of_t(middle, static_cast<double>(degrees_of_freedom));
    (tail > 0.025 ? low : high) = middle;
  }
  return (low + high) / 2;
}

SeedMean mean_over_seeds(const std::vector<double>& values) {
  SeedMean result;
  if (values.empty()) return result;
  const double mean = mean_of(values);
  result.mean = {mean, mean, mean};
  if (values.size() < 2) return result;
  const auto n = static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  result.deviation = std::sqrt(squares / (n - 1));
  const double reach = student_t_975(values.size() - 1) * result.deviation / std::sqrt(n);
  result.mean = {mean, mean - reach, mean + reach};
  result.has_interval = true;
  return result;
}

std::optional<Estimate> bootstrap_mean(const std::vector<double>& values,
                                       uint32_t resamples, uint64_t seed) {
  if (values.empty()) return std::nullopt;
  REQUIRE(resamples > 0, kBadInput, "a bootstrap of no resamples (expected 1 or more)");
  std::vector<double> means(resamples);
  for (uint32_t i = 0; i < resamples; ++i) {
    core::Rng rng(seed, core::Purpose::kDataOrder, i);
    double sum = 0;
    for (size_t j = 0; j < values.size(); ++j) sum += values[rng.below(values.size())];
    means[i] = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  return Estimate{mean_of(values), quantile(means, 0.025), quantile(means, 0.975)};
}

McNemar mcnemar(uint64_t only_first, uint64_t only_second) {
  McNemar test{only_first, only_second};
  const uint64_t n = only_first + only_second;
  if (n == 0) return test;
  double tail = 0;
  for (uint64_t k = 0; k <= std::min(only_first, only_second); ++k)
    tail += std::exp(log_choose(n, k) - static_cast<double>(n) * std::log(2.0));
  test.exact_p = std::min(1.0, 2 * tail);
  const double difference =
      std::abs(static_cast<double>(only_first) - static_cast<double>(only_second));
  const double corrected = std::max(0.0, difference - 1);
  test.chi_square = corrected * corrected / static_cast<double>(n);
  test.chi_square_p = std::erfc(std::sqrt(test.chi_square / 2));
  return test;
}

std::optional<size_t> majority(const std::vector<std::string>& answers) {
  std::map<std::string, std::pair<size_t, size_t>> votes;  // count, first sample
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].empty()) continue;
    ++votes.try_emplace(answers[i], 0, i).first->second.first;
  }
  std::optional<std::pair<size_t, size_t>> best;
  for (const auto& [answer, vote] : votes) {
    if (!best || vote.first > best->first ||
        (vote.first == best->first && vote.second < best->second)) {
      best = vote;
    }
  }
  if (!best) return std::nullopt;
  return best->second;
}

}  // namespace srpo::evaluation
