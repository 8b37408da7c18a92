// The stages of a run that all modes share.
#include <algorithm>

#include "core/error.h"
#include "scheduler/scheduler.h"

namespace srpo::scheduler {

void Scheduler::advance(Time now, Out& out) {
  if (finished_) return;
  if (drain_deadline_) {
    step_drain(now, out);
    return;
  }
  if (demonstrate(out)) return;
  if (config_.mode == Mode::kAsync) {
    while (!finished_ && step_stream(now, out)) {
    }
  } else {
    while (!finished_ && step_batches(now, out)) {
    }
  }
}

/// True while the warm start goes on.
bool Scheduler::demonstrate(Out& out) {
  if (progress_.demonstration_batches >= config_.demonstration_batches) return false;
  if (learner_ == Learner::kIdle) {
    learner_ = Learner::kDemonstrating;
    out.emplace_back(commands::TrainDemonstrations{progress_.demonstration_batches});
  }
  return true;
}

bool Scheduler::validation_is_due() const {
  const uint32_t version = progress_.steps;
  if (config_.validate_every == 0 || validated_ == version) return false;
  return version % config_.validate_every == 0 || version == config_.steps;
}

bool Scheduler::checkpoint_is_due() const {
  if (checkpointed_ == progress_ || progress_ == Progress{}) return false;
  return progress_.steps % config_.checkpoint_every == 0 ||
         progress_.steps == config_.steps;
}

StepWindow* Scheduler::window(uint32_t step, bool validation) {
  const auto at = windows_.find({step, validation});
  return at == windows_.end() ? nullptr : &at->second;
}

uint32_t Scheduler::pool_size() const {
  return config_.problems_per_step *
         std::max({uint32_t{1}, config_.curriculum.pool_factor,
                   config_.mode == Mode::kAsync ? 1 : config_.dynamic_sampling});
}

void Scheduler::open(uint32_t step, bool validation, Out& out) {
  opening_ = {step, validation};
  out.emplace_back(commands::OpenStep{step, validation, validation ? 0 : pool_size()});
}

void Scheduler::open_window(events::StepOpened opened) {
  if (config_.mode == Mode::kAsync && !opened.validation) {
    open_stream_window(std::move(opened));
    return;
  }
  std::vector<const records::Problem*> problems;
  for (const auto& entry : opened.entries) problems.push_back(&entry.tree.problem);
  CurriculumConfig choice = config_.curriculum;
  StepWindow::Rules rules;
  if (opened.validation) {
    choice.pool_factor = 1;
  } else {
    rules.wanted = config_.problems_per_step;
    rules.skip_no_signal = config_.dynamic_sampling > 0;
    rules.replace = config_.dynamic_sampling > 1;
  }
  const auto order = state_.curriculum.order(problems, choice);
  const WindowKey key{opened.step, opened.validation};
  const auto at =
      windows_.emplace(key, StepWindow(std::move(opened), order, rules, config_.draws));
  account(at.first->second);
}

void Scheduler::publish(Out& out) {
  learner_ = Learner::kPublishing;
  out.emplace_back(commands::Publish{progress_.steps});
}

void Scheduler::save(Out& out) {
  learner_ = Learner::kSaving;
  state_.settled.assign(settled_.begin(), settled_.end());
  out.emplace_back(commands::Checkpoint{progress_, state_});
}

void Scheduler::finish(bool stopped, Out& out) {
  finished_ = true;
  out.emplace_back(commands::Finish{stopped});
}

bool Scheduler::may_admit() const {
  return !closed_because_ &&
         (config_.trees_in_flight == 0 || active_trees_ < config_.trees_in_flight);
}

void Scheduler::admit(StepWindow& window, Time now, Out& out) {
  while (may_admit()) {
    GroupLifecycle* group = window.next_to_begin();
    if (group == nullptr) return;
    begin(window, *group, now, out);
  }
}

void Scheduler::learn(const records::RolloutTree& tree) {
  if (config_.curriculum.pool_factor <= 1) return;
  state_.curriculum.learn(tree, config_.draws.plan.failed_below,
                          config_.curriculum.memory);
}

}  // namespace srpo::scheduler
