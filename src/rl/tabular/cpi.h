// One step of conservative policy iteration from sampled returns: with random resets, or
// with resets where credit is due.
#pragma once

#include <cstdint>

#include "rl/tabular/improvability.h"

namespace srpo::rl::tabular {

enum class ResetRule {
  kRandom,       ///< CPI-RR: states as the policy visits them
  kCreditAware,  ///< CPI-CARO: those of them that are improvable, by rejection
};

struct CpiOptions {
  ResetRule rule = ResetRule::kRandom;
  uint64_t num_returns = 1000;  ///< n: returns that are sampled
  double threshold = 0.1;       ///< tau, in units of reward
};

struct CpiStep {
  double advantage = 0;      ///< the estimate of the policy (or conditional) advantage
  double weight = 0;         ///< alpha, in [0, 1]
  double gain = 0;           ///< J of the new policy minus J of the old, exactly
  uint64_t num_draws = 0;    ///< states looked at, those the oracle refused included
  size_t chosen_values = 0;  ///< which function of the class fits best
  Policy policy;             ///< the mixture
};

/// Method §8.2: n times a state by the reset rule, a uniform action, and the return of
/// that action followed by the policy; the least-squares function of `value_class`; its
/// greedy policy; mixed in with weight min(1, advantage / (H^2 R)), for kCreditAware on
/// members alone and with 2 H^2 R. A negative estimate gives weight 0. Throws kBadInput
/// for an empty class, and for kCreditAware when nothing is improvable.
CpiStep cpi_step(const Mdp& mdp, const Policy& policy,
                 const std::vector<ActionTable>& value_class, const CpiOptions& options,
                 core::Rng& rng);

/// The same with the exact advantage and action values: what infinitely many returns
/// give.
CpiStep exact_cpi_step(const Mdp& mdp, const Policy& policy, ResetRule rule,
                       double threshold);

/// The weight of both, from an advantage: clipped to [0, 1].
double mixture_weight(ResetRule rule, double advantage, const Mdp& mdp);

/// What the theorem promises for one step: tau^2 p^2 / (8 H R) for kRandom, tau^2 p /
/// (16 H R) for kCreditAware.
double promised_gain(ResetRule rule, double threshold, double coverage, size_t horizon,
                     double reward_limit);

/// How many returns the theorem asks for: C |Y| H^2 R^2 log(|F| / delta) / tau^2, for
/// kRandom over p^2 too.
double required_returns(ResetRule rule, double threshold, double coverage, const Mdp& mdp,
                        double log_class_over_delta, double constant);

/// The true action values, and `size` - 1 others in which the actions of every state are
/// turned by a random number.
std::vector<ActionTable> realisable_class(const Evaluation& evaluation, size_t size,
                                          core::Rng& rng);

}  // namespace srpo::rl::tabular
