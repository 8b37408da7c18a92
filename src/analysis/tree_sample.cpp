#include "analysis/tree_sample.h"

#include <tuple>

#include "core/random.h"

namespace srpo::analysis {
namespace {

uint64_t hash_of(const TreeDigest& tree) {
  const auto bits = core::philox(
      0x73616D706C65, (tree.validation ? 1ULL << 40 : 0) | tree.step, tree.slot);
  return (static_cast<uint64_t>(bits[0]) << 32) | bits[1];
}

auto key(const TreeDigest& tree) {
  return std::tuple(tree.step, tree.slot, tree.validation);
}

}  // namespace

const char* name_of(TreeOutcome outcome) {
  static constexpr const char* kNames[] = {
      "gained", "equal", "lost", "no_reset", "validation_right", "validation_wrong"};
  return kNames[static_cast<size_t>(outcome)];
}

TreeOutcome outcome_of(const TreeDigest& tree) {
  if (tree.validation) {
    const bool right = !tree.fresh.empty() && tree.fresh.front().reward >= 1;
    return right ? TreeOutcome::kValidationRight : TreeOutcome::kValidationWrong;
  }
  if (!tree.localization) return TreeOutcome::kNoReset;
  const double gain = tree.reset_gain().value_or(0);
  if (gain > 0) return TreeOutcome::kGained;
  return gain < 0 ? TreeOutcome::kLost : TreeOutcome::kEqual;
}

bool TreeSample::wants(const TreeDigest& tree) const {
  if (most_newest_ > 0) return true;
  const auto& kept = kept_[static_cast<size_t>(outcome_of(tree))];
  return kept.size() < per_outcome_ ||
         (per_outcome_ > 0 && hash_of(tree) < kept.rbegin()->first);
}

void TreeSample::add(TreeDigest tree) {
  const auto outcome = static_cast<size_t>(outcome_of(tree));
  ++seen_[outcome];
  auto& kept = kept_[outcome];
  const uint64_t hash = hash_of(tree);
  const bool is_chosen =
      kept.size() < per_outcome_ || (per_outcome_ > 0 && hash < kept.rbegin()->first);
  if (is_chosen) {
    kept.insert_or_assign(hash, tree);
    if (kept.size() > per_outcome_) kept.erase(std::prev(kept.end()));
  }
  if (most_newest_ == 0) return;
  newest_.push_back(std::move(tree));
  if (newest_.size() > most_newest_) newest_.pop_front();
}

std::vector<const TreeDigest*> TreeSample::trees() const {
  std::map<std::tuple<uint32_t, uint32_t, bool>, const TreeDigest*> by_key;
  for (const auto& kept : kept_) {
    for (const auto& [hash, tree] : kept) by_key.emplace(key(tree), &tree);
  }
  for (const TreeDigest& tree : newest_) by_key.emplace(key(tree), &tree);
  std::vector<const TreeDigest*> trees;
  trees.reserve(by_key.size());
  for (const auto& [name, tree] : by_key) trees.push_back(tree);
  return trees;
}

}  // namespace srpo::analysis
