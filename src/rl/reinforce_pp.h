// REINFORCE++: rewards are compared over the whole batch, not within a problem.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Options: baseline (batch: the batch's mean is taken off; group: the problem's), group
/// 8, and those of rl/algorithm_options.h. What is left is divided by the batch's
/// deviation. Token weighting, clip 0.2.
std::unique_ptr<Algorithm> make_reinforce_pp(const core::ConfigTable& options);

}  // namespace srpo::rl
