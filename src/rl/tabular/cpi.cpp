#include "rl/tabular/cpi.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/error.h"

namespace srpo::rl::tabular {
namespace {

/// Draws outcomes by their running sums.
class Lottery {
 public:
  explicit Lottery(std::span<const double> weights) {
    double sum = 0;
    for (const double weight : weights) sums_.push_back(sum += weight);
  }
  size_t draw(core::Rng& rng) const {
    const double at = rng.uniform() * sums_.back();
    const auto found = std::upper_bound(sums_.begin(), sums_.end(), at);
    return std::min(static_cast<size_t>(found - sums_.begin()), sums_.size() - 1);
  }

 private:
  std::vector<double> sums_;
};

std::vector<Lottery> lotteries(const std::vector<double>& table, size_t width) {
  std::vector<Lottery> made;
  for (size_t row = 0; row * width < table.size(); ++row)
    made.emplace_back(std::span(table).subspan(row * width, width));
  return made;
}

/// Plays episodes of one policy. Thread-compatible.
class Player {
 public:
  Player(const Mdp& mdp, const Policy& policy)
      : mdp_(mdp),
        start_(mdp.start),
        actions_(lotteries(policy.values, mdp.shape.actions)),
        successors_(lotteries(mdp.transitions, mdp.shape.states)) {}

  /// The state that the policy has reached at this step of a new episode.
  size_t visit(size_t step, core::Rng& rng) const {
    size_t state = start_.draw(rng);
    for (size_t at = 0; at < step; ++at) {
      const size_t action = actions_[mdp_.shape.pair(at, state)].draw(rng);
      state = successors_[mdp_.shape.cell(at, state, action)].draw(rng);
    }
    return state;
  }

  /// The reward of this action and of the policy after it.
  double play(size_t step, size_t state, size_t action, core::Rng& rng) const {
    double sum = 0;
    while (true) {
      const size_t cell = mdp_.shape.cell(step, state, action);
      const double mean = mdp_.reward.values[cell];
      if (rng.uniform() * mdp_.reward_limit < mean) sum += mdp_.reward_limit;
      if (++step == mdp_.shape.horizon) return sum;
      state = successors_[cell].draw(rng);
      action = actions_[mdp_.shape.pair(step, state)].draw(rng);
    }
  }

