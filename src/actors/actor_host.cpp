#include "actors/actor_host.h"

#include <algorithm>

#include "actors/reactor.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

/// Whether running calls are past their deadlines is looked at so often.
constexpr std::chrono::milliseconds kBetweenLooks{20};
/// So long after its deadline a call waits for its caller's own word.
constexpr std::chrono::milliseconds kGrace{100};

}  // namespace

ActorHost::~ActorHost() {
  close();
  // Coroutines that wait for something that will not come any more.
  auto running = std::move(running_);
  running_.clear();
  for (auto& [key, call] : running) {
    if (call->coroutine) call->coroutine.destroy();
  }
}

void ActorHost::add(const std::shared_ptr<ActorCell>& cell) {
  const auto other = by_hash_.find(cell->hash);
  if (other != by_hash_.end() && other->second->name != cell->name) {
    throw core::Error(core::ErrorKind::kBug, "the actor names " + cell->name + " and " +
                                                 other->second->name +
                                                 " have the same hash: rename one");
  }
  if (cells_.contains(cell->name)) remove(cell->name, "replaced");
  by_hash_[cell->hash] = cell.get();
  workers_.push_back(cell);
  cells_[cell->name] = cell;
  if (!homeless_.empty()) house(*cell);
}

void ActorHost::keep_homeless(uint32_t actor, IncomingCall call) {
  if (homeless_.size() >= limits_.mailbox_calls) {
    ++refused_;
    ActorCell nobody;
    answer_error(nobody, call,
                 {CallError::Kind::kOverloaded, core::ErrorKind::kPeerLost,
                  "too many calls wait for actors that are not there"});
    return;
  }
  homeless_.emplace_back(actor, std::move(call));
}

void ActorHost::house(const ActorCell& cell) {
  std::deque<std::pair<uint32_t, IncomingCall>> others;
  std::vector<IncomingCall> ours;
  for (auto& [actor, call] : homeless_) {
    if (actor == cell.hash) {
      ours.push_back(std::move(call));
    } else {
      others.emplace_back(actor, std::move(call));
    }
  }
  homeless_ = std::move(others);
  for (IncomingCall& call : ours) accept(cell.hash, std::move(call));
}

bool ActorHost::refuse_homeless() {
  const auto since = wire_.now() - limits_.patience;
  bool any = false;
  while (!homeless_.empty() && homeless_.front().second.arrived <= since) {
    const IncomingCall call = std::move(homeless_.front().second);
    homeless_.pop_front();
    ++refused_;
    ActorCell nobody;
    answer_error(nobody, call,
                 {CallError::Kind::kNotSent, core::ErrorKind::kPeerLost,
                  "no such actor on rank " + std::to_string(wire_.slot())});
    any = true;
  }
  return any;
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
  const auto refuse = [&](std::deque<IncomingCall>& lane) {
    for (const IncomingCall& call : std::exchange(lane, {})) {
      answer_error(*cell, call, error);
    }
  };
  refuse(cell->ordered_waiting);
  for (MethodState& method : cell->methods) refuse(method.waiting);
  cell->num_waiting = 0;
  const auto orphans = running_if(
      [&](const Key&, const RunningCall& call) { return call.cell.lock() == cell; });
  for (const auto& call : orphans) call->context.stop.request_stop();
}

const ActorCell* ActorHost::find(const std::string& name) const {
  const auto at = cells_.find(name);
  return at == cells_.end() ? nullptr : at->second.get();
}

void ActorHost::on_frame(int slot, const OpenFrame& open, Frame& frame) {
  const FrameHeader& header = open.header;
  if (header.kind == FrameKind::kCancel || header.kind == FrameKind::kStreamWindow) {
    const auto at = running_.find({slot, header.incarnation, header.call});
    if (at == running_.end()) return;
    const std::shared_ptr<RunningCall> call = at->second;
    if (header.kind == FrameKind::kCancel) {
      call->context.stop.request_stop();
      if (call->cancel_stream) call->cancel_stream();
    } else if (call->grow_window && open.arguments_are_whole &&
               open.arguments.size() == sizeof(uint32_t)) {
      call->grow_window(core::from_bytes<uint32_t>(open.arguments));
    }
    return;
  }
  IncomingCall call;
  call.slot = slot;
  call.incarnation = header.incarnation;
  call.call = header.call;
  call.method = header.method;
  call.arrived = open.arrived;
  const std::chrono::nanoseconds left(header.time_left);
  call.deadline = call.arrived +
                  std::clamp<std::chrono::nanoseconds>(left, left.zero(), kLongestWait);
  if (!open.arguments_are_whole) {
    ++refused_;
    ActorCell nobody;
    answer_error(nobody, call,
                 {CallError::Kind::kNotSent, core::ErrorKind::kPeerLost,
                  "the arguments came damaged"});
    return;
  }
  call.bytes = frame.size();
  call.arguments = open.arguments;  // the frame's memory moves with it
  call.frame = std::move(frame);
  call.references = runtime_.take_arrived();
  accept(header.actor, std::move(call));
}

