#include "text/string_matcher.h"

#include "core/error.h"

namespace srpo::text {

StringMatcher::StringMatcher(std::string pattern) : pattern_(std::move(pattern)) {
  REQUIRE(!pattern_.empty(), kBadInput, "an empty string to look for");
  fallback_.assign(pattern_.size() + 1, 0);
  uint32_t shorter = 0;
  for (uint32_t i = 1; i < pattern_.size(); ++i) {
    while (shorter > 0 && pattern_[i] != pattern_[shorter]) shorter = fallback_[shorter];
    if (pattern_[i] == pattern_[shorter]) ++shorter;
    fallback_[i + 1] = shorter;
  }
}

std::optional<size_t> StringMatcher::feed(std::string_view piece) {
  for (size_t i = 0; i < piece.size(); ++i) {
    while (matched_ > 0 && piece[i] != pattern_[matched_]) matched_ = fallback_[matched_];
    if (piece[i] == pattern_[matched_]) ++matched_;
    if (matched_ == pattern_.size()) {
      matched_ = fallback_[matched_];
      return i + 1;
    }
  }
  return std::nullopt;
}

}  // namespace srpo::text
