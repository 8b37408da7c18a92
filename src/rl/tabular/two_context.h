// The game that separates random from credit-aware resets: at every step chance alone
// decides whether there is something to gain.
#pragma once

#include <cstdint>
#include <vector>

#include "rl/tabular/cpi.h"

namespace srpo::rl::tabular {

/// Method §8.4. At each step the context is G with chance `coverage`, else N, whatever
/// was done before. Every action pays 1 with chance 1/2, but action 1 at G with chance
/// 1/2 + threshold, action 1 at N with 1/2 + elsewhere. The policy plays action 0.
struct TwoContext {
  size_t horizon = 1;
  size_t actions = 2;
  double coverage = 0.5;
  double threshold = 0.25;
  double elsewhere = 0;

  /// With elsewhere = 0.05 threshold coverage.
  static TwoContext standard(size_t horizon, size_t actions, double coverage);
  /// States: 0 is G, 1 is N.
  Mdp to_mdp() const;
};

/// How an advantage is made from returns; all of them unbiased, to the fit's error.
enum class Estimator {
  kFitted,         ///< fitted action values: the paper's
  kRaw,            ///< the returns themselves
  kRawCentred,     ///< returns less the value of the state
  kFittedCentred,  ///< fitted action values less the value of the state
};

struct TrialOptions {
  ResetRule rule = ResetRule::kRandom;
  Estimator estimator = Estimator::kFitted;
  /// The class of value functions has nothing but "no gain" at N, and ties go to the
  /// policy's action: the greedy policy changes nothing there. Use with elsewhere = 0.
  bool knows_elsewhere = false;
  double false_positive = 0;  ///< chance that the oracle accepts N
  double false_negative = 0;  ///< chance that it refuses G
};

struct Trial {
  double advantage = 0;  ///< estimated
  double weight = 0;
  double gain = 0;  ///< exact, of the step that follows
};

/// Sums over returns by context (0 G, 1 N), action and step.
struct ContextReturns {
  std::vector<double> counts;
  std::vector<double> surplus;  ///< return less what the policy's value is there
  static size_t cell(const TwoContext& game, size_t context, size_t action, size_t step) {
    return (context * game.actions + action) * game.horizon + step;
  }
};

/// One return after another; O(returns * horizon).
ContextReturns draw_returns_one_by_one(const TwoContext& game,
                                       const TrialOptions& options, uint64_t num_returns,
                                       core::Rng& rng);
/// From the same distribution by binomials; O(actions * horizon).
ContextReturns draw_returns(const TwoContext& game, const TrialOptions& options,
                            uint64_t num_returns, core::Rng& rng);

/// Algorithm of method §8.2 on such sums, with the class: policy's value, plus threshold
/// at one of the actions 1.. at G, plus elsewhere at one of them at N.
Trial finish_trial(const TwoContext& game, const TrialOptions& options,
                   uint64_t num_returns, const ContextReturns& returns);

/// The share of context draws that become returns: 1 for random resets.
double acceptance(const TwoContext& game, const TrialOptions& options);
/// The share of accepted contexts that are G.
double purity(const TwoContext& game, const TrialOptions& options);

/// What the theorem promises (R = 1).
double promised_gain(const TwoContext& game, const TrialOptions& options);

}  // namespace srpo::rl::tabular
