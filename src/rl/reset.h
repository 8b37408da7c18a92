// Going back: what is kept of a failed chain, and the request for another ending.
#pragma once

#include <cstdint>
#include <vector>

#include "records/generation_request.h"
#include "records/trajectory.h"

namespace srpo::rl {

/// Response tokens before thought `thought` (1-based): up to the end of the thought
/// before it, 0 for the first one. `thought_ends` are exclusive. Throws kBug unless 1 <=
/// thought <= number of thoughts.
uint32_t prefix_length(const std::vector<uint32_t>& thought_ends, uint32_t thought);

/// A request for an ending of `chain` from before `thought`: the prompt, the kept tokens
/// with their log-probabilities and thought ends, and the parent are set; id, sampling
/// and limits are the caller's.
records::GenerationRequest suffix_request(const records::Trajectory& chain,
                                          const std::vector<int32_t>& prompt_tokens,
                                          uint32_t thought);

}  // namespace srpo::rl
