// The problems of one step: which are drawn, in which order, and which of them are
// trained on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "scheduler/events.h"
#include "scheduler/group_lifecycle.h"

namespace srpo::scheduler {

/// A step has more candidates than problems when there is a choice to make (curriculum)
/// or a replacement to be found (dynamic sampling): the first `wanted` in the given order
/// are drawn; each that proves to be without signal, or is dropped, adds the next
/// candidate, as long as there are any. So the batch is a function of order and trees,
/// not of who was first. Costs of all calls are O(log candidates). Thread-compatible.
class StepWindow {
 public:
  struct Rules {
    uint32_t wanted = 0;          ///< problems of the batch; 0: all
    bool skip_no_signal = false;  ///< leave them out of the batch
    bool replace = false;         ///< draw another candidate for each one left out
  };

  /// `order`: places of entries.
  StepWindow(events::StepOpened opened, const std::vector<uint32_t>& order,
             const Rules& rules, const DrawSettings& settings);

  /// The next problem to begin, by priority, then order; null when there is none.
  GroupLifecycle* next_to_begin();
  void on_settled(uint32_t slot);  ///< recorded or dropped

  GroupLifecycle& group(uint32_t slot);
  const GroupLifecycle& group(uint32_t slot) const;
  bool has(uint32_t slot) const { return slot < groups_.size() && groups_[slot]; }
  int32_t priority(uint32_t slot) const { return priorities_[slot]; }

  uint32_t step() const { return step_; }
  bool validation() const { return validation_; }
  /// Everything that is wanted is recorded or dropped.
  bool is_drawn() const { return num_settled_ == num_wanted_; }
  bool all_recorded() const { return num_begun_ == 0 && to_begin_.empty(); }
  uint32_t num_wanted() const { return num_wanted_; }
  uint32_t num_recorded() const { return num_recorded_; }
  uint32_t num_begun() const { return num_begun_; }
  bool has_to_begin() const { return !to_begin_.empty(); }
  /// Since the last call: how many problems became wanted, and how many were recorded.
  std::pair<uint32_t, uint32_t> take_news();

  /// Slots that are wanted, in order.
  std::vector<uint32_t> wanted_slots() const;
  /// Those of recorded trees that belong into the batch, in order. Call when drawn.
  std::vector<uint32_t> batch_slots() const;
  bool counts(const records::RolloutTree& tree) const;
  /// Forgets a problem whose tree is not needed here any more.
  void erase(uint32_t slot) {
    groups_[slot].reset();
    ++num_erased_;
  }
  bool is_spent() const { return num_erased_ == num_wanted_; }

  /// The weights that it is to be drawn with have come.
  void allow_drawing(uint32_t version) { version_ = version; }
  bool may_draw() const { return version_.has_value(); }
  uint32_t version() const { return version_.value_or(step_); }

 private:
  void want_next();
  void settle(const GroupLifecycle& group);

  uint32_t step_;
  bool validation_;
  Rules rules_;
  const DrawSettings* settings_;
  std::vector<std::unique_ptr<GroupLifecycle>> groups_;  // by slot
  std::vector<int32_t> priorities_;                      // by slot
  std::vector<uint32_t> order_;                          // slots
  uint32_t num_wanted_ = 0;                              // the first of order_
  uint32_t num_erased_ = 0;
  std::optional<uint32_t> version_;
  uint32_t reported_wanted_ = 0;
  uint32_t reported_recorded_ = 0;
  uint32_t num_begun_ = 0;
  uint32_t num_settled_ = 0;
  uint32_t num_recorded_ = 0;
  std::set<std::pair<int64_t, uint32_t>> to_begin_;  // minus priority, place in order_
};

}  // namespace srpo::scheduler
