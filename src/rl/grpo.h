// GRPO: independent chains from the prompt, compared with one another; no reset.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// The baseline as it is usually run (method §5.1): sample deviation, token weighting.
/// Options: group 8, clip 0.2, dual_clip 3, loss_temperature 0.7.
std::unique_ptr<Algorithm> make_grpo(const core::ConfigTable& options);

/// GRPO's draws under SRPO's advantages and loss, so that a comparison with SRPO differs
/// in the resets alone. Options: group 8, loss_temperature 0.7.
std::unique_ptr<Algorithm> make_grpo_srpo_loss(const core::ConfigTable& options);

}  // namespace srpo::rl
