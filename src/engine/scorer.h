// Log-probabilities of given tokens.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/decoder.h"

namespace srpo::engine {

/// log p(tokens[i] | tokens[< i]) for i >= 1, one fewer than there are tokens. Throws
/// kBadInput for a token outside the vocabulary or more tokens than the model has
/// positions.
std::vector<float> score_tokens(Decoder& decoder, std::span<const int32_t> tokens);

/// log p(reply | prompt) of each reply, the prompt being computed once. Throws kBadInput
/// as above, and for an empty prompt or reply.
std::vector<double> score_replies(Decoder& decoder, std::span<const int32_t> prompt,
                                  std::span<const std::vector<int32_t>> replies);

}  // namespace srpo::engine
