// A bounded choice among any number of rollout trees, the same for the same trees in any
// order.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "analysis/tree_digest.h"

namespace srpo::analysis {

/// How a tree came out; each outcome has its own share of a sample.
enum class TreeOutcome : uint8_t {
  kGained = 0,   ///< endings better than the base group
  kEqual = 1,    ///< as good
  kLost = 2,     ///< worse
  kNoReset = 3,  ///< nothing was gone back into
  kValidationRight = 4,
  kValidationWrong = 5,
};
inline constexpr size_t kNumTreeOutcomes = 6;

const char* name_of(TreeOutcome outcome);
TreeOutcome outcome_of(const TreeDigest& tree);

/// Of each outcome, the trees whose keys hash to the smallest numbers: a uniform sample.
/// Beside it, the trees that were added last. Thread-compatible.
class TreeSample {
 public:
  explicit TreeSample(size_t per_outcome, size_t newest = 0)
      : per_outcome_(per_outcome), most_newest_(newest) {}

  /// Whether add() would keep it: then a digest with text is wanted.
  bool wants(const TreeDigest& tree) const;
  void add(TreeDigest tree);

  /// Each tree once, by (step, slot, validation).
  std::vector<const TreeDigest*> trees() const;
  /// That were shown to it, by outcome.
  const std::array<uint64_t, kNumTreeOutcomes>& seen() const { return seen_; }

 private:
  size_t per_outcome_;
  size_t most_newest_;
  std::array<std::map<uint64_t, TreeDigest>, kNumTreeOutcomes> kept_;  // by hash of key
  std::deque<TreeDigest> newest_;
  std::array<uint64_t, kNumTreeOutcomes> seen_{};
};

}  // namespace srpo::analysis
