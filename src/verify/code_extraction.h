// The program in a response.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace srpo::verify {

/// LiveCodeBench's rule: the lines strictly between the last two lines that contain three
/// back-ticks; nothing with fewer than two such lines.
std::optional<std::string> code_between_last_fences(std::string_view response);

/// A fenced block of Markdown: CommonMark's rules for ``` and ~~~ (a closing fence is at
/// least as long as the opening one and nothing follows it; a block that is never closed
/// runs to the end), but with any indentation, which is taken off the block.
struct CodeBlock {
  std::string language;  ///< the first word after the fence, in lower case
  std::string code;
};
std::vector<CodeBlock> code_blocks(std::string_view response);

/// The last block in one of these languages; else the last block without a language; else
/// nothing. Blocks of white space do not count.
std::optional<std::string> code_in_language(std::string_view response,
                                            const std::vector<std::string>& names);

}  // namespace srpo::verify
