// The orderly stop: nothing new is begun; what is in flight ends, or is parked for the
// next start when the deadline passes.
#include "scheduler/scheduler.h"

namespace srpo::scheduler {

void Scheduler::step_drain(Time now, Out& out) {
  const bool is_late = now >= *drain_deadline_;
  const bool is_saved = checkpointed_ == progress_ || progress_ == Progress{};
  // Not only when the drawing has ended: that may take longer than there is time.
  if (learner_ == Learner::kIdle && !is_saved && !is_late && is_exact_point()) {
    save(out);
    return;
  }
  const bool is_drawing = active_trees_ > 0;
  if ((is_drawing || learner_ != Learner::kIdle) && !is_late) return;
  park_all(now, out);
  finish(/*stopped=*/true, out);
}

/// One step off draws a step with the weights before those it trains: a checkpoint in the
/// middle of that could not be gone on from with the same result.
bool Scheduler::is_exact_point() {
  if (config_.mode != Mode::kOneStepOff || progress_.steps == config_.steps ||
      progress_.steps == 0)
    return true;
  const StepWindow* current = window(progress_.steps, false);
  return current != nullptr && current->is_drawn();
}

void Scheduler::park_all(Time now, Out& out) {
  using Stage = GroupLifecycle::Stage;
  for (RolePool& pool : pools_) pool.close();
  for (auto& [key, window] : windows_) {
    const bool assigned_at_once = config_.mode != Mode::kAsync || key.second;
    for (const uint32_t slot : window.wanted_slots()) {
      if (!window.has(slot)) continue;
      GroupLifecycle& group = window.group(slot);
      const Stage stage = group.stage();
      if (stage == Stage::kRecorded || stage == Stage::kDropped) continue;
      if (stage == Stage::kWaiting && !assigned_at_once) continue;
      problems_.drop("parked");
      if (stage == Stage::kDecided) sequences_.drop("parked", group.num_chains());
      if (stage != Stage::kDrawing) continue;
      GroupOrders orders;
      group.drop(orders);
      carry_out({&window, &group}, orders, now, out, "parked");
      out.emplace_back(commands::Drop{key.first, slot, key.second, "parked"});
    }
  }
  active_trees_ = 0;
}

}  // namespace srpo::scheduler
