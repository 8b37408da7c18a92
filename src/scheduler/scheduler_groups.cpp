// What the orders of a group become: placements, commands, and entries of the ledgers.
#include "core/error.h"
#include "scheduler/scheduler.h"

namespace srpo::scheduler {
namespace {

using records::DrawKind;
using records::TrajectoryId;

/// Appends to the last command when it is one of this kind for this worker.
template <class Kind>
void add_to_last(uint32_t worker, const TrajectoryId& id, std::vector<Command>& out) {
  auto* last = out.empty() ? nullptr : std::get_if<Kind>(&out.back());
  if (last != nullptr && last->worker == worker) {
    last->ids.push_back(id);
  } else {
    out.emplace_back(Kind{worker, {id}});
  }
}

}  // namespace

std::optional<Scheduler::Place> Scheduler::find(const TrajectoryId& id) {
  const auto at = windows_.find({id.step, id.kind == DrawKind::kValidation});
  if (at == windows_.end() || !at->second.has(id.slot)) return std::nullopt;
  return Place{&at->second, &at->second.group(id.slot)};
}

bool Scheduler::accept(Role role, const TrajectoryId& id, uint32_t worker, Time now,
                       Out& out) {
  std::vector<uint32_t> twins;
  std::vector<Assignment> started;
  const auto answer = pool_of(role).finish(id, worker, now, twins, started);
  if (role == Role::kGenerator) {
    for (const uint32_t twin : twins) add_to_last<commands::Cancel>(twin, id, out);
  }
  emit(role, started, out);
  return answer == RolePool::Answer::kAccepted;
}

void Scheduler::emit(Role role, const std::vector<Assignment>& assignments, Out& out) {
  for (const auto& [id, worker] : assignments) {
    const auto place = find(id);
    ENSURE(place, id.to_string() << " is given out, and nobody waits for it");
    GroupLifecycle& group = *place->group;
    switch (role) {
      case Role::kGenerator:
        if (id.kind != DrawKind::kSuffix) group.set_home(worker);
        out.emplace_back(group.generate(id, worker));
        break;
      case Role::kVerifier:
        out.emplace_back(group.verify(id, worker));
        break;
      case Role::kLocalizer:
        out.emplace_back(group.localize(id, worker));
        break;
    }
  }
}

void Scheduler::submit(Place place, const GroupOrders::Ask& ask, Time now, Out& out) {
  Task task;
  task.id = ask.id;
  task.size = ask.size;
  task.priority = place.window->priority(ask.id.slot) * 4 + ask.urgency;
  if (ask.role == Role::kGenerator) {
    const bool suffix = ask.id.kind == DrawKind::kSuffix;
    task.prefer = suffix ? place.group->cache_of_seed(ask.id) : place.group->home();
    task.slack = suffix ? config_.prefix_slack : config_.prompt_slack;
  }
  std::vector<Assignment> started;
  pool_of(ask.role).submit(task, now, started);
  emit(ask.role, started, out);
}

/// Nothing is given out before all of it is stopped: the group has forgotten these
/// chains.
void Scheduler::stop(const std::vector<GroupOrders::Stop>& stops, Time now, Out& out) {
  if (stops.empty()) return;
  for (const auto& [role, id] : stops) {
    const auto holders = pool_of(role).cancel(id);
    if (role != Role::kGenerator) continue;
    for (const uint32_t holder : holders) add_to_last<commands::Cancel>(holder, id, out);
  }
  for (const Role role : {Role::kGenerator, Role::kVerifier, Role::kLocalizer}) {
    std::vector<Assignment> started;
    pool_of(role).refill(now, started);
    emit(role, started, out);
  }
}

void Scheduler::carry_out(Place place, const GroupOrders& orders, Time now, Out& out,
                          const std::string& drop_reason) {
  sequences_.assign(orders.launched);
  sequences_.drop(drop_reason.empty() ? "cancelled" : drop_reason, orders.cancelled);
  sequences_.drop(drop_reason.empty() ? "discarded" : drop_reason, orders.discarded);
  stop(orders.stops, now, out);
  for (const auto& each : orders.releases) {
    if (!pool_of(Role::kGenerator).placement().is_alive(each.worker)) continue;
    add_to_last<commands::Release>(each.worker, each.id, out);
  }
  for (const auto& ask : orders.asks) submit(place, ask, now, out);
  if (orders.decided) out.emplace_back(place.group->record());
}

void Scheduler::begin(StepWindow& window, GroupLifecycle& group, Time now, Out& out) {
  ++active_trees_;
  GroupOrders orders;
  group.begin(orders);
  carry_out({&window, &group}, orders, now, out);
}

/// Async mode assigns a problem when it is begun, the others when its step is opened.
void Scheduler::account(StepWindow& window) {
  const auto [wanted, recorded] = window.take_news();
  if (config_.mode != Mode::kAsync || window.validation()) problems_.assign(wanted);
  problems_.accept(recorded);
}

void Scheduler::quarantine(Role role, const Poisoned& poisoned, const std::string& reason,
                           Time now, Out& out) {
  const auto place = find(poisoned.id);
  if (!place || place->group->stage() != GroupLifecycle::Stage::kDrawing)
    return;  // given up already, for another of its sequences
  ++quarantined_;
  commands::Quarantine command{place->group->tree(), poisoned.id, role, poisoned.workers,
                               reason};
  out.emplace_back(std::move(command));
  drop(*place, "poison", now, out);
}

void Scheduler::drop(Place place, const std::string& reason, Time now, Out& out) {
  StepWindow& window = *place.window;
  const uint32_t step = window.step();
  const uint32_t slot = place.group->tree().slot;
  GroupOrders orders;
  place.group->drop(orders);
  carry_out(place, orders, now, out, reason);
  out.emplace_back(commands::Drop{step, slot, window.validation(), reason});
  --active_trees_;
  problems_.drop(reason);
  const bool streams = config_.mode == Mode::kAsync && !window.validation();
  window.on_settled(slot);
  account(window);
  if (!streams) return;
  end_stream_drawing({step, slot});
  settle_stream({step, slot});
}

}  // namespace srpo::scheduler
