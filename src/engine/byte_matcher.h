// Finds one string in bytes that come in pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace srpo::engine {

/// Knuth-Morris-Pratt over a stream. An empty pattern is never found.
class ByteMatcher {
 public:
  explicit ByteMatcher(std::string pattern);

  /// Takes the next bytes; true if an occurrence ends in them.
  bool feed(std::string_view bytes);
  /// Forgets what came before.
  void reset() { matched_ = 0; }

 private:
  std::string pattern_;
  std::vector<size_t> fallback_;  ///< length of the longest border of each prefix
  size_t matched_ = 0;
};

}  // namespace srpo::engine
