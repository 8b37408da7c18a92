#include "rl/tabular/improvability.h"

#include <algorithm>
#include <cmath>

namespace srpo::rl::tabular {

Membership improvable(const Evaluation& evaluation, double threshold) {
  const MdpShape& shape = evaluation.shape;
  Membership members(shape.num_pairs());
  for (size_t step = 0; step < shape.horizon; ++step) {
    for (size_t state = 0; state < shape.states; ++state) {
      for (size_t action = 0; action < shape.actions; ++action) {
        if (evaluation.advantage(step, state, action) >= threshold)
          members[shape.pair(step, state)] = true;
      }
    }
  }
  return members;
}

double largest_advantage(const Evaluation& evaluation) {
  const MdpShape& shape = evaluation.shape;
  double largest = 0;
  for (size_t step = 0; step < shape.horizon; ++step) {
    for (size_t state = 0; state < shape.states; ++state) {
      if (evaluation.visit(step, state) <= 0) continue;
      for (size_t action = 0; action < shape.actions; ++action)
        largest = std::max(largest, evaluation.advantage(step, state, action));
    }
  }
  return largest;
}

double coverage(const Evaluation& evaluation, const Membership& members) {
  double sum = 0;
  for (size_t pair = 0; pair < members.size(); ++pair)
    sum += members[pair] ? evaluation.visits[pair] : 0;
  return sum / static_cast<double>(evaluation.shape.horizon);
}

double conditional_advantage(const Evaluation& evaluation, const Policy& other,
                             const Membership& members) {
  const MdpShape& shape = evaluation.shape;
  const double share = coverage(evaluation, members);
  if (share <= 0) return 0;
  double sum = 0;
  for (size_t step = 0; step < shape.horizon; ++step) {
    for (size_t state = 0; state < shape.states; ++state) {
      if (!members[shape.pair(step, state)]) continue;
      for (size_t action = 0; action < shape.actions; ++action) {
        sum += evaluation.visit(step, state) * other.at(step, state, action) *
               evaluation.advantage(step, state, action);
      }
    }
  }
  return sum / static_cast<double>(shape.horizon) / share;
}

Policy combined(const Policy& inside, const Policy& outside, const Membership& members) {
  Policy policy = outside;
  const size_t actions = policy.shape.actions;
  for (size_t pair = 0; pair < members.size(); ++pair) {
    if (!members[pair]) continue;
    for (size_t cell = pair * actions; cell < (pair + 1) * actions; ++cell)
      policy.values[cell] = inside.values[cell];
  }
  return policy;
}

Policy mixed(const Policy& policy, const Policy& other, double weight) {
  Policy result = policy;
  for (size_t cell = 0; cell < result.values.size(); ++cell) {
    result.values[cell] = std::lerp(policy.values[cell], other.values[cell], weight);
  }
  return result;
}

Membership complement(const Membership& members) {
  Membership others = members;
  others.flip();
  return others;
}

}  // namespace srpo::rl::tabular
