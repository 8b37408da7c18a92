// SRPO and RRPO: fresh chains, and endings of failed ones from before their first wrong
// thought.
#pragma once

#include <memory>
#include <string>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Options (method §2.2, §2.3, §4): split 1x4, 1x8 or 2x4; group 4 (endings of a reset;
/// twice as many for 1x8); max_draws 12; failed_below 1; seed_rule first_failed or
/// any_failed (1x4); mask_prefix true; localizer (see rl/localizer.h); and those of
/// rl/algorithm_options.h. srpo asks the model itself where to go back to; rrpo is the
/// same with a thought drawn at random.
std::unique_ptr<Algorithm> make_srpo(const core::ConfigTable& options);
std::unique_ptr<Algorithm> make_rrpo(const core::ConfigTable& options);

}  // namespace srpo::rl
