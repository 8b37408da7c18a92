// A finite-horizon decision process written out in full, and policies for it.
#pragma once

#include <cstddef>
#include <vector>

#include "core/random.h"

namespace srpo::rl::tabular {

struct MdpShape {
  size_t horizon = 1;  ///< steps of an episode, 0 .. horizon-1
  size_t states = 1;
  size_t actions = 1;

  bool operator==(const MdpShape&) const = default;
  size_t num_pairs() const { return horizon * states; }
  size_t num_cells() const { return horizon * states * actions; }
  /// Of (step, state).
  size_t pair(size_t step, size_t state) const { return step * states + state; }
  /// Of (step, state, action).
  size_t cell(size_t step, size_t state, size_t action) const {
    return pair(step, state) * actions + action;
  }
};

/// A number for each (step, state, action); for a policy the chance of the action.
struct ActionTable {
  MdpShape shape;
  std::vector<double> values;

  explicit ActionTable(const MdpShape& shape_, double value = 0)
      : shape(shape_), values(shape_.num_cells(), value) {}
  double& at(size_t step, size_t state, size_t action) {
    return values[shape.cell(step, state, action)];
  }
  double at(size_t step, size_t state, size_t action) const {
    return values[shape.cell(step, state, action)];
  }
};
using Policy = ActionTable;

/// Rewards are chances in units of `reward_limit`: a step pays `reward_limit` with
/// probability mean / reward_limit, else nothing.
struct Mdp {
  MdpShape shape;
  double reward_limit = 1;
  std::vector<double> start;        ///< chance of each state at step 0
  ActionTable reward;               ///< mean of each cell, in [0, reward_limit]
  std::vector<double> transitions;  ///< [cell][next state], each row adds up to 1

  explicit Mdp(const MdpShape& shape_, double reward_limit_ = 1);
  double& transition(size_t step, size_t state, size_t action, size_t next) {
    return transitions[shape.cell(step, state, action) * shape.states + next];
  }
  double transition(size_t step, size_t state, size_t action, size_t next) const {
    return transitions[shape.cell(step, state, action) * shape.states + next];
  }
  /// Throws kBadInput naming the first table that is no distribution or out of range.
  void check() const;
};

/// Throws kBadInput unless every (step, state) has a distribution over actions.
void check_policy(const Policy& policy);

/// The kinds of random processes, made in turn.
enum class MdpKind {
  kDense,   ///< every state leads everywhere, every step pays
  kSparse,  ///< few successors, few paying cells, policies near to deterministic
  kTree,    ///< thoughts: every choice leads to a state of its own, 0 or 1 at the end
};

struct Instance {
  Mdp mdp;
  Policy policy;
};

/// Horizon 1-6, 2-6 states (a tree: horizon 2-4 with as many states as its last layer
/// needs), 2-4 actions, reward limit 0.5-2, and a policy.
Instance random_instance(MdpKind kind, core::Rng& rng);

/// The policy that plays this action everywhere.
Policy always(const MdpShape& shape, size_t action);

}  // namespace srpo::rl::tabular
