// Finds a string in bytes that arrive piece by piece.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace srpo::text {

/// Knuth-Morris-Pratt over bytes: a match may lie across any number of pieces.
/// Thread-compatible.
class StringMatcher {
 public:
  /// Throws kBadInput for an empty pattern.
  explicit StringMatcher(std::string pattern);

  /// How many bytes of this piece it takes to complete the first match; nothing when none
  /// completes in it. After a match the rest of the piece is not looked at: feed it again
  /// to look for the next match, which may overlap.
  std::optional<size_t> feed(std::string_view piece);

  /// Forgets what was fed.
  void reset() { matched_ = 0; }

  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  std::vector<uint32_t>
      fallback_;  ///< for n matched bytes: the longest shorter prefix that also ends here
  uint32_t matched_ = 0;
};

}  // namespace srpo::text
