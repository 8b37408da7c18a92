// Critique-GRPO: chains are told whether they are right, refined, and the best refinement
// joins their group.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Method §5.3. The group: the first correct refinement, else the first one, and all
/// chains but the last. Advantage: reward less the group's mean. A chain has a ratio
/// without a clip, the refinement A p / (p + shape): it is trained behind the problem's
/// own prompt, off-policy. Options: group 8, shape 0.1, second_attempts (original, or
/// shown: behind the prompt that it was drawn from, with a ratio), and those of
/// rl/algorithm_options.h that fit. Every token weighs 1 / constant_length (5120). The
/// published entropy bonus of 0.001 is left out.
std::unique_ptr<Algorithm> make_critique_grpo(const core::ConfigTable& options);

}  // namespace srpo::rl
