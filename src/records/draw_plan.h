// What an algorithm asks to be drawn for one problem; the scheduler carries it out
// without knowing the algorithm.
#pragma once

#include <cstdint>
#include <string>

namespace srpo::records {

/// SRPO 1x4: draw fresh chains until `base_group` of them are kept and one more has
/// failed, at most `max_draws`; then `suffix_group` endings from the failed one. If none
/// fails: `fallback_group` fresh chains, no reset. GRPO: base_group 8, suffix_group 0.
struct DrawPlan {
  uint32_t base_group = 4;
  uint32_t suffix_group = 4;    ///< 0: the algorithm never resets
  uint32_t fallback_group = 8;  ///< chains trained when no chain failed within max_draws
  uint32_t max_draws = 12;
  double failed_below = 1.0;  ///< a chain with a smaller reward has failed
  std::string localizer = "self";

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("base_group", self.base_group);
    visit("suffix_group", self.suffix_group);
    visit("fallback_group", self.fallback_group);
    visit("max_draws", self.max_draws);
    visit("failed_below", self.failed_below);
    visit("localizer", self.localizer);
  }
};

}  // namespace srpo::records
