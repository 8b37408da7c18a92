// Texts that share beginnings, laid out one segment after another.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace srpo::model {

/// Tokens [begin, end), which follow the whole of `parent` and of its ancestors; parent
/// -1: nothing comes before.
struct Segment {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t parent = -1;

  int64_t length() const { return end - begin; }
};

/// The input of one training pass. A parent stands before its children; segments cover
/// all tokens in order.
struct TokenForest {
  std::vector<int64_t> tokens;
  std::vector<int64_t> positions;  ///< depth of each token in its text
  std::vector<Segment> segments;

  int64_t num_tokens() const { return static_cast<int64_t>(tokens.size()); }
};

}  // namespace srpo::model
