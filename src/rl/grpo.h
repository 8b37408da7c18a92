// GRPO: independent chains from the prompt, compared with one another; no reset.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// The baseline as it is usually run (method §5.1): sample deviation, token weighting,
/// clip 0.2, dual clip 3. Options: group 8, and those of rl/algorithm_options.h.
std::unique_ptr<Algorithm> make_grpo(const core::ConfigTable& options);

}  // namespace srpo::rl
