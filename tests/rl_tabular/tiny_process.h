// A process of two steps whose every number can be computed by hand.
#pragma once

#include "rl/tabular/mdp.h"

namespace srpo::rl::tabular {

/// Step 0, state 0: action 0 pays 0.2 and stays, action 1 pays 0 and goes to state 1.
/// Step 1: state 0 pays 0.1 and 0.3, state 1 pays 1 and 0, by action.
inline Instance tiny_process() {
  const MdpShape shape = {2, 2, 2};
  Instance made{Mdp(shape), Policy(shape, 0.5)};
  made.mdp.start = {1, 0};
  for (size_t step = 0; step < 2; ++step) {
    for (size_t state = 0; state < 2; ++state) {
      for (size_t action = 0; action < 2; ++action) {
        const size_t next = step == 0 && state == 0 ? action : state;
        made.mdp.transition(step, state, action, next) = 1;
      }
    }
  }
  made.mdp.reward.at(0, 0, 0) = 0.2;
  made.mdp.reward.at(1, 0, 0) = 0.1;
  made.mdp.reward.at(1, 0, 1) = 0.3;
  made.mdp.reward.at(1, 1, 0) = 1;
  return made;
}

}  // namespace srpo::rl::tabular
