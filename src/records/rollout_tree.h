// All that one problem gave in one step: fresh chains, the failed one, the chosen
// thought, the endings.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "records/localization.h"
#include "records/problem.h"
#include "records/trajectory.h"

namespace srpo::records {

/// The unit that is accepted, stored and trained on. Named by (step, slot, validation).
struct RolloutTree {
  uint32_t step = 0;
  uint32_t slot = 0;
  bool validation = false;  ///< one greedy chain, never trained
  Problem problem;
  std::vector<int32_t> prompt_tokens;
  std::vector<Trajectory> fresh;  ///< in launch order; `use` tells base, seed, surplus
  std::optional<Localization>
      localization;  ///< absent when no chain failed, or the algorithm never resets
  uint32_t prefix_length = 0;        ///< tokens kept from the first seed
  std::vector<Trajectory> suffixes;  ///< in launch order, reset by reset
  /// What was said of the second failed chain that was gone back into, and of those after
  /// it (split 2x4), in launch order; `localization` is of the first.
  std::vector<Localization> further;

  /// The first chain that was gone back into, or null.
  const Trajectory* seed() const {
    for (const Trajectory& chain : fresh) {
      if (chain.use == Use::kSeed) return &chain;
    }
    return suffixes.empty() ? nullptr : seed_of(suffixes.front());
  }

  /// The chain that an ending goes on from, or was drawn in sight of; null when the tree
  /// has none.
  const Trajectory* seed_of(const Trajectory& suffix) const {
    for (const Trajectory& chain : fresh) {
      if (suffix.parent ? chain.id == *suffix.parent : chain.use == Use::kSeed)
        return &chain;
    }
    return nullptr;
  }

  /// How many times chains were gone back into by the word of a localizer.
  uint32_t num_localizations() const {
    return localization ? 1 + static_cast<uint32_t>(further.size()) : 0;
  }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("step", self.step);
    visit("slot", self.slot);
    visit("validation", self.validation);
    visit("problem", self.problem);
    visit("prompt_tokens", self.prompt_tokens);
    visit("fresh", self.fresh);
    visit("localization", self.localization);
    visit("prefix_length", self.prefix_length);
    visit("suffixes", self.suffixes);
    visit("further", self.further);
  }
};

}  // namespace srpo::records
