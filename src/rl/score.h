// SCoRe: first attempts, and second ones that are shown the first; trained in two stages.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Method §5.2. Stage two: a first attempt gets its reward, a second one r2 + bonus (r2 -
/// r1). Stage one, the first `stage_one_steps` steps: 0 and r2. No baseline: the reward
/// is the advantage of every token. Options: pairs 4, bonus 10, stage_one_steps 0,
/// second_attempts (shown: trained behind the prompt that they were drawn from; original:
/// behind the problem's own, as published), kl_first_stage_one 0.1, kl 0.01 (all other
/// divergences), and those of rl/algorithm_options.h that fit. Token weighting, clip 0.2.
std::unique_ptr<Algorithm> make_score(const core::ConfigTable& options);

}  // namespace srpo::rl
