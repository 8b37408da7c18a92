#include "engine/byte_matcher.h"

#include <utility>

namespace srpo::engine {

ByteMatcher::ByteMatcher(std::string pattern)
    : pattern_(std::move(pattern)), fallback_(pattern_.size() + 1, 0) {
  size_t border = 0;
  for (size_t i = 1; i < pattern_.size(); ++i) {
    while (border > 0 && pattern_[i] != pattern_[border]) border = fallback_[border];
    if (pattern_[i] == pattern_[border]) ++border;
    fallback_[i + 1] = border;
  }
}

bool ByteMatcher::feed(std::string_view bytes) {
  if (pattern_.empty()) return false;
  bool found = false;
  for (const char byte : bytes) {
    while (matched_ > 0 && pattern_[matched_] != byte) matched_ = fallback_[matched_];
    if (pattern_[matched_] == byte) ++matched_;
    if (matched_ == pattern_.size()) {
      found = true;
      matched_ = fallback_[matched_];
    }
  }
  return found;
}

}  // namespace srpo::engine