 private:
  const Mdp& mdp_;
  Lottery start_;
  std::vector<Lottery> actions_;
  std::vector<Lottery> successors_;
};

/// Returns by the cell they began in.
struct Returns {
  std::vector<double> counts;
  std::vector<double> sums;
  uint64_t num_draws = 0;
};

Returns sample_returns(const Mdp& mdp, const Policy& policy, const Membership& members,
                       const CpiOptions& options, core::Rng& rng) {
  const MdpShape& shape = mdp.shape;
  const Player player(mdp, policy);
  Returns returns{std::vector<double>(shape.num_cells()),
                  std::vector<double>(shape.num_cells()), 0};
  for (uint64_t i = 0; i < options.num_returns; ++i) {
    size_t step = 0;
    size_t state = 0;
    do {
      ++returns.num_draws;
      step = rng.below(shape.horizon);
      state = player.visit(step, rng);
    } while (options.rule == ResetRule::kCreditAware &&
             !members[shape.pair(step, state)]);
    const size_t action = rng.below(shape.actions);
    const size_t cell = shape.cell(step, state, action);
    returns.counts[cell] += 1;
    returns.sums[cell] += player.play(step, state, action, rng);
  }
  return returns;
}

/// Sum of squared errors, without the part that is the same for every function.
double misfit(const ActionTable& values, const Returns& returns) {
  double sum = 0;
  for (size_t cell = 0; cell < values.values.size(); ++cell) {
    const double value = values.values[cell];
    sum += returns.counts[cell] * value * value - 2 * value * returns.sums[cell];
  }
  return sum;
}

double estimated_advantage(const ActionTable& values, const Policy& better,
                           const Policy& policy, const Returns& returns, uint64_t n) {
  double sum = 0;
  for (size_t cell = 0; cell < values.values.size(); ++cell) {
    sum += returns.counts[cell] * (better.values[cell] - policy.values[cell]) *
           values.values[cell];
  }
  return sum * static_cast<double>(policy.shape.actions) / static_cast<double>(n);
}

}  // namespace

double mixture_weight(ResetRule rule, double advantage, const Mdp& mdp) {
  const auto horizon = static_cast<double>(mdp.shape.horizon);
  const double scale = horizon * horizon * mdp.reward_limit;
  const double weight = advantage / (rule == ResetRule::kRandom ? scale : 2 * scale);
  return std::clamp(weight, 0.0, 1.0);
}

double promised_gain(ResetRule rule, double threshold, double coverage, size_t horizon,
                     double reward_limit) {
  const double scale = static_cast<double>(horizon) * reward_limit;
  const double squared = threshold * threshold * coverage / scale;
  return rule == ResetRule::kRandom ? squared * coverage / 8 : squared / 16;
}

double required_returns(ResetRule rule, double threshold, double coverage, const Mdp& mdp,
                        double log_class_over_delta, double constant) {
  const double range = static_cast<double>(mdp.shape.horizon) * mdp.reward_limit;
  const double returns = constant * static_cast<double>(mdp.shape.actions) * range *
                         range * log_class_over_delta / (threshold * threshold);
  return rule == ResetRule::kRandom ? returns / (coverage * coverage) : returns;
}

CpiStep cpi_step(const Mdp& mdp, const Policy& policy,
                 const std::vector<ActionTable>& value_class, const CpiOptions& options,
                 core::Rng& rng) {
  REQUIRE(!value_class.empty(), kBadInput, "a class of no value functions");
  REQUIRE(options.num_returns > 0, kBadInput,
          "no returns to sample (expected 1 or more)");
  const Evaluation before = evaluate(mdp, policy);
  const Membership members = improvable(before, options.threshold);
  const bool on_members = options.rule == ResetRule::kCreditAware;
  REQUIRE(!on_members || coverage(before, members) > 0, kBadInput,
          "no state that is visited can be improved by " << options.threshold);
  const Returns returns = sample_returns(mdp, policy, members, options, rng);
  size_t chosen = 0;
  for (size_t i = 1; i < value_class.size(); ++i) {
    if (misfit(value_class[i], returns) < misfit(value_class[chosen], returns))
      chosen = i;
  }
  const Policy better = greedy(value_class[chosen]);
  CpiStep made{.policy = policy};
  made.chosen_values = chosen;
  made.num_draws = returns.num_draws;
  made.advantage = estimated_advantage(value_class[chosen], better, policy, returns,
                                       options.num_returns);
  made.weight = mixture_weight(options.rule, made.advantage, mdp);
  made.policy =
      mixed(policy, on_members ? combined(better, policy, members) : better, made.weight);
  made.gain = evaluate(mdp, made.policy).value - before.value;
  return made;
}

CpiStep exact_cpi_step(const Mdp& mdp, const Policy& policy, ResetRule rule,
                       double threshold) {
  const Evaluation before = evaluate(mdp, policy);
  const Policy better = greedy(before.action_values);
  const Membership members = improvable(before, threshold);
  const bool on_members = rule == ResetRule::kCreditAware;
  CpiStep made{.policy = policy};
  made.advantage = on_members ? conditional_advantage(before, better, members)
                              : policy_advantage(before, better);
  made.weight = mixture_weight(rule, made.advantage, mdp);
  made.policy =
      mixed(policy, on_members ? combined(better, policy, members) : better, made.weight);
  made.gain = evaluate(mdp, made.policy).value - before.value;
  return made;
}

std::vector<ActionTable> realisable_class(const Evaluation& evaluation, size_t size,
                                          core::Rng& rng) {
  const MdpShape& shape = evaluation.shape;
  std::vector<ActionTable> made(size, evaluation.action_values);
  for (size_t i = 1; i < size; ++i) {
    for (size_t pair = 0; pair < shape.num_pairs(); ++pair) {
      const size_t turn = rng.below(shape.actions);
      for (size_t action = 0; action < shape.actions; ++action) {
        made[i].values[pair * shape.actions + action] =
            evaluation.action_values
                .values[pair * shape.actions + (action + turn) % shape.actions];
      }
    }
  }
  return made;
}

}  // namespace srpo::rl::tabular
