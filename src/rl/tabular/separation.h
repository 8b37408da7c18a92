// How many returns a reset rule needs before its step is as good as promised.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "rl/tabular/two_context.h"

namespace srpo::rl::tabular {

struct SearchOptions {
  uint32_t trials = 600;  ///< at each number of returns
  double success = 0.9;   ///< share of them that must reach the promise
  uint64_t seed = 1;
  uint32_t experiment = 0;  ///< experiments of different number share no draw
};

struct TrialSummary {
  double success = 0;       ///< share whose exact gain reaches the promise
  double not_positive = 0;  ///< share whose estimate is not above 0
  double mean_gain = 0;
};

/// `options.trials` independent trials with this many returns each.
TrialSummary run_trials(const TwoContext& game, const TrialOptions& options,
                        uint64_t num_returns, const SearchOptions& search);

/// The smallest number of returns on the grid ceil(1.15^k) with the wanted share of
/// successes, taking the share to grow with it; nothing when 10^10 are too few.
std::optional<uint64_t> needed_returns(const TwoContext& game,
                                       const TrialOptions& options,
                                       const SearchOptions& search);

/// The least-squares slope of log y over log x; nothing for fewer than two points.
std::optional<double> log_log_slope(const std::vector<std::pair<double, double>>& points);

}  // namespace srpo::rl::tabular
