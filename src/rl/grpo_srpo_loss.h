// GRPO's draws under SRPO's advantages and loss.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// A comparison with SRPO differs in the resets alone: population deviation, sequence
/// weighting, no ratio. Options: group 8, and those of rl/algorithm_options.h.
std::unique_ptr<Algorithm> make_grpo_srpo_loss(const core::ConfigTable& options);

}  // namespace srpo::rl
