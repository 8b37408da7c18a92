// The life of one problem in one step: the route of the data, on one page.
//
//   begin -> fresh chains, as many as are needed (draw_selection.h)
//   each chain, by itself:  Generate -> Verify -> selected in launch order
//   each seed, at once:     Localize          (other chains may still be under way);
//                           a segment that was cut goes on from its end, nobody is asked
//   all seeds are found:    what is drawn beyond them is cancelled; endings from each
//                           seed as soon as it is localized -> Generate -> Verify
//   too few have failed:    fallback_group of the fresh chains, no reset
//   nothing is missing   -> decided -> Record -> recorded
//
// Which chains are used follows from launch order, never from the order in which they
// finish (method §2.2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "records/draw_plan.h"
#include "records/generation_request.h"
#include "scheduler/commands.h"
#include "scheduler/draw_selection.h"
#include "scheduler/group_orders.h"

namespace srpo::scheduler {

/// What every chain of a run is drawn with.
struct DrawSettings {
  records::DrawPlan plan;
  records::Sampling sampling;
  records::Sampling validation_sampling;
  records::ChainLimits limits;
};

/// One problem's state machine: it chooses no workers, and has no clock and no I/O.
/// Borrows the settings. Answers must be those that the worker pools have accepted: each
/// once. Thread-compatible.
class GroupLifecycle {
 public:
  enum class Stage { kWaiting, kDrawing, kDecided, kRecorded, kDropped };

  /// A tree with problem and prompt only, or one that was recorded before.
  GroupLifecycle(records::RolloutTree tree, bool recorded, const DrawSettings& settings);

  void begin(GroupOrders& orders);
  /// `worker`: where its cache is.
  void on_generated(records::Trajectory trajectory, uint32_t worker, GroupOrders& orders);
  void on_verified(const records::TrajectoryId& id, const records::Verdict& verdict,
                   GroupOrders& orders);
  /// What is known of a seed when its endings may be drawn.
  struct ResetPoint {
    std::optional<records::Localization> localization;  ///< absent: nobody was asked
    uint32_t prefix_length = 0;
    std::vector<int32_t> revision_prompt;  ///< plan.revises
  };
  void on_localized(const records::TrajectoryId& seed, ResetPoint point,
                    GroupOrders& orders);
  void on_recorded() { stage_ = Stage::kRecorded; }
  /// Gives the problem up: stops and releases all of it.
  void drop(GroupOrders& orders);

  commands::Generate generate(const records::TrajectoryId& id, uint32_t worker) const;
  commands::Verify verify(const records::TrajectoryId& id, uint32_t worker) const;
  commands::Localize localize(const records::TrajectoryId& id, uint32_t worker) const;
  /// The decided tree.
  commands::Record record() const;

  /// Where its prompt is known; a fresh chain was given to `worker`.
  void set_home(uint32_t worker) { home_ = worker; }
  std::optional<uint32_t> home() const { return home_; }

  Stage stage() const { return stage_; }
  const records::RolloutTree& tree() const { return tree_; }
  records::RolloutTree take_tree() { return std::move(tree_); }
  /// Where the cache of a seed is; nothing when it is not known (any more).
  std::optional<uint32_t> cache_of_seed(const records::TrajectoryId& suffix) const;
  uint32_t num_chains() const {
    return static_cast<uint32_t>(tree_.fresh.size() + tree_.suffixes.size());
  }
  /// One sentence for each thing it waits for.
  std::vector<std::string> waits_for() const;

 private:
  enum class Wait { kGenerated, kVerified, kNothing };
  struct Chain {
    records::Trajectory trajectory;
    Wait wait = Wait::kGenerated;
    std::optional<uint32_t> cache;  // the worker that keeps it
  };
  struct Reset {
    uint32_t seed;  // in fresh_
    std::optional<ResetPoint> point;
    bool has_endings = false;
    uint32_t first_ending = 0;  // in suffixes_
    uint32_t num_endings = 0;
  };

  bool resets() const { return !tree_.validation && settings_->plan.resets(); }
  void launch_fresh(uint32_t needed, uint32_t speculative, GroupOrders& orders);
  void launch_suffixes(Reset& reset, GroupOrders& orders);
  void add_reset(uint32_t seed, GroupOrders& orders);
  void advance(GroupOrders& orders);
  void select(GroupOrders& orders);
  void cut(size_t kept, GroupOrders& orders);
  void stop_localizations(GroupOrders& orders);
  void release(Chain& chain, GroupOrders& orders);
  void decide(GroupOrders& orders);
  bool endings_are_verified() const;
  uint32_t prompt_size() const {
    return static_cast<uint32_t>(tree_.prompt_tokens.size());
  }
  Chain& chain_of(const records::TrajectoryId& id);
  const Chain& chain_of(const records::TrajectoryId& id) const;
  records::ChainLimits limits_of(const records::TrajectoryId& id) const;
  const Reset& reset_of(const records::TrajectoryId& suffix) const;
  /// A segment that ended before it was cut: a whole chain.
  bool is_leaf(const records::Trajectory& chain) const;

  const DrawSettings* settings_;
  records::RolloutTree tree_;
  Stage stage_;
  std::optional<uint32_t> home_;
  DrawSelection selection_;
  std::vector<Chain> fresh_;
  std::vector<Chain> suffixes_;
  std::vector<Reset> resets_;
};

}  // namespace srpo::scheduler
