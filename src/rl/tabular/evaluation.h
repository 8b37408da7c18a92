// What a policy is worth, computed exactly.
#pragma once

#include <vector>

#include "rl/tabular/mdp.h"

namespace srpo::rl::tabular {

struct Evaluation {
  MdpShape shape;
  ActionTable action_values;         ///< Q: reward from here on, this action first
  std::vector<double> state_values;  ///< V by (step, state)
  std::vector<double> visits;        ///< d: chance of the state at that step
  double value = 0;                  ///< J: expected reward of an episode, all steps

  double visit(size_t step, size_t state) const {
    return visits[shape.pair(step, state)];
  }
  double advantage(size_t step, size_t state, size_t action) const {
    return action_values.at(step, state, action) - state_values[shape.pair(step, state)];
  }
};

/// Backward for values, forward for visits: O(horizon * states^2 * actions). Throws
/// kBadInput for shapes that differ.
Evaluation evaluate(const Mdp& mdp, const Policy& policy);

/// J by walking through every path, each weighted with its chance; exponential in the
/// horizon, for tests.
double value_by_paths(const Mdp& mdp, const Policy& policy);

/// (1/H) sum over steps of E[A(x, y)], x visited by the evaluated policy, y drawn by
/// `other`.
double policy_advantage(const Evaluation& evaluation, const Policy& other);

/// Greedy for these action values; ties go to the lowest action.
Policy greedy(const ActionTable& action_values);

/// Half the sum of absolute differences of the visits at each step, added up over steps.
double total_visit_distance(const Evaluation& one, const Evaluation& other);

}  // namespace srpo::rl::tabular
