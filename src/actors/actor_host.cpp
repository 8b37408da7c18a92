#include "actors/actor_host.h"

#include "core/log.h"

namespace srpo::actors {

ActorHost::~ActorHost() {
  // Coroutines that wait for something that will not come any more.
  auto running = std::move(running_);
  running_.clear();
  for (auto& [key, call] : running) {
    if (call->coroutine) call->coroutine.destroy();
  }
}

void ActorHost::add(std::shared_ptr<ActorCell> cell) {
  const auto other = by_hash_.find(cell->hash);
  if (other != by_hash_.end() && other->second->name != cell->name) {
    throw core::Error(core::ErrorKind::kBug, "the actor names " + cell->name + " and " +
                                                 other->second->name +
                                                 " have the same hash: rename one");
  }
  if (cells_.contains(cell->name)) remove(cell->name, "replaced");
  by_hash_[cell->hash] = cell.get();
  workers_.push_back(cell);
  cells_[cell->name] = std::move(cell);
}

void ActorHost::remove(const std::string& name, const std::string& why) {
  const auto at = cells_.find(name);
  if (at == cells_.end()) return;
  const std::shared_ptr<ActorCell> cell = at->second;
  cell->stopped = true;
  std::erase(workers_, cell);
  by_hash_.erase(cell->hash);
  cells_.erase(at);
  const CallError error{CallError::Kind::kNotSent, core::ErrorKind::kPeerLost,
                        "actor " + name + " was stopped: " + why};
  for (const IncomingCall& call : cell->ordered_waiting) answer_error(*cell, call, error);
  for (const MethodState& method : cell->methods) {
    for (const IncomingCall& call : method.waiting) answer_error(*cell, call, error);
  }
  for (auto& [key, call] : running_) {
    if (call->cell.lock() == cell) call->context.stop.request_stop();
  }
}

const ActorCell* ActorHost::find(const std::string& name) const {
  const auto at = cells_.find(name);
  return at == cells_.end() ? nullptr : at->second.get();
}

void ActorHost::on_frame(int slot, const OpenFrame& open, Frame& frame) {
  const FrameHeader& header = open.header;
  if (header.kind == FrameKind::kCancel || header.kind == FrameKind::kStreamWindow) {
    const auto at = running_.find({slot, header.call});
    if (at == running_.end()) return;
    const std::shared_ptr<RunningCall> call = at->second;
    if (header.kind == FrameKind::kCancel) {
      call->context.stop.request_stop();
      if (call->cancel_stream) call->cancel_stream();
    } else if (call->grow_window && open.arguments_are_whole) {
      call->grow_window(core::from_bytes<uint32_t>(open.arguments));
    }
    return;
  }
  IncomingCall call;
  call.slot = slot;
  call.process = static_cast<uint32_t>(wire_.peer(slot).process);
  call.call = header.call;
  call.method = header.method;
  call.arrived = wire_.transport().now();
  call.deadline = call.arrived + std::chrono::nanoseconds(header.time_left);
  const auto actor = by_hash_.find(header.actor);
  ActorCell nobody;
  ActorCell& cell = actor == by_hash_.end() ? nobody : *actor->second;
  const auto refuse = [&](CallError::Kind kind, const std::string& why) {
    ++refused_;
    answer_error(cell, call, {kind, core::ErrorKind::kPeerLost, why});
  };
  if (!open.arguments_are_whole) {
    refuse(CallError::Kind::kNotSent, "the arguments came damaged");
  } else if (actor == by_hash_.end()) {
    refuse(CallError::Kind::kNotSent,
           "no such actor on rank " + std::to_string(wire_.slot()));
  } else if (!cell.failure.empty()) {
    refuse(CallError::Kind::kApplication,
           "actor " + cell.name + " did not start: " + cell.failure);
  } else if (header.method >= cell.methods.size()) {
    refuse(CallError::Kind::kNotSent,
           "actor " + cell.name + " has no method " + std::to_string(header.method));
  } else {
    call.bytes = frame.size();
    call.arguments = open.arguments;  // the frame's memory moves with it
    call.frame = std::move(frame);
    enqueue(*actor->second, std::move(call));
  }
}

bool ActorHost::may_start(const ActorCell& cell, uint16_t method) const {
  const MethodState& state = cell.methods[method];
  const int limit = state.info->options.concurrency;
  return limit > 0 ? state.running < limit : !cell.ordered_running;
}

void ActorHost::enqueue(ActorCell& cell, IncomingCall call) {
  MethodState& state = cell.methods[call.method];
  ++state.calls;
  state.bytes_in += call.bytes;
  auto& lane = state.info->options.concurrency > 0 ? state.waiting : cell.ordered_waiting;
  if (lane.empty() && may_start(cell, call.method)) {
    const auto now = call.arrived;
    start(cell, std::move(call), now);
    return;
  }
  if (lane.size() >= limits_.mailbox_calls) {
    ++refused_;
    state.info->discard(call);
    answer_error(cell, call,
                 {CallError::Kind::kOverloaded, core::ErrorKind::kPeerLost,
                  "the mailbox of " + cell.name + " is full"});
    return;
  }
  lane.push_back(std::move(call));
  ++cell.num_waiting;
}

void ActorHost::start(ActorCell& cell, IncomingCall call, core::Clock::time_point now) {
  const MethodInfo& info = *cell.methods[call.method].info;
  if (call.deadline <= now) {
    ++expired_;
    info.discard(call);
    answer_error(cell, call,
                 {CallError::Kind::kTimeout, core::ErrorKind::kTimeout,
                  std::string(info.name) + " was not begun before its deadline"});
    return;
  }
  ++cell.methods[call.method].running;
  if (info.options.concurrency == 0) cell.ordered_running = true;
  info.invoke(runtime_, cell, std::move(call));
}

void ActorHost::finished(ActorCell& cell, uint16_t method) {
  --cell.methods[method].running;
  if (cell.methods[method].info->options.concurrency == 0) cell.ordered_running = false;
  if (cell.num_waiting > 0 && !cell.stopped) start_waiting(cell);
}

bool ActorHost::start_one_waiting(ActorCell& cell) {
  const auto start_first = [&](std::deque<IncomingCall>& lane) {
    if (lane.empty() || !may_start(cell, lane.front().method)) return false;
    IncomingCall call = std::move(lane.front());
    lane.pop_front();
    --cell.num_waiting;
    start(cell, std::move(call), wire_.transport().now());
    return true;
  };
  if (start_first(cell.ordered_waiting)) return true;
  for (MethodState& method : cell.methods) {
    if (start_first(method.waiting)) return true;
  }
  return false;
}

void ActorHost::start_waiting(ActorCell& cell) {
  // Plain methods end inside start(): a loop here, not a recursion.
  if (cell.starting) return;
  const auto keep = cell.shared_from_this();
  cell.starting = true;
  while (!cell.stopped && start_one_waiting(cell)) {
  }
  cell.starting = false;
}

void ActorHost::answer(ActorCell& cell, const IncomingCall& call, FrameKind kind,
                       core::Bytes bytes, std::vector<core::Buffer> buffers) {
  const Peer& caller = wire_.peer(call.slot);
  if (caller.state != Peer::State::kUp ||
      static_cast<uint32_t>(caller.process) != call.process) {
    return;
  }
  FrameHeader header;
  header.kind = kind;
  header.actor = cell.hash;
  header.call = call.call;
  if (call.method < cell.methods.size()) {
    MethodState& state = cell.methods[call.method];
    state.bytes_out += bytes.size();
    for (const core::Buffer& buffer : buffers) state.bytes_out += buffer.size();
    if (kind == FrameKind::kError) ++state.errors;
    if (kind != FrameKind::kStreamItem)
      state.service.add(wire_.transport().now() - call.arrived);
  }
  wire_.send(call.slot, header, std::move(bytes), std::move(buffers));
}

void ActorHost::answer_error(ActorCell& cell, const IncomingCall& call,
                             const CallError& error) {
  std::vector<core::Buffer> none;
  core::ByteWriter writer = begin_frame(none);
  writer.write(error);
  answer(cell, call, FrameKind::kError, writer.take(), {});
}

std::shared_ptr<RunningCall> ActorHost::keep(ActorCell& cell, const IncomingCall& call) {
  auto running = std::make_shared<RunningCall>();
  running->cell = cell.weak_from_this();
  running->method = call.method;
  running->context.what = std::string(cell.methods[call.method].info->name);
  running->context.caller = call.slot;
  running->context.call = call.call;
  running->context.started = wire_.transport().now();
  running->context.deadline = call.deadline;
  running_[{call.slot, call.call}] = running;
  return running;
}

void ActorHost::forget(const IncomingCall& call) {
  running_.erase({call.slot, call.call});
}

void ActorHost::on_slot_lost(int slot) {
  for (auto& [name, cell] : cells_) {
    const auto drop = [&](std::deque<IncomingCall>& lane) {
      for (const IncomingCall& call : lane) {
        if (call.slot == slot) cell->methods[call.method].info->discard(call);
      }
      cell->num_waiting -= std::erase_if(
          lane, [&](const IncomingCall& call) { return call.slot == slot; });
    };
    drop(cell->ordered_waiting);
    for (MethodState& method : cell->methods) drop(method.waiting);
  }
  std::vector<std::shared_ptr<RunningCall>> orphans;
  for (auto& [key, call] : running_) {
    if (key.first == slot) orphans.push_back(call);
  }
  for (const auto& call : orphans) {
    call->context.stop.request_stop();
    if (call->cancel_stream) call->cancel_stream();
  }
}

bool ActorHost::work() {
  bool busy = false;
  for (size_t i = 0; i < workers_.size(); ++i) {  // an actor may add or remove one
    const std::shared_ptr<ActorCell>& cell = workers_[i];
    if (cell->actor != nullptr) busy = cell->actor->work() || busy;
  }
  return busy;
}

std::vector<std::shared_ptr<const RunningCall>> ActorHost::running() const {
  std::vector<std::shared_ptr<const RunningCall>> running;
  for (const auto& [key, call] : running_) running.push_back(call);
  return running;
}

}  // namespace srpo::actors
