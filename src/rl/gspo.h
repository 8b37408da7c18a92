// GSPO: one ratio a sequence, the geometric mean over its tokens.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Clip 3e-4 below and 4e-4 above, sequence weighting, sample deviation. Options: group
/// 8, and those of rl/algorithm_options.h.
std::unique_ptr<Algorithm> make_gspo(const core::ConfigTable& options);

}  // namespace srpo::rl