void ActorHost::accept(uint32_t hash, IncomingCall call) {
  const auto at = by_hash_.find(hash);
  if (at == by_hash_.end()) {
    keep_homeless(hash, std::move(call));
    return;
  }
  ActorCell& cell = *at->second;
  const auto refuse = [&](CallError::Kind kind, const std::string& why) {
    ++refused_;
    answer_error(cell, call, {kind, core::ErrorKind::kPeerLost, why});
  };
  if (!cell.failure.empty()) {
    refuse(CallError::Kind::kApplication,
           "actor " + cell.name + " did not start: " + cell.failure);
  } else if (call.method >= cell.methods.size()) {
    refuse(CallError::Kind::kNotSent,
           "actor " + cell.name + " has no method " + std::to_string(call.method));
  } else {
    enqueue(cell, std::move(call));
  }
}

bool ActorHost::may_start(const ActorCell& cell, uint16_t method) const {
  const MethodState& state = cell.methods[method];
  const int limit = state.info->options.concurrency;
  return limit > 0 ? state.running < limit : !cell.ordered_running;
}

void ActorHost::enqueue(ActorCell& cell, IncomingCall call) {
  MethodState& state = cell.methods[call.method];
  if (is_repeat(call)) return;
  ++state.calls;
  state.bytes_in += call.bytes;
  runtime_.trace().add({TraceKind::kArrived, state.info->name, call.call, call.slot,
                        call.incarnation, call.bytes, false});
  auto& lane = state.info->options.concurrency > 0 ? state.waiting : cell.ordered_waiting;
  if (lane.empty() && may_start(cell, call.method)) {
    const auto now = call.arrived;
    start(cell, std::move(call), now);
    return;
  }
  if (lane.size() >= limits_.mailbox_calls) {
    ++refused_;
    answer_error(cell, call,
                 {CallError::Kind::kOverloaded, core::ErrorKind::kPeerLost,
                  "the mailbox of " + cell.name + " is full"});
    return;
  }
  lane.push_back(std::move(call));
  ++cell.num_waiting;
}

bool ActorHost::is_repeat(const IncomingCall& call) {
  if (!running_.contains(key_of(call))) return false;
  // The answer of the one that runs serves both.
  ++repeats_dropped_;
  return true;
}

void ActorHost::start(ActorCell& cell, IncomingCall call, core::Clock::time_point now) {
  const MethodInfo& info = *cell.methods[call.method].info;
  if (is_repeat(call)) return;
  if (call.deadline <= now) {
    ++expired_;
    answer_error(cell, call,
                 {CallError::Kind::kTimeout, core::ErrorKind::kTimeout,
                  std::string(info.name) + " was not begun before its deadline"});
    return;
  }
  ++cell.methods[call.method].running;
  if (info.options.concurrency == 0) cell.ordered_running = true;
  TraceRecorder& trace = runtime_.trace();
  const TraceRecorder::Entry step{TraceKind::kRunBegin, info.name,  call.call, call.slot,
                                  call.incarnation,     call.bytes, false};
  trace.add(step);
  const RunningNow::Scope running(runtime_.running_now(), &info.name, now);
  info.invoke(runtime_, cell, std::move(call));
  if (trace.is_on()) {
    TraceRecorder::Entry end = step;
    end.kind = TraceKind::kRunEnd;
    trace.add(end);
  }
}

