#include "text/added_tokens.h"

#include <algorithm>

#include "core/error.h"
#include "text/unicode.h"

namespace srpo::text {
namespace {

/// Where the white space that ends at `end` begins.
size_t skip_space_backward(std::string_view text, size_t end) {
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
    size_t position = begin;
    if (!is_white_space(next_character(text, position))) break;
    end = begin;
  }
  return end;
}

size_t skip_space_forward(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    size_t next = begin;
    if (!is_white_space(next_character(text, next))) break;
    begin = next;
  }
  return begin;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)) {
  std::stable_sort(tokens_.begin(), tokens_.end(),
                   [](const AddedToken& a, const AddedToken& b) {
                     return a.content.size() > b.content.size();
                   });
  for (uint32_t i = 0; i < tokens_.size(); ++i) {
    ENSURE(!tokens_[i].content.empty(), "an added token without content");
    const auto first = static_cast<uint8_t>(tokens_[i].content[0]);
    by_first_byte_[first].push_back(i);
    begins_[first] = true;
  }
}

const AddedToken* AddedTokenMatcher::find_at(std::string_view text,
                                             size_t position) const {
  for (uint32_t i : by_first_byte_[static_cast<uint8_t>(text[position])]) {
    if (text.compare(position, tokens_[i].content.size(), tokens_[i].content) == 0) {
      return &tokens_[i];
    }
  }
  return nullptr;
}

std::vector<TextPart> AddedTokenMatcher::split(std::string_view text) const {
  std::vector<TextPart> parts;
  size_t done = 0;
  const auto push_text_until = [&](size_t end) {
    if (done < end) parts.push_back({nullptr, text.substr(done, end - done)});
  };
  for (size_t position = 0; !tokens_.empty() && position < text.size();) {
    const AddedToken* token =
        begins_[static_cast<uint8_t>(text[position])] ? find_at(text, position) : nullptr;
    if (token == nullptr) {
      ++position;
      continue;
    }
    size_t begin = position;
    position += token->content.size();
    if (token->lstrip) begin = std::max(done, skip_space_backward(text, begin));
    push_text_until(begin);
    const size_t end = token->rstrip ? skip_space_forward(text, position) : position;
    begin = std::min(begin, end);
    parts.push_back({token, text.substr(begin, end - begin)});
    done = end;
  }
  push_text_until(text.size());
  return parts;
}

}  // namespace srpo::text
