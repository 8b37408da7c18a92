#include "rl/reset.h"

#include "core/error.h"

namespace srpo::rl {

uint32_t prefix_length(const std::vector<uint32_t>& thought_ends, uint32_t thought) {
  ENSURE(thought >= 1 && thought <= thought_ends.size(),
         "reset to thought " << thought << " of a chain of " << thought_ends.size());
  return thought == 1 ? 0 : thought_ends[thought - 2];
}

records::GenerationRequest suffix_request(const records::Trajectory& chain,
                                          const std::vector<int32_t>& prompt_tokens,
                                          uint32_t thought) {
  const uint32_t kept = prefix_length(chain.thought_ends, thought);
  ENSURE(kept <= chain.tokens.size() && chain.logprobs.size() == chain.tokens.size(),
         chain.id.to_string() << " has " << chain.tokens.size() << " tokens, "
                              << chain.logprobs.size() << " log-probabilities and "
                              << kept << " tokens to keep");
  records::GenerationRequest request;
  request.prompt_tokens = prompt_tokens;
  request.prefix_tokens.assign(chain.tokens.begin(), chain.tokens.begin() + kept);
  request.prefix_logprobs.assign(chain.logprobs.begin(), chain.logprobs.begin() + kept);
  request.prefix_thought_ends.assign(chain.thought_ends.begin(),
                                     chain.thought_ends.begin() + (thought - 1));
  request.parent = chain.id;
  return request;
}

}  // namespace srpo::rl
