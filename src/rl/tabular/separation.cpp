#include "rl/tabular/separation.h"

#include <cmath>

#include "core/error.h"

namespace srpo::rl::tabular {
namespace {

constexpr int kLargestExponent = 164;  // 1.15^164 is about 9e9
constexpr int kStride = 8;

uint64_t grid(int exponent) {
  return static_cast<uint64_t>(std::ceil(std::pow(1.15, exponent)));
}

}  // namespace

TrialSummary run_trials(const TwoContext& game, const TrialOptions& options,
                        uint64_t num_returns, const SearchOptions& search) {
  REQUIRE(search.trials > 0, kBadInput, "no trials (expected 1 or more)");
  REQUIRE(num_returns > 0, kBadInput, "no returns (expected 1 or more)");
  TrialSummary summary;
  for (uint32_t i = 0; i < search.trials; ++i) {
    const uint64_t stream = (uint64_t{search.experiment} << 20 | i) * 0x9E3779B97F4A7C15u;
    core::Rng rng(search.seed, core::Purpose::kSampling, stream ^ num_returns);
    const ContextReturns returns = draw_returns(game, options, num_returns, rng);
    const Trial trial = finish_trial(game, options, num_returns, returns);
    summary.success += trial.gain >= promised_gain(game, options) ? 1 : 0;
    summary.not_positive += trial.advantage <= 0 ? 1 : 0;
    summary.mean_gain += trial.gain;
  }
  summary.success /= search.trials;
  summary.not_positive /= search.trials;
  summary.mean_gain /= search.trials;
  return summary;
}

std::optional<uint64_t> needed_returns(const TwoContext& game,
                                       const TrialOptions& options,
                                       const SearchOptions& search) {
  const auto is_enough = [&](int exponent) {
    return run_trials(game, options, grid(exponent), search).success >= search.success;
  };
  int high = kStride;
  while (!is_enough(high)) {
    if (high == kLargestExponent) return std::nullopt;
    high = std::min(high + kStride, kLargestExponent);
  }
  int low = high - kStride;  // too few, or the smallest of all
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (is_enough(middle) ? high : low) = middle;
  }
  return grid(high);
}

std::optional<double> log_log_slope(
    const std::vector<std::pair<double, double>>& points) {
  if (points.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(points.size());
  double x_mean = 0;
  double y_mean = 0;
  for (const auto& [x, y] : points) {
    x_mean += std::log(x) / n;
    y_mean += std::log(y) / n;
  }
  double covariance = 0;
  double variance = 0;
  for (const auto& [x, y] : points) {
    covariance += (std::log(x) - x_mean) * (std::log(y) - y_mean);
    variance += (std::log(x) - x_mean) * (std::log(x) - x_mean);
  }
  if (variance <= 0) return std::nullopt;
  return covariance / variance;
}

}  // namespace srpo::rl::tabular
