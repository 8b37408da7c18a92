#include "text/thoughts.h"

#include "core/error.h"
#include "text/white_space.h"

namespace srpo::text {

std::vector<std::string> split_thoughts(const Tokenizer& tokenizer,
                                        std::span<const int32_t> tokens,
                                        std::span<const uint32_t> thought_ends) {
  std::vector<std::string> thoughts;
  size_t begin = 0;
  for (uint32_t end : thought_ends) {
    REQUIRE(end >= begin && end <= tokens.size(), kBadInput,
            "thought " << thoughts.size() + 1 << " ends at token " << end << " (expected "
                       << begin << ".." << tokens.size() << ")");
    thoughts.push_back(tokenizer.decode(tokens.subspan(begin, end - begin)));
    begin = end;
  }
  return thoughts;
}

std::string strip_delimiter(std::string_view thought) {
  std::string stripped(thought);
  for (size_t at = 0; (at = stripped.find(kThoughtDelimiter, at)) != std::string::npos;) {
    stripped.erase(at, kThoughtDelimiter.size());
  }
  return std::string(trim(stripped));
}

}  // namespace srpo::text
