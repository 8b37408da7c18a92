#include "rl/tabular/evaluation.h"

#include <cmath>

#include "core/error.h"

namespace srpo::rl::tabular {
namespace {

void fill_values(const Mdp& mdp, const Policy& policy, Evaluation& evaluation) {
  const MdpShape& shape = mdp.shape;
  for (size_t step = shape.horizon; step-- > 0;) {
    for (size_t state = 0; state < shape.states; ++state) {
      double mean = 0;
      for (size_t action = 0; action < shape.actions; ++action) {
        double value = mdp.reward.at(step, state, action);
        for (size_t next = 0; step + 1 < shape.horizon && next < shape.states; ++next) {
          value += mdp.transition(step, state, action, next) *
                   evaluation.state_values[shape.pair(step + 1, next)];
        }
        evaluation.action_values.at(step, state, action) = value;
        mean += policy.at(step, state, action) * value;
      }
      evaluation.state_values[shape.pair(step, state)] = mean;
    }
  }
}

void fill_visits(const Mdp& mdp, const Policy& policy, Evaluation& evaluation) {
  const MdpShape& shape = mdp.shape;
  for (size_t state = 0; state < shape.states; ++state)
    evaluation.visits[state] = mdp.start[state];
  for (size_t step = 0; step + 1 < shape.horizon; ++step) {
    for (size_t state = 0; state < shape.states; ++state) {
      for (size_t action = 0; action < shape.actions; ++action) {
        const double chance =
            evaluation.visit(step, state) * policy.at(step, state, action);
        for (size_t next = 0; next < shape.states; ++next) {
          evaluation.visits[shape.pair(step + 1, next)] +=
              chance * mdp.transition(step, state, action, next);
        }
      }
    }
  }
}

double value_of_paths(const Mdp& mdp, const Policy& policy, size_t step, size_t state) {
  if (step == mdp.shape.horizon) return 0;
  double value = 0;
  for (size_t action = 0; action < mdp.shape.actions; ++action) {
    double rest = 0;
    for (size_t next = 0; next < mdp.shape.states; ++next) {
      const double chance = mdp.transition(step, state, action, next);
      if (chance > 0) rest += chance * value_of_paths(mdp, policy, step + 1, next);
    }
    value += policy.at(step, state, action) * (mdp.reward.at(step, state, action) + rest);
  }
  return value;
}

}  // namespace

Evaluation evaluate(const Mdp& mdp, const Policy& policy) {
  REQUIRE(mdp.shape == policy.shape, kBadInput,
          "a policy of another shape than the decision process");
  Evaluation evaluation{mdp.shape, ActionTable(mdp.shape),
                        std::vector<double>(mdp.shape.num_pairs()),
                        std::vector<double>(mdp.shape.num_pairs()), 0};
  fill_values(mdp, policy, evaluation);
  fill_visits(mdp, policy, evaluation);
  for (size_t state = 0; state < mdp.shape.states; ++state)
    evaluation.value += mdp.start[state] * evaluation.state_values[state];
  return evaluation;
}

double value_by_paths(const Mdp& mdp, const Policy& policy) {
  double value = 0;
  for (size_t state = 0; state < mdp.shape.states; ++state)
    value += mdp.start[state] * value_of_paths(mdp, policy, 0, state);
  return value;
}

double policy_advantage(const Evaluation& evaluation, const Policy& other) {
  const MdpShape& shape = evaluation.shape;
  double sum = 0;
  for (size_t step = 0; step < shape.horizon; ++step) {
    for (size_t state = 0; state < shape.states; ++state) {
      for (size_t action = 0; action < shape.actions; ++action) {
        sum += evaluation.visit(step, state) * other.at(step, state, action) *
               evaluation.advantage(step, state, action);
      }
    }
  }
  return sum / static_cast<double>(shape.horizon);
}

Policy greedy(const ActionTable& action_values) {
  const MdpShape& shape = action_values.shape;
  Policy policy(shape);
  for (size_t pair = 0; pair < shape.num_pairs(); ++pair) {
    size_t best = pair * shape.actions;
    for (size_t cell = best; cell < (pair + 1) * shape.actions; ++cell) {
      if (action_values.values[cell] > action_values.values[best]) best = cell;
    }
    policy.values[best] = 1;
  }
  return policy;
}

double total_visit_distance(const Evaluation& one, const Evaluation& other) {
  double sum = 0;
  for (size_t pair = 0; pair < one.visits.size(); ++pair)
    sum += std::abs(one.visits[pair] - other.visits[pair]);
  return sum / 2;
}

}  // namespace srpo::rl::tabular
