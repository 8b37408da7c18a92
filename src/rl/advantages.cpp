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

std::vector<double> group_advantages(const std::vector<double>& rewards,
                                     const AdvantageRule& rule) {
  // Equal rewards first: rounding of the mean must not leave a tiny advantage.
  if (std::adjacent_find(rewards.begin(), rewards.end(), std::not_equal_to<>()) ==
      rewards.end()) {
    return std::vector<double>(rewards.size(), 0.0);
  }
  const double mean = mean_of(rewards);
  if (rule.deviation == Deviation::kNone) return centred_over(rewards, mean, 1);
  const double ddof = rule.deviation == Deviation::kSample ? 1 : 0;
  const double std = deviation(rewards, mean, static_cast<double>(rewards.size()) - ddof);
  if (std < kLeastStd) return std::vector<double>(rewards.size(), 0.0);
  return centred_over(rewards, mean, std::max(std + rule.epsilon, rule.std_floor));
}

std::vector<double> srpo_advantages(const std::vector<double>& rewards,
                                    double std_floor) {
  return group_advantages(rewards, {Deviation::kPopulation, std_floor, 0});
}

std::vector<double> grpo_advantages(const std::vector<double>& rewards) {
  return group_advantages(rewards, {Deviation::kSample, 0, kGrpoEpsilon});
}

}  // namespace srpo::rl
