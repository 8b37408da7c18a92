// Mode async: drawing never stops. With N problems a step and a staleness bound s, at
// most (version + s + 1) x N problems are begun while `version` is published. A step
// trains on the N that were begun with the oldest weights among those that are ready,
// unless that would leave too many for later: for every step d from now on, those that
// must be trained on by d (begun with version d - s or before) must fit into the steps
// that are left until then. Both together see to it that no tree is ever trained on more
// than s steps after the version it was begun with, and that waiting for the missing ones
// is always enough.
#include <algorithm>

#include "core/error.h"
#include "scheduler/scheduler.h"

namespace srpo::scheduler {
namespace {

void take_one(std::map<uint32_t, uint32_t>& counts, uint32_t version) {
  const auto at = counts.find(version);
  if (--at->second == 0) counts.erase(at);
}

}  // namespace

uint64_t Scheduler::stream_admitted() const {
  const uint64_t trained = progress_.steps + (learner_ == Learner::kTraining ? 1 : 0);
  return trained * config_.problems_per_step + begun_.size() + ready_.size();
}

StepWindow* Scheduler::open_validation() {
  for (auto& [key, window] : windows_) {
    if (key.second) return &window;
  }
  return nullptr;
}

bool Scheduler::step_stream(Time now, Out& out) {
  if (validate_stream(now, out)) return true;
  admit_stream(now, out);
  return learner_ == Learner::kIdle && step_learner(out);
}

bool Scheduler::validate_stream(Time now, Out& out) {
  StepWindow* validation = open_validation();
  if (validation != nullptr) {
    admit(*validation, now, out);
    if (!validation->is_drawn()) return false;
    windows_.erase({validation->step(), true});
    return true;
  }
  if (!opening_ && validation_is_due() && published_ == progress_.steps) {
    validated_ = progress_.steps;
    open(progress_.steps, true, out);
  }
  return false;
}

/// One thing for the learners to do: saving before publishing before training.
bool Scheduler::step_learner(Out& out) {
  const uint32_t step = progress_.steps;
  const bool validating = open_validation() != nullptr || (opening_ && opening_->second);
  if (checkpoint_is_due()) {
    save(out);
    return true;
  }
  const bool is_last = step == config_.steps;
  if (published_ != step && !validating && (!is_last || validation_is_due())) {
    publish(out);
    return true;
  }
  if (!is_last) return published_ == step && train_stream(out);
  if (!validating && !validation_is_due()) finish(/*stopped=*/false, out);
  return false;
}

void Scheduler::open_stream_window(events::StepOpened opened) {
  const uint32_t step = opened.step;
  std::vector<const records::Problem*> problems;
  for (const auto& entry : opened.entries) problems.push_back(&entry.tree.problem);
  std::vector<uint32_t> order = state_.curriculum.order(problems, config_.curriculum);
  const auto all = order.size();
  std::erase_if(order, [&](uint32_t slot) { return settled_.contains({step, slot}); });
  const auto settled = static_cast<uint32_t>(all - order.size());
  std::stable_partition(order.begin(), order.end(),
                        [&](uint32_t slot) { return opened.entries[slot].recorded; });
  StepWindow::Rules rules;
  rules.wanted = config_.problems_per_step - std::min(settled, config_.problems_per_step);
  rules.skip_no_signal = config_.dynamic_sampling > 0;
  if (rules.wanted == 0 || order.empty()) {
    settle_stream({step, 0});
    return;
  }
  StepWindow& window =
      windows_
          .emplace(WindowKey{step, false},
                   StepWindow(std::move(opened), order, rules, config_.draws))
          .first->second;
  window.allow_drawing(published_.value_or(0));
  problems_.assign(window.num_recorded());
  account(window);
  for (const uint32_t slot : window.wanted_slots()) {
    if (window.group(slot).stage() != GroupLifecycle::Stage::kRecorded) continue;
    uint32_t version = progress_.steps;
    for (const auto& chain : window.group(slot).tree().fresh)
      version = std::min(version, chain.oldest_version());
    add_ready(window, slot, version);
    if (this->window(step, false) == nullptr) return;  // all of it is settled
  }
}

void Scheduler::admit_stream(Time now, Out& out) {
  if (!published_) return;
  const uint64_t most =
      uint64_t{config_.problems_per_step} *
      std::min<uint64_t>(uint64_t{*published_} + config_.max_staleness + 1,
                         config_.steps);
  auto at = windows_.begin();
  while (may_admit() && stream_admitted() < most) {
    while (at != windows_.end() && (at->first.second || !at->second.has_to_begin())) ++at;
    if (at == windows_.end()) {
      if (!opening_) open(next_window_++, false, out);
      return;
    }
    GroupLifecycle* group = at->second.next_to_begin();
    begun_.emplace(GroupKey{group->tree().step, group->tree().slot}, *published_);
    ++drawn_under_[*published_];
    problems_.assign();
    begin(at->second, *group, now, out);
  }
}

void Scheduler::end_stream_drawing(GroupKey key) {
  const auto at = begun_.find(key);
  take_one(drawn_under_, at->second);
  begun_.erase(at);
}

void Scheduler::add_ready(StepWindow& window, uint32_t slot, uint32_t version) {
  const GroupKey key{window.step(), slot};
  const uint64_t most_skipped = uint64_t{config_.problems_per_step} *
                                    std::max<uint32_t>(2, config_.dynamic_sampling) -
                                config_.problems_per_step;
  const bool is_stale = version + config_.max_staleness < progress_.steps;
  if (is_stale) {  // recorded before a resume from an old checkpoint
    settle_stream(key);
    return;
  }
  if (window.counts(window.group(slot).tree()) || skipped_in_step_ >= most_skipped) {
    ready_.insert({version, key});
    ++ready_under_[version];
    return;
  }
  ++skipped_in_step_;
  settle_stream(key);
}

/// Whether a step may be trained now: what is left can be trained on in time.
bool Scheduler::leaves_room() const {
  const uint64_t of_step = config_.problems_per_step;
  uint64_t drawing = 0;
  uint64_t ready = 0;
  auto next_drawing = drawn_under_.begin();
  auto next_ready = ready_under_.begin();
  for (uint32_t later = 0; later <= config_.max_staleness; ++later) {
    const uint64_t step = uint64_t{progress_.steps} + later;
    const auto is_due = [&](uint32_t version) {
      return version + config_.max_staleness <= step;
    };
    for (; next_drawing != drawn_under_.end() && is_due(next_drawing->first);
         ++next_drawing)
      drawing += next_drawing->second;
    for (; next_ready != ready_under_.end() && is_due(next_ready->first); ++next_ready)
      ready += next_ready->second;
    if (drawing + ready > of_step * later + std::min(ready, of_step)) return false;
  }
  return true;
}

bool Scheduler::train_stream(Out& out) {
  const uint32_t step = progress_.steps;
  if (ready_.size() < config_.problems_per_step) return false;
  if (!leaves_room()) return false;
  commands::Train train{step, {}};
  std::vector<GroupKey> keys;
  for (uint32_t i = 0; i < config_.problems_per_step; ++i) {
    const Ready ready = *ready_.begin();
    ready_.erase(ready_.begin());
    take_one(ready_under_, ready.version);
    const uint32_t lag = step - std::min(step, ready.version);
    ENSURE(lag <= config_.max_staleness,
           "a tree is " << lag << " steps old in step " << step);
    max_lag_ = std::max(max_lag_, lag);
    GroupLifecycle& group = window(ready.key.first, false)->group(ready.key.second);
    learn(group.tree());
    train.trees.push_back(group.take_tree());
    keys.push_back(ready.key);
  }
  for (const GroupKey& key : keys) settle_stream(key);
  skipped_in_step_ = 0;
  learner_ = Learner::kTraining;
  out.emplace_back(std::move(train));
  return true;
}

/// The problem is done with; forgets steps of which all problems are.
void Scheduler::settle_stream(GroupKey key) {
  settled_.insert(key);
  StepWindow* of_key = window(key.first, false);
  if (of_key != nullptr) {
    of_key->erase(key.second);
    if (of_key->is_spent()) windows_.erase({key.first, false});
  }
  while (state_.first_window < next_window_ &&
         window(state_.first_window, false) == nullptr &&
         opening_ != WindowKey(state_.first_window, false)) {
    settled_.erase(settled_.lower_bound({state_.first_window, 0}),
                   settled_.lower_bound({state_.first_window + 1, 0}));
    ++state_.first_window;
  }
}

}  // namespace srpo::scheduler
