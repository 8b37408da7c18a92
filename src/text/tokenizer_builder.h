// Writes tokenizer files for models that are trained from nothing.
#pragma once

#include <string>
#include <vector>

namespace srpo::text {

/// A tokenizer.json of one token a byte (id = byte), no merges, then `added_tokens` from
/// id 256 on, then `special_tokens`. Throws kBadInput for a token that is empty, given
/// twice, a single byte, or not plain enough to survive decoding.
std::string make_character_tokenizer(const std::vector<std::string>& added_tokens,
                                     const std::vector<std::string>& special_tokens);

}  // namespace srpo::text
