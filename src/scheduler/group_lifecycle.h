// The life of one problem in one step: the route of the data, on one page.
//
//   begin -> base_group+1 fresh chains -> verified
//     no chain has failed            -> more fresh chains, at most max_draws ->
//     fallback_group of them -> decided the first failed one is known  -> Localize ->
//     suffix_group endings from its kept prefix -> verified -> decided
//   decided -> Record -> recorded
//
// Which chains are used follows from launch order, never from the order in which they
// finish (method §2.2).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "records/draw_plan.h"
#include "records/generation_request.h"
#include "scheduler/commands.h"
#include "scheduler/placement.h"

namespace srpo::scheduler {

/// What every chain of a run is drawn with.
struct DrawSettings {
  records::DrawPlan plan;
  records::Sampling sampling;
  records::Sampling validation_sampling;
  records::ChainLimits limits;
};

/// One problem's state machine: no clock, no I/O. Borrows the settings.
/// Thread-compatible.
class GroupLifecycle {
 public:
  enum class Stage { kDrawing, kDecided, kRecorded, kDropped };

  /// A tree with problem and prompt only; its chains will be drawn by `generator`.
  GroupLifecycle(records::RolloutTree tree, const DrawSettings& settings,
                 uint32_t generator);
  /// A tree that was recorded before: nothing to do.
  static GroupLifecycle recorded(records::RolloutTree tree, const DrawSettings& settings);

  std::vector<Command> begin();
  std::vector<Command> on_generated(records::Trajectory trajectory, Workers& workers);
  std::vector<Command> on_verified(const records::TrajectoryId& id,
                                   const records::Verdict& verdict, Workers& workers);
  std::vector<Command> on_localized(const records::Localization& localization,
                                    uint32_t prefix_length, Workers& workers);
  /// Asks again, elsewhere if there is an elsewhere; after the third failure the problem
  /// is dropped.
  std::vector<Command> on_failed(const records::TrajectoryId& id,
                                 const std::string& reason, Workers& workers);
  void on_recorded() { stage_ = Stage::kRecorded; }

  Stage stage() const { return stage_; }
  uint32_t generator() const { return generator_; }
  const records::RolloutTree& tree() const { return tree_; }
  /// What it waits for: "generated 12/3/fresh/4", "localized", ...
  std::vector<std::string> waits_for() const;

 private:
  enum class Wait { kGenerated, kVerified, kLocalized, kNothing };
  struct Chain {
    records::Trajectory trajectory;
    Wait wait = Wait::kGenerated;
    uint32_t verifier = 0;
  };

  bool resets() const { return !tree_.validation && settings_->plan.suffix_group > 0; }
  void launch_fresh(uint32_t count, std::vector<Command>& out);
  void launch_suffixes(std::vector<Command>& out);
  commands::Generate request(const records::TrajectoryId& id) const;
  Command verify(Chain& chain, Workers& workers);
  Chain& chain_of(const records::TrajectoryId& id);
  /// Gives every verified chain, in launch order, its use; stops at the first one that is
  /// not verified.
  void select();
  std::vector<Command> advance(Workers& workers);
  std::vector<Command> decide();
  void release(bool all, std::vector<Command>& out) const;

  const DrawSettings* settings_;
  records::RolloutTree tree_;
  uint32_t generator_ = 0;
  Stage stage_ = Stage::kDrawing;
  std::vector<Chain> fresh_;
  std::vector<Chain> suffixes_;
  std::optional<size_t> seed_;  // in fresh_
  uint32_t num_base_ = 0;
  size_t num_selected_ = 0;  // fresh chains that have a use
  Wait localization_ = Wait::kNothing;
  uint32_t localizer_ = 0;
  std::map<records::TrajectoryId, int> failures_;
};

}  // namespace srpo::scheduler
