#include "rl/tabular/mdp.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "core/error.h"

namespace srpo::rl::tabular {
namespace {

constexpr double kRounding = 1e-9;

bool is_distribution(std::span<const double> chances) {
  double sum = 0;
  for (const double chance : chances) {
    if (!(chance >= 0 && chance <= 1 + kRounding)) return false;
    sum += chance;
  }
  return std::abs(sum - 1) <= kRounding;
}

/// Exponential weights made a distribution: uniform over all of them.
void fill_distribution(std::span<double> chances, core::Rng& rng) {
  double sum = 0;
  for (double& chance : chances) sum += chance = -std::log1p(-rng.uniform());
  for (double& chance : chances) chance /= sum;
}

/// Nearly everything on one outcome.
void fill_peaked(std::span<double> chances, core::Rng& rng) {
  fill_distribution(chances, rng);
  const double rest = 0.3 * rng.uniform();
  for (double& chance : chances) chance *= rest;
  chances[rng.below(chances.size())] += 1 - rest;
}

std::span<double> row(std::vector<double>& table, size_t index, size_t width) {
  return std::span(table).subspan(index * width, width);
}

size_t between(core::Rng& rng, size_t low, size_t high) {
  return low + rng.below(high - low + 1);
}

Instance random_table(MdpKind kind, core::Rng& rng) {
  const MdpShape shape = {between(rng, 1, 6), between(rng, 2, 6), between(rng, 2, 4)};
  const bool is_sparse = kind == MdpKind::kSparse;
  Instance made{Mdp(shape, 0.5 + 1.5 * rng.uniform()), Policy(shape)};
  fill_distribution(made.mdp.start, rng);
  for (size_t cell = 0; cell < shape.num_cells(); ++cell) {
    const auto next = row(made.mdp.transitions, cell, shape.states);
    if (is_sparse) {
      fill_peaked(next, rng);
    } else {
      fill_distribution(next, rng);
    }
    const bool pays = !is_sparse || rng.uniform() < 0.2;
    made.mdp.reward.values[cell] = pays ? made.mdp.reward_limit * rng.uniform() : 0;
  }
  for (size_t pair = 0; pair < shape.num_pairs(); ++pair) {
    const auto chances = row(made.policy.values, pair, shape.actions);
    if (is_sparse) {
      fill_peaked(chances, rng);
    } else {
      fill_distribution(chances, rng);
    }
  }
  return made;
}

/// State s at step h goes to s * actions + action: every chain of thoughts is a path.
Instance random_tree(core::Rng& rng) {
  const size_t horizon = between(rng, 2, 4);
  const size_t actions = horizon == 4 ? 2 : between(rng, 2, 3);
  size_t leaves = 1;
  for (size_t step = 0; step + 1 < horizon; ++step) leaves *= actions;
  const MdpShape shape = {horizon, leaves, actions};
  Instance made{Mdp(shape, 0.5 + 1.5 * rng.uniform()), Policy(shape)};
  made.mdp.start.assign(leaves, 0);
  made.mdp.start[0] = 1;
  for (size_t step = 0; step < horizon; ++step) {
    for (size_t state = 0; state < leaves; ++state) {
      for (size_t action = 0; action < actions; ++action) {
        const size_t child = state * actions + action;
        made.mdp.transition(step, state, action, child < leaves ? child : 0) = 1;
        const bool is_right = step + 1 == horizon && rng.uniform() < 0.4;
        made.mdp.reward.at(step, state, action) = is_right ? made.mdp.reward_limit : 0;
      }
    }
  }
  for (size_t pair = 0; pair < shape.num_pairs(); ++pair)
    fill_distribution(row(made.policy.values, pair, actions), rng);
  return made;
}

}  // namespace

Mdp::Mdp(const MdpShape& shape_, double reward_limit_)
    : shape(shape_),
      reward_limit(reward_limit_),
      start(shape_.states),
      reward(shape_),
      transitions(shape_.num_cells() * shape_.states) {}

void Mdp::check() const {
  REQUIRE(shape.horizon > 0 && shape.states > 0 && shape.actions > 0, kBadInput,
          "a decision process with no step, state or action");
  REQUIRE(reward_limit > 0 && std::isfinite(reward_limit), kBadInput,
          "reward limit " << reward_limit << " (expected above 0)");
  REQUIRE(start.size() == shape.states && is_distribution(start), kBadInput,
          "the start states are no distribution over " << shape.states << " states");
  for (size_t cell = 0; cell < shape.num_cells(); ++cell) {
    const double mean = reward.values[cell];
    REQUIRE(mean >= 0 && mean <= reward_limit, kBadInput,
            "mean reward " << mean << " of cell " << cell << " (expected 0 to "
                           << reward_limit << ")");
    REQUIRE(is_distribution(
                std::span(transitions).subspan(cell * shape.states, shape.states)),
            kBadInput, "the successors of cell " << cell << " are no distribution");
  }
}

void check_policy(const Policy& policy) {
  const MdpShape& shape = policy.shape;
  for (size_t pair = 0; pair < shape.num_pairs(); ++pair) {
    REQUIRE(is_distribution(
                std::span(policy.values).subspan(pair * shape.actions, shape.actions)),
            kBadInput,
            "the policy at step " << pair / shape.states << ", state "
                                  << pair % shape.states << " is no distribution");
  }
}

Instance random_instance(MdpKind kind, core::Rng& rng) {
  return kind == MdpKind::kTree ? random_tree(rng) : random_table(kind, rng);
}

Policy always(const MdpShape& shape, size_t action) {
  REQUIRE(action < shape.actions, kBadInput,
          "action " << action << " of " << shape.actions);
  Policy policy(shape);
  for (size_t pair = 0; pair < shape.num_pairs(); ++pair)
    policy.values[pair * shape.actions + action] = 1;
  return policy;
}

}  // namespace srpo::rl::tabular
