// Modes sync and one step off: a step trains on its own trees, all of them.
//
//   sync          checkpoint, validation, open t, publish t, draw t, train t -> t+1
//   one step off  draw 0; then for each t, with all of step t drawn: checkpoint,
//                 validation, open t+1, publish t, train t beside draw t+1
//
// One step off saves only where the next batch is recorded as a whole, so that a resumed
// run never has to draw with weights that are gone.
#include <algorithm>

#include "core/error.h"
#include "scheduler/scheduler.h"

namespace srpo::scheduler {

bool Scheduler::step_batches(Time now, Out& out) {
  const uint32_t step = progress_.steps;
  if (StepWindow* validation = window(step, true)) {
    if (!draw(*validation, now, out)) return false;
    validated_ = step;
    windows_.erase({step, true});
    return true;
  }
  if (opening_) return false;
  if (learner_ == Learner::kTraining) {
    StepWindow* next = window(step + 1, false);
    if (next != nullptr) draw(*next, now, out);
    return false;
  }
  StepWindow* current = window(step, false);
  if (learner_ != Learner::kIdle) return false;
  if (current == nullptr) {
    if (checkpoint_is_due()) {
      save(out);
    } else if (validation_is_due()) {
      open(step, true, out);
    } else if (step < config_.steps) {
      open(step, false, out);
    } else {
      finish(/*stopped=*/false, out);
    }
    return false;
  }
  if (!draw(*current, now, out)) return false;
  if (config_.mode == Mode::kOneStepOff && !prepare_next(*current, out)) return false;
  train_window(*current, out);
  return config_.mode == Mode::kOneStepOff;
}

/// Brings the weights to the workers if the window needs any.
bool Scheduler::let_draw(StepWindow& window, Out& out) {
  if (window.may_draw()) return true;
  if (!window.all_recorded() && published_ != progress_.steps) {
    if (learner_ == Learner::kIdle) publish(out);
    return false;
  }
  window.allow_drawing(window.all_recorded() ? window.step() : progress_.steps);
  return true;
}

/// True when nothing of the window is missing.
bool Scheduler::draw(StepWindow& window, Time now, Out& out) {
  if (!let_draw(window, out)) return false;
  admit(window, now, out);
  return window.is_drawn();
}

/// One step off: what comes between a drawn step and its training.
bool Scheduler::prepare_next(StepWindow& current, Out& out) {
  const uint32_t step = current.step();
  if (checkpoint_is_due()) {
    save(out);
    return false;
  }
  if (validation_is_due()) {
    open(step, true, out);
    return false;
  }
  if (step + 1 == config_.steps) return true;
  StepWindow* next = window(step + 1, false);
  if (next == nullptr) {
    for (const uint32_t slot : current.batch_slots()) learn(current.group(slot).tree());
    open(step + 1, false, out);
    return false;
  }
  return let_draw(*next, out);
}

void Scheduler::train_window(StepWindow& window, Out& out) {
  const uint32_t step = window.step();
  commands::Train train{step, {}};
  for (const uint32_t slot : window.batch_slots()) {
    if (config_.mode == Mode::kSync) learn(window.group(slot).tree());
    train.trees.push_back(window.group(slot).take_tree());
  }
  max_lag_ = std::max(max_lag_, step - std::min(step, window.version()));
  windows_.erase({step, false});
  learner_ = Learner::kTraining;
  out.emplace_back(std::move(train));
}

}  // namespace srpo::scheduler
