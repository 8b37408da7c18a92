// SRPO and RRPO: four fresh chains, and four endings of a failed one from before its
// first wrong thought.
#pragma once

#include <memory>
#include <string>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Options (method §2.2, §4): split 1x4, group 4, max_draws 12, failed_below 1,
/// mask_prefix true, loss_temperature 0.7, std_floor 0 (least divisor of an advantage),
/// clip 0 and dual_clip 0 (no ratio), localizer (see rl/localizer.h). srpo asks the model
/// itself where to go back to; rrpo is the same with a thought drawn at random.
std::unique_ptr<Algorithm> make_srpo(const core::ConfigTable& options);
std::unique_ptr<Algorithm> make_rrpo(const core::ConfigTable& options);

}  // namespace srpo::rl
