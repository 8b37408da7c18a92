// DAPO: GRPO with a wider clip above, token weighting and a soft limit to the length.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Clip 0.2 below and 0.28 above, sample deviation. Options: group 8, overlong_buffer 0
/// (tokens before overlong_limit in which reward is lost), overlong_limit,
/// overlong_penalty 1, and those of rl/algorithm_options.h. Its dynamic sampling is the
/// schedule's (schedule.dynamic_sampling).
std::unique_ptr<Algorithm> make_dapo(const core::ConfigTable& options);

}  // namespace srpo::rl
