// What the algorithms without resets have in common: independent chains from the prompt,
// compared with one another.
#pragma once

#include "rl/algorithm.h"
#include "rl/credited_group.h"

namespace srpo::rl {

/// Off when `buffer` is 0. A chain of more than limit - buffer tokens loses reward in
/// proportion, `penalty` at the limit (DAPO's soft overlong punishment).
struct LengthPenalty {
  uint32_t limit = 0;
  uint32_t buffer = 0;
  double penalty = 1;

  double of(size_t tokens) const;
};

struct FreshGroupOptions {
  uint32_t group = 8;
  LossRule loss;
  CreditRule credit;
  LengthPenalty length;
};

/// `group` chains, advantages within them by the credit rule.
class FreshGroups : public Algorithm {
 public:
  explicit FreshGroups(const FreshGroupOptions& options) : options_(options) {}

  records::DrawPlan draw_plan() const override;
  LossRule loss_rule() const override { return options_.loss; }
  TrainingTree learn(const records::RolloutTree& tree) const override;
  bool needs_reference() const override { return options_.credit.kl > 0; }

 protected:
  const FreshGroupOptions& options() const { return options_; }
  /// The trained chains, and their rewards less the length penalty.
  std::vector<double> rewards(const Group& group) const;

 private:
  FreshGroupOptions options_;
};

/// `group` and what algorithm_options.h reads, with these defaults.
FreshGroupOptions read_fresh_groups(const core::ConfigTable& options,
                                    const FreshGroupOptions& otherwise);

/// Draws `group` chains and never goes back.
records::DrawPlan plan_without_resets(uint32_t group);

}  // namespace srpo::rl