void ActorHost::finished(ActorCell& cell, uint16_t method) {
  --cell.methods[method].running;
  if (cell.methods[method].info->options.concurrency == 0) cell.ordered_running = false;
  if (cell.num_waiting > 0 && !cell.stopped && alive_) start_waiting(cell);
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
                       core::Bytes bytes, std::vector<core::Buffer> buffers,
                       const References& references) {
  const Peer& caller = wire_.peer(call.slot);
  if (caller.state != Peer::State::kUp || caller.incarnation != call.incarnation) {
    return;
  }
  FrameHeader header;
  header.kind = kind;
  header.actor = cell.hash;
  header.call = call.call;
  header.time_left = static_cast<int64_t>(call.items);  // an answer has no deadline
  if (call.method < cell.methods.size()) {
    MethodState& state = cell.methods[call.method];
    state.bytes_out += bytes.size();
    for (const core::Buffer& buffer : buffers) state.bytes_out += buffer.size();
    if (kind == FrameKind::kError) ++state.errors;
    if (kind != FrameKind::kStreamItem)
      state.service.add(wire_.transport().now() - call.arrived);
  }
  if (!references.empty()) {
    header.flags |= kCarriesReferences;
    announce_references(call.slot, references);
  }
  if (runtime_.trace().is_on()) trace_answer(cell, call, kind, bytes.size(), buffers);
  wire_.send(call.slot, header, std::move(bytes), std::move(buffers));
}

void ActorHost::trace_answer(const ActorCell& cell, const IncomingCall& call,
                             FrameKind kind, size_t bytes,
                             const std::vector<core::Buffer>& buffers) {
  if (call.method >= cell.methods.size()) return;
  for (const core::Buffer& buffer : buffers) bytes += buffer.size();
  runtime_.trace().add(
      {kind == FrameKind::kStreamItem ? TraceKind::kItemSent : TraceKind::kReplied,
       cell.methods[call.method].info->name, call.call, call.slot, call.incarnation,
       bytes, kind == FrameKind::kError});
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
  running_[key_of(call)] = running;
  return running;
}

void ActorHost::forget(const IncomingCall& call) { running_.erase(key_of(call)); }

void ActorHost::on_slot_lost(int slot) {
  std::erase_if(homeless_, [&](const auto& each) { return each.second.slot == slot; });
  for (const auto& each : cells_) {
    ActorCell* cell = each.second.get();
    const auto drop = [&](std::deque<IncomingCall>& lane) {
      cell->num_waiting -= std::erase_if(
          lane, [&](const IncomingCall& call) { return call.slot == slot; });
    };
    drop(cell->ordered_waiting);
    for (MethodState& method : cell->methods) drop(method.waiting);
  }
  const auto orphans = running_if(
      [slot](const Key& key, const RunningCall&) { return std::get<0>(key) == slot; });
  for (const auto& call : orphans) {
    call->context.stop.request_stop();
    if (call->cancel_stream) call->cancel_stream();
  }
}

std::vector<std::shared_ptr<RunningCall>> ActorHost::running_if(
    const std::function<bool(const Key&, const RunningCall&)>& wanted) const {
  std::vector<std::shared_ptr<RunningCall>> found;
  for (const auto& [key, call] : running_) {
    if (wanted(key, *call)) found.push_back(call);
  }
  return found;
}

void ActorHost::expire() {
  if (running_.empty()) return;
  const auto now = wire_.now();
  if (now < next_look_) return;
  next_look_ = now + kBetweenLooks;
  const auto late = running_if([now](const Key&, const RunningCall& call) {
    return call.context.deadline && *call.context.deadline + kGrace <= now &&
           !call.context.stop.stop_requested();
  });
  for (const auto& call : late) {
    call->context.stop.request_stop();
    if (call->cancel_stream) call->cancel_stream();
  }
}

std::optional<core::Clock::time_point> ActorHost::next_timer() const {
  std::optional<core::Clock::time_point> first;
  const auto consider = [&first](core::Clock::time_point at) {
    if (!first || at < *first) first = at;
  };
  if (!homeless_.empty()) consider(homeless_.front().second.arrived + limits_.patience);
  for (const auto& [key, call] : running_) {
    if (call->context.deadline && !call->context.stop.stop_requested())
      consider(std::max(*call->context.deadline + kGrace, next_look_));
  }
  return first;
}

bool ActorHost::work() {
  bool busy = !homeless_.empty() && refuse_homeless();
  for (size_t i = 0; i < workers_.size(); ++i) {  // an actor may add or remove one
    const std::shared_ptr<ActorCell>& cell = workers_[i];
    if (cell->actor == nullptr || cell->work_name == nullptr) continue;
    const RunningNow::Scope running(runtime_.running_now(), cell->work_name,
                                    std::chrono::steady_clock::now());
    busy = cell->actor->work() || busy;
  }
  return busy;
}

std::vector<std::shared_ptr<const RunningCall>> ActorHost::running() const {
  std::vector<std::shared_ptr<const RunningCall>> running;
  for (const auto& [key, call] : running_) running.push_back(call);
  return running;
}

}  // namespace srpo::actors
