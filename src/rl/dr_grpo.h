// Dr. GRPO: no division by the deviation and by no sequence's own length.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Every token weighs 1 / constant_length (5120; the budget of a response). Options:
/// group 8, and those of rl/algorithm_options.h.
std::unique_ptr<Algorithm> make_dr_grpo(const core::ConfigTable& options);

}  // namespace srpo::rl
