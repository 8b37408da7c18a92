// How a response is cut into thoughts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace srpo::text {

/// Ends a thought; it belongs to the thought.
inline constexpr std::string_view kThoughtDelimiter = "</thought>";
/// Opens the answer; the thought that contains it is the last one.
inline constexpr std::string_view kAnswerOpener = "\\boxed{";

/// The text of each thought, delimiter and special tokens included. `thought_ends` are
/// exclusive, in tokens, ascending; what stands behind the last one belongs to no
/// thought. Throws kBadInput for ends out of order or range.
std::vector<std::string> split_thoughts(const Tokenizer& tokenizer,
                                        std::span<const int32_t> tokens,
                                        std::span<const uint32_t> thought_ends);

/// The thought without its delimiters and the white space around it, as the localization
/// prompt shows it.
std::string strip_delimiter(std::string_view thought);

}  // namespace srpo::text
