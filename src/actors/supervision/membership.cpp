#include "actors/supervision/membership.h"

#include <algorithm>

#include "actors/node.h"
#include "core/log.h"

namespace srpo::actors {

/// What goes over the control channel between memberships.
struct Membership::Message {
  enum class Kind : uint8_t {
    kLost,    ///< a slot has lost its process
    kFilled,  ///< a slot is filled by a process
    kTake,    ///< fill this slot; `table` says who fills the others
    kTaken,   ///< done
    kLeave,   ///< the job ends
  };
  struct Entry {
    int32_t process = 0;
    uint32_t incarnation = 0;
    Peer::State state = Peer::State::kUp;

    template <class Self, class Visit>
    static void visit_fields(Self& self, Visit&& visit) {
      visit("process", self.process);
      visit("incarnation", self.incarnation);
      visit("state", self.state);
    }
  };
  Kind kind = Kind::kLost;
  int32_t slot = 0;
  int32_t process = 0;
  uint32_t incarnation = 0;
  bool will_be_filled = false;
  int32_t exit_code = 0;
  std::string reason;
  std::vector<Entry> table;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("slot", self.slot);
    visit("process", self.process);
    visit("incarnation", self.incarnation);
    visit("will_be_filled", self.will_be_filled);
    visit("exit_code", self.exit_code);
    visit("reason", self.reason);
    visit("table", self.table);
  }
};

namespace {

constexpr int kStoppedEarly = 75;

}  // namespace

Membership::Membership(Runtime& runtime, ControlChannel& control, Options options)
    : runtime_(runtime), control_(control), options_(std::move(options)) {
  const int processes = runtime.wire().transport().size();
  if (runtime.rank() == 0) {
    supervisor_ = std::make_unique<Supervisor>(runtime.size(), processes,
                                               options_.spawn_process != nullptr);
    runtime.node().set_supervisor(supervisor_.get());
    for (int process = 1; process < processes; ++process) processes_.push_back(process);
  }
  runtime.on_round([this, alive = std::weak_ptr(alive_)] {
    return alive.lock() != nullptr && round();
  });
}

Membership::~Membership() {
  if (is_root()) runtime_.node().set_supervisor(nullptr);
}

bool Membership::round() {
  control_.beat();
  bool any = false;
  while (auto event = control_.poll()) {
    any = true;
    switch (event->kind) {
      case ControlEvent::Kind::kMessage:
        on_message(event->peer, event->message);
        break;
      case ControlEvent::Kind::kJoined:
        if (!is_root()) break;
        joined_.insert(event->peer);
        if (std::find(processes_.begin(), processes_.end(), event->peer) ==
            processes_.end()) {
          processes_.push_back(event->peer);
          slot_of_spawned_.erase(event->peer);
          carry_out(supervisor_->on_joined(event->peer, runtime_.now()));
        }
        break;
      case ControlEvent::Kind::kLost:
        on_process_lost(event->peer, event->reason);
        break;
    }
  }
  return spawn_waiting() || any;
}

void Membership::on_process_lost(int process, const std::string& reason) {
  if (!is_root()) {
    if (process == 0) leave(kStoppedEarly, "rank 0 is lost: " + reason);
    return;
  }
  LOG(warn) << "process_lost process=" << process << " reason=" << reason;
  last_death_ = runtime_.now();
  const auto spawned = slot_of_spawned_.find(process);
  if (spawned != slot_of_spawned_.end()) {
    const int slot = spawned->second;
    slot_of_spawned_.erase(spawned);
    carry_out(supervisor_->on_spawn_failed(slot, reason, runtime_.now()));
    return;
  }
  std::erase(processes_, process);
  for (int slot = 1; slot < runtime_.size(); ++slot) {
    const Peer& peer = runtime_.wire().peer(slot);
    if (peer.state == Peer::State::kUp && peer.process == process)
      runtime_.slot_lost(slot, reason, true);
  }
  carry_out(supervisor_->on_lost(process, reason, runtime_.now()));
}

void Membership::on_message(int peer, const core::Bytes& bytes) {
  Message message;
  try {
    message = core::from_bytes<Message>(bytes);
  } catch (const core::Error& error) {
    LOG(warn) << "control_message_refused peer=" << peer << " reason=" << error.what();
    return;
  }
  if (is_root()) {
    if (message.kind == Message::Kind::kTaken) on_taken(peer, message);
    return;
  }
  if (peer != 0) return;
  switch (message.kind) {
    case Message::Kind::kLost:
      apply_lost(message.slot, message.will_be_filled, message.reason);
      break;
    case Message::Kind::kFilled:
      if (message.slot != runtime_.rank())
        runtime_.slot_filled(message.slot, message.process, message.incarnation);
      break;
    case Message::Kind::kTake: {
      for (int slot = 0; slot < static_cast<int>(message.table.size()); ++slot) {
        const Message::Entry& entry = message.table[static_cast<size_t>(slot)];
        const Peer& known = runtime_.wire().peer(slot);
        if (slot == message.slot) continue;
        if (entry.state != Peer::State::kUp) {
          runtime_.slot_lost(slot, "lost before", entry.state == Peer::State::kReplacing);
        } else if (known.process != entry.process ||
                   known.incarnation != entry.incarnation) {
          runtime_.slot_filled(slot, entry.process, entry.incarnation);
        }
      }
      runtime_.take_slot(message.slot, message.incarnation);
      runtime_.slot_filled(message.slot, runtime_.wire().transport().rank(),
                           message.incarnation);
      message.kind = Message::Kind::kTaken;
      message.table.clear();
      control_.send(0, core::to_bytes(message));
      break;
    }
    case Message::Kind::kLeave:
      leave(message.exit_code, message.reason);
      break;
    case Message::Kind::kTaken:
      break;
  }
}

