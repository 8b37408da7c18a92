#include "scheduler/scheduler.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::scheduler {

using records::DrawKind;
using records::TrajectoryId;

Scheduler::Scheduler(SchedulerConfig config, Progress progress, SchedulerState state)
    : config_(std::move(config)),
      progress_(progress),
      state_(std::move(state)),
      pools_{RolePool(Role::kGenerator, config_.generators),
             RolePool(Role::kVerifier, config_.verifiers),
             RolePool(Role::kLocalizer, config_.localizers)},
      settled_(state_.settled.begin(), state_.settled.end()),
      next_window_(state_.first_window) {
  const bool chooses = config_.curriculum.pool_factor > 1 || config_.dynamic_sampling > 1;
  REQUIRE(config_.problems_per_step > 0 || !(chooses || config_.mode == Mode::kAsync),
          kBadConfig,
          "problems_per_step=0 (expected how many a step trains on, for async mode, "
          "dynamic sampling and curriculum)");
  if (progress != Progress{}) checkpointed_ = progress;
}

std::vector<Command> Scheduler::start(Time now) {
  Out out;
  advance(now, out);
  return out;
}

std::vector<Command> Scheduler::on(Event event, Time now) {
  Out out;
  if (finished_) return out;
  for (const Role role : {Role::kGenerator, Role::kVerifier, Role::kLocalizer}) {
    const auto due = pool_of(role).next_deadline();
    if (!due || *due > now) continue;
    std::vector<Assignment> again;
    pool_of(role).expire(now, again);
    emit(role, again, out);
  }
  std::visit([&](auto& each) { handle(each, now, out); }, event);
  advance(now, out);
  return out;
}

std::optional<Time> Scheduler::next_deadline() const {
  std::optional<Time> next = drain_deadline_;
  for (const RolePool& pool : pools_) {
    const auto due = pool.next_deadline();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

void Scheduler::handle(events::StepOpened& opened, Time, Out&) {
  if (drain_deadline_) {
    opening_.reset();
    return;
  }
  ENSURE(opening_ == WindowKey(opened.step, opened.validation),
         "step " << opened.step << " was opened, which nobody asked for");
  opening_.reset();
  open_window(std::move(opened));
}

void Scheduler::handle(events::Generated& generated, Time now, Out& out) {
  const TrajectoryId id = generated.trajectory.id;
  if (!accept(Role::kGenerator, id, generated.worker, now, out)) return;
  const Place place = *find(id);
  GroupOrders orders;
  place.group->on_generated(std::move(generated.trajectory), generated.worker, orders);
  carry_out(place, orders, now, out);
}

void Scheduler::handle(events::Verified& verified, Time now, Out& out) {
  if (!accept(Role::kVerifier, verified.id, verified.worker, now, out)) return;
  const Place place = *find(verified.id);
  GroupOrders orders;
  place.group->on_verified(verified.id, verified.verdict, orders);
  carry_out(place, orders, now, out);
}

void Scheduler::handle(events::Localized& localized, Time now, Out& out) {
  TrajectoryId id = localized.seed;
  id.kind = DrawKind::kLocalization;
  if (!accept(Role::kLocalizer, id, localized.worker, now, out)) return;
  const Place place = *find(id);
  GroupOrders orders;
  place.group->on_localized(localized.seed,
                            {std::move(localized.localization), localized.prefix_length,
                             std::move(localized.revision_prompt)},
                            orders);
  carry_out(place, orders, now, out);
}

void Scheduler::handle(events::Failed& failed, Time now, Out& out) {
  std::vector<Assignment> again;
  const auto poisoned = pool_of(failed.role).fail(failed.id, failed.worker, now, again);
  emit(failed.role, again, out);
  if (poisoned) quarantine(failed.role, *poisoned, failed.reason, now, out);
}

void Scheduler::handle(events::Recorded& recorded, Time, Out&) {
  const auto at = windows_.find({recorded.step, recorded.validation});
  ENSURE(at != windows_.end() && at->second.has(recorded.slot) &&
             at->second.group(recorded.slot).stage() == GroupLifecycle::Stage::kDecided,
         "problem " << recorded.slot << " of step " << recorded.step
                    << " was recorded, which nobody asked for");
  StepWindow& window = at->second;
  GroupLifecycle& group = window.group(recorded.slot);
  group.on_recorded();
  --active_trees_;
  sequences_.accept(group.num_chains());
  window.on_settled(recorded.slot);
  account(window);
  if (config_.mode != Mode::kAsync || recorded.validation) return;
  const GroupKey key{recorded.step, recorded.slot};
  const uint32_t version = begun_.at(key);
  end_stream_drawing(key);
  add_ready(window, recorded.slot, version);
}

void Scheduler::handle(events::DemonstrationsTrained&, Time, Out&) {
  ++progress_.demonstration_batches;
  learner_ = Learner::kIdle;
}

void Scheduler::handle(events::Trained&, Time, Out&) {
  ++progress_.steps;
  learner_ = Learner::kIdle;
}

void Scheduler::handle(events::Published&, Time, Out&) {
  published_ = progress_.steps;
  learner_ = Learner::kIdle;
}

void Scheduler::handle(events::Checkpointed&, Time, Out&) {
  checkpointed_ = progress_;
  learner_ = Learner::kIdle;
}

void Scheduler::handle(events::WorkerLost& lost, Time now, Out& out) {
  std::vector<Assignment> again;
  const auto poisoned = pool_of(lost.role).lose(lost.worker, now, again);
  emit(lost.role, again, out);
  for (const Poisoned& each : poisoned) {
    quarantine(lost.role, each,
               std::string("its ") + name_of(lost.role) + " " +
                   std::to_string(lost.worker) + " was lost",
               now, out);
  }
}

void Scheduler::handle(events::WorkerJoined& joined, Time now, Out& out) {
  std::vector<Assignment> started;
  pool_of(joined.role).join(joined.worker, now, started);
  emit(joined.role, started, out);
}

void Scheduler::handle(events::WorkerSlow& slow, Time, Out&) {
  pool_of(slow.role).slow(slow.worker, slow.factor);
}

void Scheduler::handle(events::Drain& drain, Time, Out&) {
  drain_deadline_ = drain.deadline;
}

void Scheduler::handle(events::Admission& admission, Time, Out&) {
  closed_because_.reset();
  if (!admission.open) closed_because_ = std::move(admission.reason);
}

void Scheduler::handle(events::Tick&, Time, Out&) {}

Happenings Scheduler::happenings() const {
  Happenings all;
  for (const RolePool& pool : pools_) {
    const Happenings& some = pool.happenings();
    all.retries += some.retries;
    all.hedges += some.hedges;
    all.hedges_won += some.hedges_won;
    all.late_answers += some.late_answers;
  }
  all.quarantined = quarantined_;
  return all;
}

std::pair<uint32_t, uint32_t> Scheduler::step_progress() const {
  for (const auto& [key, window] : windows_) {
    if (!window.is_drawn()) return {window.num_wanted(), window.num_recorded()};
  }
  if (windows_.empty()) return {0, 0};
  const StepWindow& last = windows_.rbegin()->second;
  return {last.num_wanted(), last.num_recorded()};
}

}  // namespace srpo::scheduler
