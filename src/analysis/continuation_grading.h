// Grading wrong steps without a strong model: how often a chain that goes on from before
// a thought, and from behind it, still succeeds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "analysis/statistics.h"
#include "analysis/table.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

enum class GradedPlaces : uint8_t {
  kNamed,  ///< before and behind the named thought
  kAll,    ///< before each thought: then the first wrong one can be told
};

/// Writes a JSON line for each place of a tree's failed chain, as srpo_generate reads
/// them (`ids`: prompt and kept thoughts), with all that grading needs besides. Nothing
/// for a tree without a reset. Returns how many.
uint64_t write_grading_prompts(std::ostream& out, const records::RolloutTree& tree,
                               GradedPlaces places);

/// Continuations of one failed chain.
struct GradedChain {
  uint32_t named = 0;     ///< thought, 1-based
  uint32_t thoughts = 0;  ///< of the chain
  /// Successes by number of kept thoughts. With all of them kept the chain is over, and
  /// it has failed: that place is not drawn.
  std::map<uint32_t, Proportion> by_kept;

  /// Share of successes with so many thoughts kept; 0 with all of them, nothing for a
  /// place that was not drawn.
  std::optional<double> value(uint32_t kept) const;
  /// The thought behind which the value falls most, the first of several; nothing unless
  /// every place was drawn and one falls.
  std::optional<uint32_t> steepest() const;
};

/// Memory: some words a place.
struct ContinuationGrading {
  std::map<std::pair<uint32_t, uint32_t>, GradedChain> chains;  ///< by (step, slot)
  uint64_t draws = 0;                                           ///< a place

  /// Judges the continuations that srpo_generate gave for the prompts, n of each in
  /// their order, by each problem's own verifier. A continuation ends with the first
  /// thought that has a box, as a chain would. Throws kBadFile naming file and line,
  /// also when the number of continuations is no multiple of that of prompts.
  static ContinuationGrading read(const std::filesystem::path& prompts,
                                  const std::filesystem::path& continuations);

  /// JSON lines as KnownSteps reads them, with the value before and behind; thought 0
  /// where nothing falls.
  void write_known(std::ostream& out) const;
};

/// `grading` (value before and behind the named thought, intervals over chains) and
/// `profile` (value by kept thoughts, relative to the named one).
std::vector<Table> grading_tables(const ContinuationGrading& grading);

}  // namespace srpo::analysis
