// What is known of the built-in tasks: where a chain went wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "records/problem.h"

namespace srpo::rl {

/// Whether problems of a task ("arithmetic", "countdown") have known first wrong
/// thoughts.
bool has_oracle(const std::string& task);

/// 1-based, of a failed chain. `thoughts` as the chain has them, at least one. Throws
/// kBadInput for a problem of another task: the part of its id before the first slash.
uint32_t first_wrong_thought(const records::Problem& problem,
                             const std::vector<std::string>& thoughts);

}  // namespace srpo::rl