void Membership::apply_lost(int slot, bool will_be_filled, const std::string& reason) {
  if (slot == runtime_.rank()) return;  // it is told to leave, or cut off
  runtime_.slot_lost(slot, reason, will_be_filled);
  const Down down{slot, will_be_filled, reason};
  for (const auto& action : down_) action(down);
}

void Membership::leave(int exit_code, const std::string& reason) {
  if (!reason_.empty()) return;
  exit_code_ = exit_code;
  reason_ = reason.empty() ? "the job has ended" : reason;
  if (exit_code != 0) LOG(warn) << "leaving code=" << exit_code << " reason=" << reason;
  runtime_.stop();
}

void Membership::announce(const Message& message) {
  for (const int process : processes_) control_.send(process, core::to_bytes(message));
}

bool Membership::is_complete() const {
  return std::all_of(processes_.begin(), processes_.end(),
                     [this](int process) { return joined_.contains(process); });
}

void Membership::stop_all(int exit_code, const std::string& reason) {
  carry_out(supervise::Leave{exit_code, reason});
}

void Membership::carry_out(const Supervisor::Actions& actions) {
  for (const SupervisorAction& action : actions)
    std::visit([this](const auto& each) { carry_out(each); }, action);
}

void Membership::carry_out(const supervise::Fence& action) {
  std::erase(processes_, action.process);
  control_.fence(action.process);
}

void Membership::carry_out(const supervise::AnnounceLost& action) {
  LOG(warn) << "rank_lost rank=" << action.slot
            << " replaced=" << (action.will_be_filled ? "yes" : "no")
            << " reason=" << action.reason;
  Message message;
  message.kind = Message::Kind::kLost;
  message.slot = action.slot;
  message.will_be_filled = action.will_be_filled;
  message.reason = action.reason;
  announce(message);
  apply_lost(action.slot, action.will_be_filled, action.reason);
}

void Membership::carry_out(const supervise::SpawnProcess& action) {
  to_spawn_.push_back(action.slot);
}

bool Membership::spawn_waiting() {
  if (to_spawn_.empty() || runtime_.now() < last_death_ + options_.quiet_before_spawn)
    return false;
  const int slot = to_spawn_.front();
  to_spawn_.pop_front();
  const int process = options_.spawn_process ? options_.spawn_process(slot) : -1;
  if (process >= 0) {
    slot_of_spawned_[process] = slot;
  } else {
    carry_out(supervisor_->on_spawn_failed(slot, "no process could be started",
                                           runtime_.now()));
  }
  return true;
}

void Membership::carry_out(const supervise::Fill& action) {
  Message message;
  message.kind = Message::Kind::kTake;
  message.slot = action.slot;
  message.process = action.process;
  message.incarnation = action.incarnation;
  for (int slot = 0; slot < runtime_.size(); ++slot) {
    const Peer& peer = runtime_.wire().peer(slot);
    message.table.push_back({peer.process, peer.incarnation, peer.state});
  }
  message.table[0].incarnation = runtime_.wire().incarnation();
  std::erase_if(fills_, [&](const auto& fill) { return fill.slot == action.slot; });
  fills_.push_back(action);
  control_.send(action.process, core::to_bytes(message));
}

void Membership::on_taken(int process, const Message& message) {
  const auto at = std::find_if(fills_.begin(), fills_.end(), [&](const auto& fill) {
    return fill.slot == message.slot && fill.process == process &&
           fill.incarnation == message.incarnation;
  });
  if (at == fills_.end()) return;
  const supervise::Fill fill = *at;
  fills_.erase(at);
  start_actors(fill);
}

void Membership::start_actors(const supervise::Fill& fill) {
  runtime_.slot_filled(fill.slot, fill.process, fill.incarnation, [&] {
    std::vector<Future<Done>> started;
    for (const ActorSpec& spec : fill.specs) {
      started.push_back(
          runtime_.find<Node>(fill.slot, kNodeName)
              .call_within<&Node::start_actor>(options_.start_timeout, spec));
    }
    when_all(started).then([this, alive = std::weak_ptr(alive_), slot = fill.slot,
                            incarnation = fill.incarnation](auto& results) {
      if (alive.expired()) return;
      std::string reason;
      for (const auto& result : results.value()) {
        if (!result.has_value()) reason = result.error().message;
      }
      carry_out(supervisor_->on_started(slot, incarnation, reason.empty(), reason,
                                        runtime_.now()));
    });
  });
}

void Membership::carry_out(const supervise::AnnounceFilled& action) {
  LOG(info) << "rank_filled rank=" << action.slot << " process=" << action.process
            << " incarnation=" << action.incarnation;
  Message message;
  message.kind = Message::Kind::kFilled;
  message.slot = action.slot;
  message.process = action.process;
  message.incarnation = action.incarnation;
  announce(message);
}

void Membership::carry_out(const supervise::Restart& action) {
  const auto node = runtime_.find<Node>(action.slot, kNodeName);
  node.tell<&Node::stop_actor>(action.spec.name, std::string("its group is made again"));
  node.tell<&Node::start_actor>(action.spec);
}

void Membership::carry_out(const supervise::Leave& action) {
  Message message;
  message.kind = Message::Kind::kLeave;
  message.exit_code = action.exit_code;
  message.reason = action.reason;
  announce(message);
  leave(action.exit_code, action.reason);
}

}  // namespace srpo::actors
