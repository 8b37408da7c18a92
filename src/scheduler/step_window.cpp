#include "scheduler/step_window.h"

#include <algorithm>

#include "core/error.h"
#include "scheduler/batch_assembly.h"

namespace srpo::scheduler {

using Stage = GroupLifecycle::Stage;

StepWindow::StepWindow(events::StepOpened opened, const std::vector<uint32_t>& order,
                       const Rules& rules, const DrawSettings& settings)
    : step_(opened.step),
      validation_(opened.validation),
      rules_(rules),
      settings_(&settings),
      order_(order) {
  for (auto& entry : opened.entries) {
    ENSURE(entry.tree.step == step_ && entry.tree.slot == groups_.size() &&
               entry.tree.validation == validation_,
           "entry " << groups_.size() << " of step " << step_ << " is tree "
                    << entry.tree.step << "/" << entry.tree.slot);
    groups_.push_back(std::make_unique<GroupLifecycle>(std::move(entry.tree),
                                                       entry.recorded, settings));
    priorities_.push_back(entry.priority);
  }
  const auto all = static_cast<uint32_t>(groups_.size());
  const uint32_t wanted = rules_.wanted == 0 ? all : std::min(rules_.wanted, all);
  for (uint32_t i = 0; i < wanted; ++i) want_next();
}

void StepWindow::want_next() {
  if (num_wanted_ == order_.size()) return;
  const uint32_t place = num_wanted_++;
  const uint32_t slot = order_[place];
  if (group(slot).stage() == Stage::kRecorded) {
    settle(group(slot));
  } else {
    to_begin_.emplace(-int64_t{priorities_[slot]}, place);
  }
}

GroupLifecycle* StepWindow::next_to_begin() {
  if (to_begin_.empty()) return nullptr;
  const uint32_t slot = order_[to_begin_.begin()->second];
  to_begin_.erase(to_begin_.begin());
  ++num_begun_;
  return &group(slot);
}

void StepWindow::on_settled(uint32_t slot) {
  --num_begun_;
  settle(group(slot));
}

bool StepWindow::counts(const records::RolloutTree& tree) const {
  return !rules_.skip_no_signal || has_signal(tree, settings_->plan);
}

void StepWindow::settle(const GroupLifecycle& group) {
  const bool recorded = group.stage() == Stage::kRecorded;
  ++num_settled_;
  if (recorded) ++num_recorded_;
  if (rules_.replace && !(recorded && counts(group.tree()))) want_next();
}

GroupLifecycle& StepWindow::group(uint32_t slot) {
  ENSURE(has(slot), "step " << step_ << " has no problem " << slot);
  return *groups_[slot];
}

const GroupLifecycle& StepWindow::group(uint32_t slot) const {
  ENSURE(has(slot), "step " << step_ << " has no problem " << slot);
  return *groups_[slot];
}

std::pair<uint32_t, uint32_t> StepWindow::take_news() {
  const std::pair<uint32_t, uint32_t> news = {num_wanted_ - reported_wanted_,
                                              num_recorded_ - reported_recorded_};
  reported_wanted_ = num_wanted_;
  reported_recorded_ = num_recorded_;
  return news;
}

std::vector<uint32_t> StepWindow::wanted_slots() const {
  return {order_.begin(), order_.begin() + num_wanted_};
}

std::vector<uint32_t> StepWindow::batch_slots() const {
  std::vector<uint32_t> slots;
  for (uint32_t i = 0; i < num_wanted_; ++i) {
    const auto& group = groups_[order_[i]];
    if (group && group->stage() == Stage::kRecorded && counts(group->tree()))
      slots.push_back(order_[i]);
  }
  return slots;
}

}  // namespace srpo::scheduler
