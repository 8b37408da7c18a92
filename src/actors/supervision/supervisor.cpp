#include "actors/supervision/supervisor.h"

#include <algorithm>
#include <sstream>

#include "core/error.h"

namespace srpo::actors {
namespace {

constexpr int kStoppedEarly = 75;

bool has_slot(const ActorSpec& spec, int slot) {
  return std::find(spec.slots.begin(), spec.slots.end(), slot) != spec.slots.end();
}

bool is_supervised(const ActorSpec& spec) {
  return spec.supervision.strategy != Supervision::Strategy::kNone;
}

}  // namespace

Supervisor::Supervisor(int num_slots, int num_processes, bool can_spawn)
    : slots_(static_cast<size_t>(num_slots)), can_spawn_(can_spawn) {
  for (int slot = 0; slot < num_slots; ++slot)
    slots_[static_cast<size_t>(slot)].process = slot;
  for (int process = num_slots; process < num_processes; ++process)
    spares_.insert(process);
}

void Supervisor::add(ActorSpec spec) {
  const std::string name = spec.name;
  watched_[name].spec = std::move(spec);
}

const ActorSpec* Supervisor::find(const std::string& name) const {
  const auto at = watched_.find(name);
  return at == watched_.end() ? nullptr : &at->second.spec;
}

std::vector<ActorSpec> Supervisor::specs_of(int slot) const {
  std::vector<ActorSpec> specs;
  for (const auto& [name, watched] : watched_) {
    if (has_slot(watched.spec, slot) && is_supervised(watched.spec))
      specs.push_back(watched.spec);
  }
  return specs;
}

int Supervisor::healthy(const ActorSpec& spec) const {
  return static_cast<int>(
      std::count_if(spec.slots.begin(), spec.slots.end(), [this](int slot) {
        return slots_[static_cast<size_t>(slot)].state != State::kGone;
      }));
}

bool Supervisor::spend(int slot, Time now, bool& must_stop) {
  bool enough = true;
  for (auto& [name, watched] : watched_) {
    const Supervision& rule = watched.spec.supervision;
    if (!has_slot(watched.spec, slot) || !is_supervised(watched.spec)) continue;
    const auto since = now - std::chrono::seconds(rule.within_seconds);
    while (!watched.restarts.empty() && watched.restarts.front().first < since)
      watched.restarts.pop_front();
    if (watched.restarts.size() >= static_cast<size_t>(rule.max_restarts)) {
      enough = false;
      must_stop = must_stop || rule.when_spent == Supervision::WhenSpent::kStop;
    } else {
      watched.restarts.emplace_back(now, slot);
    }
  }
  return enough;
}

void Supervisor::forgive(int slot, int losses) {
  for (auto& [name, watched] : watched_) {
    int left = losses;
    for (auto at = watched.restarts.end(); left > 0 && at != watched.restarts.begin();) {
      --at;
      if (at->second != slot) continue;
      at = watched.restarts.erase(at);
      --left;
    }
  }
}

Supervisor::Actions Supervisor::on_lost(int process, const std::string& reason,
                                        Time now) {
  Actions actions{supervise::Fence{process}};
  if (spares_.erase(process) > 0) return actions;
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.process != process || slot.state == State::kGone) continue;
    if (slot.state == State::kWaitingForProcess) continue;  // known already
    const bool announced = slot.state == State::kStarting;
    Actions more = replace(static_cast<int>(i), reason, !announced, now);
    actions.insert(actions.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
  }
  return actions;
}

Supervisor::Actions Supervisor::replace(int slot, const std::string& reason,
                                        bool announce, Time now) {
  Actions actions;
  Slot& place = slots_[static_cast<size_t>(slot)];
  const std::vector<ActorSpec> specs = specs_of(slot);
  bool must_stop = false;
  const bool enough = !specs.empty() && spend(slot, now, must_stop);
  if (must_stop) {
    actions.push_back(supervise::Leave{
        kStoppedEarly,
        "rank " + std::to_string(slot) + " was lost once too often: " + reason});
    return actions;
  }
  if (!enough || (spares_.empty() && !can_spawn_)) {
    give_up(slot, reason, actions);
    return actions;
  }
  ++restarts_;
  if (announce) actions.push_back(supervise::AnnounceLost{slot, true, reason});
  ++place.incarnation;
  if (spares_.empty()) {
    place.state = State::kWaitingForProcess;
    place.process = -1;
    waiting_for_process_.push_back(slot);
    actions.push_back(supervise::SpawnProcess{slot});
    return actions;
  }
  place.state = State::kStarting;
  place.process = *spares_.begin();
  spares_.erase(spares_.begin());
  actions.push_back(supervise::Fill{slot, place.process, place.incarnation, specs});
  return actions;
}

void Supervisor::give_up(int slot, const std::string& reason, Actions& actions) {
  Slot& place = slots_[static_cast<size_t>(slot)];
  place.state = State::kGone;
  place.process = -1;
  actions.push_back(supervise::AnnounceLost{slot, false, reason});
  for (const auto& [name, watched] : watched_) {
    const ActorSpec& spec = watched.spec;
    if (!has_slot(spec, slot) || !is_supervised(spec)) continue;
    const int left = healthy(spec);
    if (left >= spec.supervision.min_healthy) continue;
    std::ostringstream text;
    text << name << " has " << left << " ranks left (at least "
         << spec.supervision.min_healthy << " are wanted): " << reason;
    actions.push_back(supervise::Leave{kStoppedEarly, text.str()});
    return;
  }
}

Supervisor::Actions Supervisor::on_started(int slot, uint32_t incarnation, bool whole,
                                           const std::string& reason, Time now) {
  Slot& place = slots_[static_cast<size_t>(slot)];
  if (place.state != State::kStarting || place.incarnation != incarnation) return {};
  if (!whole) {
    // The process is good but its actors cannot be made there: it is used up.
    Actions actions{supervise::Fence{place.process}};
    Actions more = replace(slot, reason, false, now);
    actions.insert(actions.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
    return actions;
  }
  place.state = State::kUp;
  Actions actions{supervise::AnnounceFilled{slot, place.process, place.incarnation}};
  for (const auto& [name, watched] : watched_) {
    const ActorSpec& spec = watched.spec;
    if (spec.supervision.strategy != Supervision::Strategy::kOneForAll) continue;
    if (!has_slot(spec, slot)) continue;
    for (const int other : spec.slots) {
      if (other != slot && slots_[static_cast<size_t>(other)].state == State::kUp)
        actions.push_back(supervise::Restart{other, spec});
    }
  }
  return actions;
}

Supervisor::Actions Supervisor::on_joined(int process, Time /*now*/) {
  if (waiting_for_process_.empty()) {
    spares_.insert(process);
    return {};
  }
  const int slot = waiting_for_process_.front();
  waiting_for_process_.pop_front();
  Slot& place = slots_[static_cast<size_t>(slot)];
  place.state = State::kStarting;
  place.process = process;
  return {supervise::Fill{slot, process, place.incarnation, specs_of(slot)}};
}

Supervisor::Actions Supervisor::on_spawn_failed(int slot, const std::string& reason,
                                                Time now) {
  const auto at =
      std::find(waiting_for_process_.begin(), waiting_for_process_.end(), slot);
  if (at == waiting_for_process_.end()) return {};
  waiting_for_process_.erase(at);
  return replace(slot, reason, false, now);
}

}  // namespace srpo::actors
