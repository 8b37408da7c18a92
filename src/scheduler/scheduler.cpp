#include "scheduler/scheduler.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::scheduler {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

using Stage = GroupLifecycle::Stage;

}  // namespace

Scheduler::Scheduler(SchedulerConfig config, Progress progress)
    : config_(std::move(config)),
      progress_(progress),
      workers_{Placement(config_.generators), Placement(config_.verifiers),
               Placement(config_.localizers)} {
  if (progress != Progress{}) checkpointed_ = progress;
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

std::vector<Command> Scheduler::next() {
  if (progress_.demonstration_batches < config_.demonstration_batches) {
    phase_ = Phase::kDemonstrations;
    return {commands::TrainDemonstrations{progress_.demonstration_batches}};
  }
  if (checkpoint_is_due()) {
    phase_ = Phase::kCheckpoint;
    return {commands::Checkpoint{progress_}};
  }
  if (validation_is_due()) return open(/*validation=*/true);
  if (progress_.steps < config_.steps) return open(/*validation=*/false);
  finished_ = true;
  return {commands::Finish{}};
}

std::vector<Command> Scheduler::open(bool validation) {
  phase_ = Phase::kOpening;
  validation_ = validation;
  trees_.clear();
  return {commands::OpenStep{progress_.steps, validation}};
}

std::vector<Command> Scheduler::begin_trees() {
  phase_ = Phase::kDrawing;
  next_tree_ = 0;
  active_trees_ = 0;
  return admit();
}

std::vector<Command> Scheduler::admit() {
  std::vector<Command> out;
  const uint32_t limit = config_.trees_in_flight == 0
                             ? static_cast<uint32_t>(trees_.size())
                             : config_.trees_in_flight;
  for (; next_tree_ < trees_.size() && active_trees_ < limit; ++next_tree_) {
    GroupLifecycle& tree = trees_[next_tree_];
    if (tree.stage() == Stage::kRecorded) continue;
    tree = GroupLifecycle(tree.tree(), config_.draws, workers_.generators.take());
    ++active_trees_;
    auto commands = tree.begin();
    std::move(commands.begin(), commands.end(), std::back_inserter(out));
  }
  if (active_trees_ == 0 && next_tree_ == trees_.size()) return step_is_recorded();
  return out;
}

std::vector<Command> Scheduler::step_is_recorded() {
  for (const GroupLifecycle& tree : trees_) {
    ++(tree.stage() == Stage::kRecorded ? accepted_before_ : dropped_before_);
  }
  std::vector<records::RolloutTree> batch;
  for (const GroupLifecycle& tree : trees_) {
    if (tree.stage() == Stage::kRecorded && !validation_) batch.push_back(tree.tree());
  }
  trees_.clear();
  if (validation_) {
    validated_ = progress_.steps;
    return next();
  }
  phase_ = Phase::kTraining;
  return {commands::Train{progress_.steps, std::move(batch)}};
}

GroupLifecycle* Scheduler::tree_of(const records::TrajectoryId& id) {
  const bool validation = id.kind == records::DrawKind::kValidation;
  if (phase_ != Phase::kDrawing || id.step != progress_.steps ||
      validation != validation_) {
    return nullptr;
  }
  ENSURE(id.slot < trees_.size(), "no tree for " << id.to_string());
  return &trees_[id.slot];
}

std::vector<Command> Scheduler::after(std::vector<Command> commands) {
  for (const Command& command : commands) {
    if (const auto* drop = std::get_if<commands::Drop>(&command)) {
      workers_.generators.give_back(trees_[drop->slot].generator());
      --active_trees_;
      auto more = admit();
      std::move(more.begin(), more.end(), std::back_inserter(commands));
      break;
    }
  }
  return commands;
}

std::vector<Command> Scheduler::on(const Event& event) {
  return std::visit(
      Overloaded{
          [&](const events::StepOpened& opened) -> std::vector<Command> {
            bool all_recorded = true;
            for (const auto& entry : opened.entries) {
              trees_.push_back(entry.recorded
                                   ? GroupLifecycle::recorded(entry.tree, config_.draws)
                                   : GroupLifecycle(entry.tree, config_.draws, 0));
              all_recorded = all_recorded && entry.recorded;
            }
            if (all_recorded || published_ == progress_.steps) return begin_trees();
            phase_ = Phase::kPublishing;
            return {commands::Publish{progress_.steps}};
          },
          [&](const events::Published&) {
            published_ = progress_.steps;
            return begin_trees();
          },
          [&](const events::Generated& generated) {
            GroupLifecycle* tree = tree_of(generated.trajectory.id);
            if (tree == nullptr) return std::vector<Command>{};
            return after(tree->on_generated(generated.trajectory, workers_));
          },
          [&](const events::Verified& verified) {
            GroupLifecycle* tree = tree_of(verified.id);
            if (tree == nullptr) return std::vector<Command>{};
            return after(tree->on_verified(verified.id, verified.verdict, workers_));
          },
          [&](const events::Localized& localized) {
            GroupLifecycle* tree = tree_of(localized.seed);
            if (tree == nullptr) return std::vector<Command>{};
            return after(tree->on_localized(localized.localization,
                                            localized.prefix_length, workers_));
          },
          [&](const events::Failed& failed) {
            GroupLifecycle* tree = tree_of(failed.id);
            if (tree == nullptr) return std::vector<Command>{};
            return after(tree->on_failed(failed.id, failed.reason, workers_));
          },
          [&](const events::Recorded& recorded) {
            GroupLifecycle& tree = trees_.at(recorded.slot);
            tree.on_recorded();
            workers_.generators.give_back(tree.generator());
            --active_trees_;
            return admit();
          },
          [&](const events::DemonstrationsTrained&) {
            ++progress_.demonstration_batches;
            return next();
          },
          [&](const events::Trained&) {
            ++progress_.steps;
            return next();
          },
          [&](const events::Checkpointed&) {
            checkpointed_ = progress_;
            return next();
          },
      },
      event);
}

Ledger Scheduler::ledger() const {
  Ledger ledger{0, accepted_before_, dropped_before_, 0};
  for (const GroupLifecycle& tree : trees_) {
    switch (tree.stage()) {
      case Stage::kRecorded:
        ++ledger.accepted;
        break;
      case Stage::kDropped:
        ++ledger.dropped;
        break;
      case Stage::kDrawing:
      case Stage::kDecided:
        ++ledger.in_flight;
        break;
    }
  }
  ledger.assigned = accepted_before_ + dropped_before_ + trees_.size();
  return ledger;
}

std::pair<uint32_t, uint32_t> Scheduler::step_progress() const {
  const auto recorded = std::count_if(
      trees_.begin(), trees_.end(),
      [](const GroupLifecycle& tree) { return tree.stage() == Stage::kRecorded; });
  return {static_cast<uint32_t>(trees_.size()), static_cast<uint32_t>(recorded)};
}

std::vector<std::string> Scheduler::why() const {
  switch (phase_) {
    case Phase::kDemonstrations:
      return {"demonstrations trained"};
    case Phase::kCheckpoint:
      return {"checkpoint written"};
    case Phase::kOpening:
      return {"step opened"};
    case Phase::kPublishing:
      return {"weights published"};
    case Phase::kTraining:
      return {"step trained"};
    case Phase::kDrawing:
      break;
  }
  std::vector<std::string> reasons;
  for (const GroupLifecycle& tree : trees_) {
    for (std::string& reason : tree.waits_for()) reasons.push_back(std::move(reason));
  }
  return reasons;
}

}  // namespace srpo::scheduler
