#include "rl/token_trie.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::rl {

std::vector<size_t>& TokenTrie::children_of(int64_t node) {
  return node < 0 ? roots_ : nodes_[static_cast<size_t>(node)].children;
}

const std::vector<size_t>& TokenTrie::children_of(int64_t node) const {
  return node < 0 ? roots_ : nodes_[static_cast<size_t>(node)].children;
}

int64_t TokenTrie::child_with(int64_t node, int32_t first) const {
  for (const size_t child : children_of(node)) {
    if (token(nodes_[child], nodes_[child].begin) == first)
      return static_cast<int64_t>(child);
  }
  return -1;
}

TokenTrie::Match TokenTrie::match(std::span<const int32_t> text) const {
  const auto length = static_cast<int64_t>(text.size());
  Match known;
  while (known.depth < length) {
    const int64_t next = child_with(known.node, text[static_cast<size_t>(known.depth)]);
    if (next < 0) break;
    known.node = next;
    const TrieNode& node = nodes_[static_cast<size_t>(next)];
    const int64_t end = std::min(length, node.end);
    while (known.depth < end &&
           token(node, known.depth) == text[static_cast<size_t>(known.depth)]) {
      ++known.depth;
    }
    if (known.depth < node.end) break;
  }
  return known;
}

void TokenTrie::split(size_t node, int64_t depth) {
  const size_t upper = nodes_.size();
  TrieNode head = nodes_[node];
  head.end = depth;
  head.children = {node};
  auto& siblings = children_of(head.parent);
  *std::find(siblings.begin(), siblings.end(), node) = upper;
  nodes_[node].begin = depth;
  nodes_[node].parent = static_cast<int64_t>(upper);
  nodes_.push_back(std::move(head));
}

size_t TokenTrie::add(std::vector<int32_t> text, bool share) {
  ENSURE(!text.empty(), "a text without tokens");
  const auto length = static_cast<int64_t>(text.size());
  const size_t number = texts_.size();
  Match known = share ? match(text) : Match{};
  texts_.push_back(std::move(text));
  if (known.depth == length) {
    leaves_.push_back(static_cast<size_t>(known.node));
    return number;
  }
  if (known.node >= 0 && known.depth < nodes_[static_cast<size_t>(known.node)].end) {
    split(static_cast<size_t>(known.node), known.depth);
    known.node = static_cast<int64_t>(nodes_.size()) - 1;
  }
  const size_t leaf = nodes_.size();
  nodes_.push_back({number, known.depth, length, known.node, {}});
  (share ? children_of(known.node) : unshared_).push_back(leaf);
  leaves_.push_back(leaf);
  num_tokens_ += length - known.depth;
  return number;
}

int64_t TokenTrie::count_new(std::span<const int32_t> text) const {
  return static_cast<int64_t>(text.size()) - match(text).depth;
}

std::span<const int32_t> TokenTrie::tokens_of(size_t node) const {
  const TrieNode& own = nodes_[node];
  return std::span(texts_[own.text])
      .subspan(static_cast<size_t>(own.begin), static_cast<size_t>(own.length()));
}

std::vector<size_t> TokenTrie::preorder() const {
  std::vector<size_t> order;
  std::vector<size_t> waiting(unshared_.rbegin(), unshared_.rend());
  waiting.insert(waiting.end(), roots_.rbegin(), roots_.rend());
  while (!waiting.empty()) {
    const size_t next = waiting.back();
    waiting.pop_back();
    order.push_back(next);
    const auto& children = nodes_[next].children;
    waiting.insert(waiting.end(), children.rbegin(), children.rend());
  }
  return order;
}

std::vector<int64_t> TokenTrie::places_of(size_t text,
                                          std::span<const int64_t> place_of_node) const {
  const auto length = static_cast<int64_t>(texts_[text].size());
  std::vector<int64_t> places(texts_[text].size());
  // A text's leaf can have been split since: what lies below the text's end is skipped.
  for (auto node = static_cast<int64_t>(leaves_[text]); node >= 0;
       node = nodes_[static_cast<size_t>(node)].parent) {
    const TrieNode& own = nodes_[static_cast<size_t>(node)];
    for (int64_t depth = own.begin; depth < std::min(own.end, length); ++depth) {
      places[static_cast<size_t>(depth)] =
          place_of_node[static_cast<size_t>(node)] + depth - own.begin;
    }
  }
  return places;
}

}  // namespace srpo::rl
