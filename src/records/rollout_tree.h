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
  uint32_t prefix_length = 0;        ///< tokens kept from the seed
  std::vector<Trajectory> suffixes;  ///< in launch order

  /// The failed chain that was gone back into, or null.
  const Trajectory* seed() const {
    for (const Trajectory& chain : fresh) {
      if (chain.use == Use::kSeed) return &chain;
    }
    return nullptr;
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
  }
};

}  // namespace srpo::records
