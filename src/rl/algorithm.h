// An algorithm: what to draw for a problem, and what to learn from what was drawn.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config_table.h"
#include "records/draw_plan.h"
#include "records/rollout_tree.h"
#include "rl/training_tree.h"

namespace srpo::rl {

/// Immutable after construction. Thread-safe.
class Algorithm {
 public:
  virtual ~Algorithm() = default;

  virtual records::DrawPlan draw_plan() const = 0;

  /// The sequences of a decided tree with their advantages; empty when none has a
  /// non-zero one.
  virtual TrainingTree learn(const records::RolloutTree& tree) const = 0;

  /// The trees of one training step, in order: what needs all of them sees them here. One
  /// answer for each tree; learn() of each unless an algorithm says otherwise.
  virtual std::vector<TrainingTree> learn_all(
      std::span<const records::RolloutTree> trees) const;

  virtual LossRule loss_rule() const = 0;

  /// Some sequence is compared with the reference model, the one that training began
  /// with.
  virtual bool needs_reference() const { return false; }
};

/// The algorithm that `algorithm: {name: ...}` names, with its options read. Throws
/// kBadConfig for an unknown name (listing the known ones) or a bad option.
std::unique_ptr<Algorithm> make_algorithm(const core::ConfigTable& options);

/// In the order of the table.
std::vector<std::string> algorithm_names();

}  // namespace srpo::rl
