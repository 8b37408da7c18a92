// Texts in a tree in which every beginning that some of them share stands once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace srpo::rl {

/// A run of tokens behind its parent. Tokens are those of one of the texts that go
/// through it, at the same depth: `begin` is the depth of the first.
struct TrieNode {
  size_t text = 0;
  int64_t begin = 0;
  int64_t end = 0;
  int64_t parent = -1;  ///< node; -1: at the start of a text
  std::vector<size_t> children;

  int64_t length() const { return end - begin; }
};

/// A radix tree. Two equal beginnings are the same computation in a causal model, whoever
/// wrote them: a prompt, a prefix that was kept, the chain it was cut from.
/// Thread-compatible.
class TokenTrie {
 public:
  /// Adds a text of one token or more and returns its number. With `share` false it
  /// shares nothing.
  size_t add(std::vector<int32_t> text, bool share = true);

  /// Tokens that add(text) would add.
  int64_t count_new(std::span<const int32_t> text) const;

  int64_t num_tokens() const { return num_tokens_; }
  const TrieNode& node(size_t index) const { return nodes_[index]; }
  std::span<const int32_t> tokens_of(size_t node) const;

  /// All nodes, each behind its parent and a subtree in one piece.
  std::vector<size_t> preorder() const;

  /// Where each token of a text lies, when node n begins at place_of_node[n].
  std::vector<int64_t> places_of(size_t text,
                                 std::span<const int64_t> place_of_node) const;

 private:
  /// How far a text is known: to the end of `depth` tokens, the last of them in `node`.
  struct Match {
    int64_t node = -1;
    int64_t depth = 0;
  };
  Match match(std::span<const int32_t> text) const;
  int64_t child_with(int64_t node, int32_t first) const;
  void split(size_t node, int64_t depth);
  std::vector<size_t>& children_of(int64_t node);
  const std::vector<size_t>& children_of(int64_t node) const;
  int32_t token(const TrieNode& node, int64_t depth) const {
    return texts_[node.text][static_cast<size_t>(depth)];
  }

  std::vector<std::vector<int32_t>> texts_;
  std::vector<size_t> leaves_;  // of each text; the text may end before its leaf does
  std::vector<TrieNode> nodes_;
  std::vector<size_t> roots_;     // those that are shared
  std::vector<size_t> unshared_;  // roots that are not
  int64_t num_tokens_ = 0;
};

}  // namespace srpo::rl
