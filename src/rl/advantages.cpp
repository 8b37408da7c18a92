#include "rl/advantages.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace srpo::rl {
namespace {

constexpr double kLeastStd = 1e-8;
constexpr double kGrpoEpsilon = 1e-6;

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

/// Root of the squared deviations' sum over `divisor`.
double deviation(const std::vector<double>& values, double mean, double divisor) {
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / divisor);
}

std::vector<double> centred_over(const std::vector<double>& rewards, double mean,
                                 double scale) {
  std::vector<double> advantages;
  advantages.reserve(rewards.size());
  for (const double reward : rewards) advantages.push_back((reward - mean) / scale);
  return advantages;
}

}  // namespace

std::vector<double> srpo_advantages(const std::vector<double>& rewards,
                                    double std_floor) {
  if (rewards.empty()) return {};
  const double mean = mean_of(rewards);
  const double std = deviation(rewards, mean, static_cast<double>(rewards.size()));
  if (std < kLeastStd) return std::vector<double>(rewards.size(), 0.0);
  return centred_over(rewards, mean, std::max(std, std_floor));
}

std::vector<double> grpo_advantages(const std::vector<double>& rewards) {
  if (rewards.size() < 2) return std::vector<double>(rewards.size(), 0.0);
  // Equal rewards first: rounding of the mean must not leave a tiny advantage.
  if (std::adjacent_find(rewards.begin(), rewards.end(), std::not_equal_to<>()) ==
      rewards.end()) {
    return std::vector<double>(rewards.size(), 0.0);
  }
  const double mean = mean_of(rewards);
  const double std = deviation(rewards, mean, static_cast<double>(rewards.size()) - 1);
  return centred_over(rewards, mean, std + kGrpoEpsilon);
}

}  // namespace srpo::rl
