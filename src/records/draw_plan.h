// What an algorithm asks to be drawn for one problem; the scheduler carries it out
// without knowing the algorithm.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace srpo::records {

/// Which fresh chains are gone back into.
enum class SeedRule : uint8_t {
  kFirstFailed = 0,  ///< the first that fail, taken out of the base group (as published)
  kAnyFailed = 1,    ///< the first that fail, wherever they stand: the first base_group
                     ///< chains are the base group, so that these are an unbiased sample
  kEveryChain = 2,   ///< all of the base group, failed or not
};

/// Draw fresh chains one after another until `base_group` of them are kept and `seeds`
/// have failed, at most `max_draws`; then `suffix_group` endings from each seed. If
/// fewer fail: `fallback_group` fresh chains, no reset. The defaults are SRPO's split
/// 1x4. GRPO: base_group 8, suffix_group 0.
struct DrawPlan {
  uint32_t base_group = 4;      ///< fresh chains that are trained beside the endings
  uint32_t suffix_group = 4;    ///< endings of one seed; 0: the algorithm never resets
  uint32_t fallback_group = 8;  ///< chains trained when too few failed within max_draws
  uint32_t max_draws = 12;
  double failed_below = 1.0;  ///< a chain with a smaller reward has failed
  std::string localizer = "self";
  uint32_t seeds = 1;  ///< failed chains to go back into
  /// Chains drawn beyond what is sure to be needed, while a failure is looked for; those
  /// that turn out not to be needed are cancelled and leave no trace in the tree.
  uint32_t speculative_draws = 3;
  SeedRule seed_rule = SeedRule::kFirstFailed;
  /// Endings are second attempts from a prompt that shows the first one, and keep nothing
  /// of it.
  bool revises = false;
  /// Above 0: chains are plain text, a fresh one is cut after so many tokens, and each
  /// one that has not ended by then goes on suffix_group times.
  uint32_t segment_tokens = 0;

  bool resets() const { return suffix_group > 0; }

  /// `1x4`, `1x8` or `2x4` (method §2.2, §2.3); nothing for another name.
  static std::optional<DrawPlan> of_split(const std::string& split) {
    DrawPlan plan;
    if (split == "1x4") return plan;
    plan.base_group = 0;
    if (split == "1x8") {
      plan.suffix_group = 8;
      return plan;
    }
    if (split != "2x4") return std::nullopt;
    plan.seeds = 2;
    return plan;
  }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("base_group", self.base_group);
    visit("suffix_group", self.suffix_group);
    visit("fallback_group", self.fallback_group);
    visit("max_draws", self.max_draws);
    visit("failed_below", self.failed_below);
    visit("localizer", self.localizer);
    visit("seeds", self.seeds);
    visit("speculative_draws", self.speculative_draws);
    visit("seed_rule", self.seed_rule);
    visit("revises", self.revises);
    visit("segment_tokens", self.segment_tokens);
  }
};

}  // namespace srpo::records
