#include "rl/tabular/two_context.h"

#include <array>

#include "core/error.h"
#include "rl/tabular/binomial.h"

namespace srpo::rl::tabular {
namespace {

/// What the action pays beyond 1/2.
double bump(const TwoContext& game, size_t context, size_t action) {
  if (action != 1) return 0;
  return context == 0 ? game.threshold : game.elsewhere;
}

/// The policy's value at this step: it wins half of the remaining steps.
double base_value(const TwoContext& game, size_t step) {
  return static_cast<double>(game.horizon - step) / 2;
}

/// The action of the class's function that fits best at a context; 0 for no change.
size_t best_fit(const TwoContext& game, const TrialOptions& options, size_t context,
                const ContextReturns& returns) {
  if (context == 1 && options.knows_elsewhere) return 0;
  const double height = context == 0 ? game.threshold : game.elsewhere;
  size_t best = 0;
  double best_fit = 0;
  for (size_t action = 1; action < game.actions; ++action) {
    double fit = 0;
    for (size_t step = 0; step < game.horizon; ++step) {
      const size_t cell = ContextReturns::cell(game, context, action, step);
      fit += 2 * returns.surplus[cell] - height * returns.counts[cell];
    }
    if (best == 0 || fit > best_fit) {
      best = action;
      best_fit = fit;
    }
  }
  return best;
}

/// A cell's part of the estimate: the sum of values over its returns.
double value_sum(const TwoContext& game, Estimator estimator, double fitted_bump,
                 size_t step, double count, double surplus) {
  switch (estimator) {
    case Estimator::kFitted:
      return count * (base_value(game, step) + fitted_bump);
    case Estimator::kRaw:
      return count * base_value(game, step) + surplus;
    case Estimator::kRawCentred:
      return surplus;
    case Estimator::kFittedCentred:
      return count * fitted_bump;
  }
  ENSURE(false, "estimator " << static_cast<int>(estimator));
}

double coin(double chance, core::Rng& rng) { return rng.uniform() < chance ? 1 : 0; }

}  // namespace

TwoContext TwoContext::standard(size_t horizon, size_t actions, double coverage) {
  TwoContext game{horizon, actions, coverage, 0.25, 0};
  game.elsewhere = 0.05 * game.threshold * coverage;
  return game;
}

Mdp TwoContext::to_mdp() const {
  Mdp mdp({horizon, 2, actions});
  mdp.start = {coverage, 1 - coverage};
  for (size_t step = 0; step < horizon; ++step) {
    for (size_t context = 0; context < 2; ++context) {
      for (size_t action = 0; action < actions; ++action) {
        mdp.reward.at(step, context, action) = 0.5 + bump(*this, context, action);
        mdp.transition(step, context, action, 0) = coverage;
        mdp.transition(step, context, action, 1) = 1 - coverage;
      }
    }
  }
  return mdp;
}

double acceptance(const TwoContext& game, const TrialOptions& options) {
  if (options.rule == ResetRule::kRandom) return 1;
  return game.coverage * (1 - options.false_negative) +
         (1 - game.coverage) * options.false_positive;
}

double purity(const TwoContext& game, const TrialOptions& options) {
  if (options.rule == ResetRule::kRandom) return game.coverage;
  return game.coverage * (1 - options.false_negative) / acceptance(game, options);
}

double promised_gain(const TwoContext& game, const TrialOptions& options) {
  return promised_gain(options.rule, game.threshold, game.coverage, game.horizon, 1);
}

ContextReturns draw_returns_one_by_one(const TwoContext& game,
                                       const TrialOptions& options, uint64_t num_returns,
                                       core::Rng& rng) {
  const size_t cells = 2 * game.actions * game.horizon;
  ContextReturns returns{std::vector<double>(cells), std::vector<double>(cells)};
  for (uint64_t i = 0; i < num_returns; ++i) {
    size_t context = 0;
    bool is_accepted = true;
    do {
      context = rng.uniform() < game.coverage ? 0 : 1;
      if (options.rule == ResetRule::kRandom) break;
      is_accepted = rng.uniform() <
                    (context == 0 ? 1 - options.false_negative : options.false_positive);
    } while (!is_accepted);
    const size_t step = rng.below(game.horizon);
    const size_t action = rng.below(game.actions);
    double sum = coin(0.5 + bump(game, context, action), rng);
    for (size_t later = step + 1; later < game.horizon; ++later) sum += coin(0.5, rng);
    const size_t cell = ContextReturns::cell(game, context, action, step);
    returns.counts[cell] += 1;
    returns.surplus[cell] += sum - base_value(game, step);
  }
  return returns;
}

ContextReturns draw_returns(const TwoContext& game, const TrialOptions& options,
                            uint64_t num_returns, core::Rng& rng) {
  const size_t cells = game.actions * game.horizon;
  ContextReturns returns{std::vector<double>(2 * cells), std::vector<double>(2 * cells)};
  const uint64_t in_g = draw_binomial(num_returns, purity(game, options), rng);
  for (size_t context = 0; context < 2; ++context) {
    uint64_t left = context == 0 ? in_g : num_returns - in_g;
    for (size_t i = 0; i < cells; ++i) {
      const uint64_t count = draw_binomial(left, 1 / static_cast<double>(cells - i), rng);
      left -= count;
      const size_t action = i / game.horizon;
      const size_t step = i % game.horizon;
      const uint64_t later = count * (game.horizon - step - 1);
      const uint64_t wins = draw_binomial(count, 0.5 + bump(game, context, action), rng) +
                            draw_binomial(later, 0.5, rng);
      const size_t cell = ContextReturns::cell(game, context, action, step);
      returns.counts[cell] = static_cast<double>(count);
      returns.surplus[cell] =
          static_cast<double>(wins) - static_cast<double>(count) * base_value(game, step);
    }
  }
  return returns;
}

Trial finish_trial(const TwoContext& game, const TrialOptions& options,
                   uint64_t num_returns, const ContextReturns& returns) {
  const std::array<double, 2> heights = {game.threshold, game.elsewhere};
  std::array<size_t, 2> chosen{};
  double sum = 0;
  for (size_t context = 0; context < 2; ++context) {
    const size_t better = best_fit(game, options, context, returns);
    chosen[context] = better;
    if (better == 0) continue;
    for (size_t step = 0; step < game.horizon; ++step) {
      const size_t up = ContextReturns::cell(game, context, better, step);
      const size_t down = ContextReturns::cell(game, context, 0, step);
      sum += value_sum(game, options.estimator, heights[context], step,
                       returns.counts[up], returns.surplus[up]);
      sum -= value_sum(game, options.estimator, 0, step, returns.counts[down],
                       returns.surplus[down]);
    }
  }
  Trial trial;
  trial.advantage =
      sum * static_cast<double>(game.actions) / static_cast<double>(num_returns);
  trial.weight =
      mixture_weight(options.rule, trial.advantage, Mdp({game.horizon, 1, game.actions}));
  const bool careful = options.rule == ResetRule::kCreditAware;
  const double in_g = game.coverage * (careful ? 1 - options.false_negative : 1);
  const double in_n = (1 - game.coverage) * (careful ? options.false_positive : 1);
  trial.gain = trial.weight * static_cast<double>(game.horizon) *
               (in_g * bump(game, 0, chosen[0]) + in_n * bump(game, 1, chosen[1]));
  return trial;
}

}  // namespace srpo::rl::tabular
